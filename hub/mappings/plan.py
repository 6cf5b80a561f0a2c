"""What a mapping document is once it is compiled: functions of a `Row`. Only types."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from hub.mappings.copies import CopiedKeys
from hub.mappings.document import MappingDocument, Target
from hub.mappings.known import KnownKeys
from hub.mappings.rows import Row

FieldValue = Any  # JsonValue or FAILED
Getter = Callable[[Row], FieldValue]
Check = Callable[[Row], bool]


@dataclass(frozen=True, slots=True)
class TargetPlan:
    """One compiled target: plain fields, and the keys of object fields."""

    target: Target
    each: Getter | None
    when: Check | None
    reject_if: Sequence[tuple[Check, str]]
    fields: Sequence[tuple[str, Getter]]
    nested: Sequence[tuple[str, str, Getter]]
    copies: Sequence[tuple[str, CopiedKeys]]
    refs: Sequence[tuple[str, Getter]]


@dataclass(frozen=True, slots=True)
class Plan:
    """A compiled document."""

    document: MappingDocument
    id: Getter
    region: Getter | None
    language: Getter | None
    when: Check | None
    deleted: Check | None
    targets: Sequence[TargetPlan]
    known: KnownKeys
    lookups: Sequence[tuple[str, Getter]]
    reads_forms: bool
