"""The shape of a mapping document; that of its rules is in `hub.mappings.rule_document`.

In: plain Python values from YAML. Out: frozen models in which every shorthand is expanded (a path as
text, a transform as a bare name), so all other modules see one form. Not here: the check of the names
of targets, transforms and arguments (`hub.mappings.bind`).
"""

import hashlib
import json
from collections.abc import Iterable
from functools import cache, cached_property
from typing import Self

from pydantic import BaseModel, Field, model_validator
from pydantic_core import PydanticCustomError

from hub.mappings.rule_document import Predicate, Rule, Strict
from hub.model.records import JsonValue
from hub.model.verdicts import Trust

ENGINE_VERSION = 4
"""Part of every mapping version: raise it when a transform's results change."""


class Rejection(Strict):
    """A record for which `when` holds goes to quarantine with `reason`.

    Args:
        when: a predicate.
        reason: the reason in the quarantine row.
    """

    when: Predicate
    reason: str


class Target(Strict):
    """One canonical record that a raw record may give.

    Args:
        entity: the entity: lead, contact, person, ticket, user, inquiry, note or consent.
        primary: whether it decides the ledger's verdict. Several primary targets are alternatives:
            only the first one whose `when` is true is emitted.
        each: rule that gives a list. The target is emitted once for each entry, at most 50 times;
            `item` rules read the entry. Not for a primary target.
        when: the target is emitted only if this predicate is true. If it is true for no primary
            target, the record is *excluded*.
        fields: canonical field → rule; `custom_fields.<key>` sets one key of an object field.
        refs: relation → rule that gives a source id.
        reject_if: reasons to reject the whole record, checked when the target is emitted.
        key: fields that identify one of several records of an entity.
    """

    entity: str
    primary: bool = False
    each: Rule | None = None
    when: Predicate | None = None
    fields: dict[str, Rule]
    refs: dict[str, Rule] = Field(default_factory=dict)
    reject_if: list[Rejection] = Field(default_factory=list)
    key: list[str] = Field(default_factory=list)


class MappingDocument(Strict):
    """A whole mapping document.

    Args:
        source: vendor, the folder's name.
        stream: stream of the vendor, the file's name.
        trust: `open` for records that any stranger can send, such as form answers.
        unwrap: keys under which records sit in a vendor's page (list) or webhook body (object).
        id: rule that gives the source id of a record without one (previews).
        region: rule that gives the ISO-2 country for phones without a prefix.
        language: rule that gives the record's language (`fr`, `zh-TW`) for the order of names.
        deleted: if true, the record was deleted at the source.
        when: if false, the record is excluded.
        ignore: payload keys (patterns, `a.b` for deeper ones) to leave out. Any other key that no rule
            reads is drift.
        emit: the targets.
    """

    source: str
    stream: str
    trust: Trust = Trust.TRUSTED
    unwrap: list[str] = Field(default_factory=list)
    id: Rule
    region: Rule | None = None
    language: Rule | None = None
    deleted: Predicate | None = None
    when: Predicate | None = None
    ignore: list[str] = Field(default_factory=list)
    emit: list[Target]

    @model_validator(mode="after")
    def _one_primary(self) -> Self:
        primaries = [target for target in self.emit if target.primary]
        if any(target.each is not None for target in primaries):
            raise PydanticCustomError("each", "a primary target has no 'each'")
        if not primaries:
            raise PydanticCustomError("primary", "one target of emit must be primary")
        if any(target.when is None for target in primaries[:-1]):
            raise PydanticCustomError(
                "primary", "of several primary targets all but the last need a 'when'"
            )
        return self

    @property
    def name(self) -> str:
        """Return `<source>/<stream>`."""
        return f"{self.source}/{self.stream}"

    @property
    def filled(self) -> tuple[str, ...]:
        """Return the canonical fields that the document fills, sorted."""
        return tuple(sorted({field for target in self.emit for field in target.fields}))

    @cached_property
    def version(self) -> str:
        """Return a short digest of the document's content; layout and comments do not change it."""
        plain = self.model_dump(mode="json", by_alias=True)
        text = json.dumps([ENGINE_VERSION, plain], sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    def __hash__(self) -> int:
        """Return the same hash for documents with the same content."""
        return hash((self.name, self.version))


def walk_rules(document: MappingDocument) -> "list[tuple[tuple[str | int, ...], Rule]]":
    """Return every rule of the document with its place, including nested rules and operands."""
    return _walk(document, ())


def _walk(node: object, loc: tuple[str | int, ...]) -> "list[tuple[tuple[str | int, ...], Rule]]":
    found: list[tuple[tuple[str | int, ...], Rule]] = []
    if isinstance(node, Rule):
        found.append((loc, node))
    for key, child in _children(node):
        if isinstance(child, BaseModel | dict | list):
            found += _walk(child, (*loc, key))
    return found


def _children(node: object) -> "Iterable[tuple[str | int, object]]":
    if isinstance(node, BaseModel):
        return [(called, getattr(node, name)) for name, called in _fields(type(node))]
    if isinstance(node, dict):
        return node.items()
    return enumerate(node) if isinstance(node, list) else ()


@cache
def _fields(model: type[BaseModel]) -> "list[tuple[str, str]]":
    """Return the fields of a model, each with the name that a document calls it by."""
    return [(name, field.alias or name) for name, field in model.model_fields.items()]


def const_of(value: object) -> JsonValue:
    """Return a constant as JSON (YAML dates become text)."""
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, list):
        return [const_of(v) for v in value]
    if isinstance(value, dict):
        return {str(k): const_of(v) for k, v in value.items()}
    return str(value)
