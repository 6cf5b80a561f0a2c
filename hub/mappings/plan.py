"""Types of a compiled mapping document: its rules and predicates are functions of a `Row`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from hub.mappings.copies import CopiedKeys
from hub.mappings.document import MappingDocument, Target
from hub.mappings.known import KnownKeys
from hub.mappings.paths import Paths
from hub.mappings.rows import Row

FieldValue = Any  # JsonValue or FAILED
Getter = Callable[[Row], FieldValue]
Check = Callable[[Row], bool]


@dataclass(frozen=True, slots=True)
class TargetPlan:
    """One compiled target.

    Args:
        target: the target as the document has it.
        each: gives the list whose entries the target is emitted for; None: once a record.
        when: whether the target is emitted.
        reject_if: predicates that reject the record, each with its reason.
        fields: name and getter of each plain field.
        nested: name, key and getter of each key of an object field (`custom_fields.score`).
        copies: name and keys of each object field that copies keys.
        refs: name and getter of each reference.
    """

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
    paths: Paths
    id: Getter
    region: Getter | None
    language: Getter | None
    when: Check | None
    deleted: Check | None
    targets: Sequence[TargetPlan]
    known: KnownKeys
    lookups: Sequence[tuple[str, Getter]]
    reads_forms: bool
