"""Drift: fields and values of a source that its mapping does not know, and fields it no longer fills."""

from typing import NamedTuple

from hub.frozen import dataclass

FEW = 50  # records; fewer prove nothing about a missing field
RARE = 0.05  # a field that fewer records than this filled may be missing by chance


class Unknown(NamedTuple):
    """One kind of drift in one field.

    Args:
        kind: one of four. "value": outside the known list. "field": a key that no rule reads.
            "type": another JSON type than the rule expects. "placeholder": a text without a
            meaning.
        field: the vendor's key for "field", else the canonical field.
        value: the unknown list value, or the name of the type; "" for "field".
    """

    kind: str
    field: str
    value: str


@dataclass(frozen=True, slots=True)
class Fill:
    """How often a canonical field is filled: in the newest records, and in those before them."""

    field: str
    newest: float
    newest_n: int
    before: float
    before_n: int

    @property
    def is_vanished(self) -> bool:
        """Whether the source has stopped filling the field."""
        return (
            self.newest == 0
            and self.newest_n >= FEW
            and self.before_n >= FEW
            and self.before >= RARE
        )
