"""A fault of a source or of one part of it: what was not read, why, and what to do next.

A part is named as in `sources.<source>.skip`: a stream (`companies`), or one form or list of a
stream that reads many (`forms/<id>`, `lists/<id>`); "" is the whole source. Faults are stored
with the batch, so that its proof has them. Not here: which error is which fault (`hub.etl.contain`).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from enum import StrEnum
from typing import Self

from hub.frozen import dataclass
from hub.model.records import JsonValue


class FaultKind(StrEnum):
    """What happens next."""

    OPERATOR = "operator"  # the operator must act: credentials, a permission, a setting
    FAILED = "failed"  # the next sync tries again
    BUDGET = (
        "budget"  # the vendor's quota is used up; the next sync continues, and nothing is wrong
    )


_NEXT = {
    FaultKind.OPERATOR: "hub check says what is wrong",
    FaultKind.FAILED: "the next sync tries again",
    FaultKind.BUDGET: "the next sync goes on there",
}


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a source, or a part of it, was not read to its end."""

    source: str
    part: str
    kind: FaultKind
    message: str
    hint: str = ""

    @property
    def name(self) -> str:
        """Return the source, and the part where it is one."""
        return f"{self.source}/{self.part}" if self.part else self.source

    @property
    def sentence(self) -> str:
        """Return the message for the operator: where, what happened, what to do next."""
        return f"{self.told}; next: {self.hint or _NEXT[self.kind]}"

    @property
    def told(self) -> str:
        """Return where and what happened."""
        is_named = self.message.startswith((f"{self.source}:", f"{self.name}:"))
        return self.message if is_named else f"{self.name}: {self.message}"

    def to_json(self) -> dict[str, JsonValue]:
        """Return the fault as it is kept with its batch and shown by `--json`."""
        return {**asdict(self), "kind": self.kind.value}

    @classmethod
    def from_json(cls, kept: Mapping[str, JsonValue]) -> Self:
        """Return a fault that was kept."""
        texts = {name: str(value) for name, value in kept.items() if name != "kind"}
        return cls(kind=FaultKind(str(kept["kind"])), **texts)


def faults_of(kept: JsonValue) -> list[Fault]:
    """Return the faults that a batch's note holds; none where it holds none."""
    found: Sequence[JsonValue] = kept if isinstance(kept, list) else []
    return [Fault.from_json(one) for one in found if isinstance(one, Mapping)]


def once_each(faults: Iterable[Fault]) -> list[Fault]:
    """Return the first fault of each part: several streams may need one permission."""
    return list({fault.name: fault for fault in reversed([*faults])}.values())[::-1]


def is_paused(faults: Sequence[Fault]) -> bool:
    """Tell whether a used-up quota is the only fault of the source."""
    return bool(faults) and all(fault.kind is FaultKind.BUDGET for fault in faults)
