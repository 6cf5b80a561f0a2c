"""How full a source's fields are, and when one has gone away."""

from dataclasses import dataclass

FEW = 50  # records; fewer say nothing about a field that stays away
RARE = 0.05  # a field that fewer records than this filled may be missing by chance


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
