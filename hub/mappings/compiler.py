"""Compile the rules and predicates of a document into functions, once per document.

In: a bound mapping document. Out: a `Plan` of functions that take a `Row`. A rule has a source
(`hub.mappings.sources`), steps that its value goes through (`steps`), and conditions
(`predicates`). Not here: the batch (`hub.mappings.engine`).
"""

import functools
from collections.abc import Sequence
from typing import NamedTuple

from pydantic import BaseModel

from hub.mappings import placeholders, predicates, sources
from hub.mappings.copies import CopiedKeys
from hub.mappings.document import MappingDocument, Target, const_of, walk_rules
from hub.mappings.known import known_keys
from hub.mappings.memory import SELDOM_AGAIN, Memory, remembered
from hub.mappings.paths import Paths, Reads, joined
from hub.mappings.plan import Check, FieldValue, Getter, Plan, TargetPlan
from hub.mappings.registry import REGISTRY, Args, Transform
from hub.mappings.rows import LANGUAGE, REGION, Row, is_blank
from hub.mappings.rule_document import Answer, Consents, Predicate, Rule
from hub.mappings.sources import hashable
from hub.mappings.steps import (
    PAST_ONLY,
    always_of_kind,
    checked_kind,
    conditional,
    one_transform,
    required,
    transform_chain,
    without_placeholders,
)
from hub.mappings.transforms import DEFAULTS
from hub.model.entities import ENTITY_FIELDS

NO_NAME = "(no name)"
_OF_CTX = {"region": REGION, "language": LANGUAGE}
_NEIGHBOUR_FIELDS = ("first_name", "last_name", "email", "street")
"""A value in one of these fields shows that `Null` in another is a surname: Jennifer Null."""


@functools.lru_cache(maxsize=64)
def compile_document(document: MappingDocument) -> Plan:
    """Return the plan of a document; the cache holds the plans of 64 documents."""
    rules = [rule for _, rule in walk_rules(document)]
    looked_up = [rule.lookup for rule in rules if rule.lookup]
    selectors = list(
        dict.fromkeys(hashable(r.answer or r.question) for r in rules if r.answer or r.question)
    )
    consents = next((rule.consents for rule in rules if rule.consents), None)
    paths = Paths(rule.path for rule in rules if rule.path)
    compiler = _Compiler(selectors, consents, paths)
    reads_forms = bool(selectors) or consents is not None
    return Plan(
        document=document,
        paths=paths,
        id=compiler.getter(document.id, "id", "ref"),
        region=compiler.getter(document.region, "region", "text") if document.region else None,
        language=compiler.getter(document.language, "language", None)
        if document.language
        else None,
        when=compiler.check(document.when) if document.when else None,
        deleted=compiler.check(document.deleted) if document.deleted else None,
        targets=[compiler.target(target) for target in document.emit],
        known=known_keys(document),
        lookups=[(one.stream, compiler.getter(one.id, "", "ref")) for one in looked_up],
        reads_forms=reads_forms or any(rule.form for rule in rules),
    )


class _Compiled(NamedTuple):
    """A compiled rule: its getter, and what it reads."""

    get: Getter
    reads: Reads
    is_remembered: bool = False


class _Compiler:
    def __init__(
        self, selectors: Sequence[Answer], consents: Consents | None, paths: Paths
    ) -> None:
        self._answers = sources.Answers(selectors, consents)
        self._paths = paths
        self._neighbours: dict[str, Getter] = {}
        self._memories: dict[object, Memory] = {}

    def target(self, target: Target) -> TargetPlan:
        kinds = {f.name: f.kind for f in ENTITY_FIELDS[target.entity]}
        neighbours = self._neighbours = {}
        neighbours |= {
            f: self._silent(target.fields[f], f).get
            for f in _NEIGHBOUR_FIELDS
            if f in target.fields
        }
        plain, nested, copies = [], [], []
        for name, rule in target.fields.items():
            head, _, key = name.partition(".")
            if rule.copy_:
                unless = self.check(rule.copy_.unless) if rule.copy_.unless else None
                copies.append((head, CopiedKeys(rule.copy_, unless, self._paths)))
            elif key:
                nested.append((head, key, self.getter(rule, name, "json")))
            else:
                plain.append((name, self.getter(rule, name, kinds[name])))
        return TargetPlan(
            target=target,
            each=self.rule(target.each, "each", None).get if target.each else None,
            when=self.check(target.when) if target.when else None,
            reject_if=[(self.check(r.when), r.reason) for r in target.reject_if],
            fields=plain,
            nested=nested,
            copies=copies,
            refs=[
                (name, self.getter(rule, f"refs.{name}", "ref"))
                for name, rule in target.refs.items()
            ],
        )

    def getter(self, rule: Rule, place: str, kind: str | None) -> Getter:
        """Return the getter of a rule that remembers its results, if it reads paths only."""
        get, reads, is_remembered = self.rule(rule, place, kind)
        if is_remembered or _placeholder_kind(rule, place, kind) in SELDOM_AGAIN:
            return get
        return self._remembering(get, reads, ("field", rule, place, kind))

    def check(self, predicate: Predicate) -> Check:
        """Compile a predicate; its rules leave no notes on the row."""
        check, reads = self._check(predicate)
        return self._remembering(check, reads, ("check", predicate))

    def _remembering(self, get: Getter, reads: Reads, rule: tuple[object, ...]) -> Getter:
        """Return a getter with a memory that equal rules share: a target's often are another's."""
        if not reads:
            return get
        name = tuple(p.model_dump_json() if isinstance(p, BaseModel) else p for p in rule)
        return remembered(get, reads, self._memories.setdefault(name, {}))

    def rule(
        self,
        rule: Rule,
        place: str,
        kind: str | None,
        placeholder_kind: str | None = None,
        *,
        compared: bool = False,
    ) -> _Compiled:
        """Compile a rule.

        Args:
            rule: the rule.
            place: the target field; empty for the rule of a predicate.
            kind: kind of the target field; it gives the transform of a rule that names none.
            placeholder_kind: kind of placeholders (`hub.mappings.placeholders`) of the outer rule.
            compared: the rule is compared by a predicate, which must see placeholders too.
        """
        placeholder_kind = _placeholder_kind(rule, place, kind, placeholder_kind)
        got, reads = self._source(
            rule, place, None if rule.transform else kind, placeholder_kind, compared=compared
        )
        is_leaf = bool(rule.path or rule.answer or rule.lookup or rule.item)
        if is_leaf and not compared:
            origin = rule.path or repr(rule.answer or rule.lookup or rule.item)
            got = without_placeholders(
                got, placeholder_kind, place, origin, self._has_neighbour(place)
            )
        transforms = _transforms(rule, kind)
        reads = joined(
            [reads, *(frozenset(_OF_CTX[name] for name in t.reads) for t, _ in transforms)]
        )
        got = _transformed(
            got, transforms, place, is_path=bool(rule.path), keep=rule.on_error == "keep"
        )
        is_remembered = bool(
            rule.path and transforms and reads and placeholder_kind not in SELDOM_AGAIN
        )
        if is_remembered:
            got = self._remembering(
                got,
                reads,
                (
                    "path",
                    rule.path,
                    str(rule.transform),
                    rule.on_error,
                    place,
                    kind,
                    placeholder_kind,
                    compared,
                ),
            )
        last = transforms[-1][0].name if transforms else ""
        is_checked = rule.first_of is not None and not rule.transform  # each alternative is
        if (
            kind is not None
            and not is_checked
            and (place in PAST_ONLY or not always_of_kind(last, kind))
        ):
            got, is_remembered = checked_kind(got, place, kind), False
            reads = None if place in PAST_ONLY else reads  # the latest time is the batch's
        if rule.when:
            when, read_by_it = self._check(rule.when)
            got, is_remembered = conditional(got, when), False
            reads = joined([reads, read_by_it])
        if rule.required:
            got, is_remembered = required(got, place), False
        return _Compiled(got, reads, is_remembered)

    def _source(  # noqa: PLR0911 one line a kind of source
        self, rule: Rule, place: str, kind: str | None, placeholder_kind: str, *, compared: bool
    ) -> tuple[Getter, Reads]:
        if rule.path:
            number = self._paths.number(rule.path)
            return sources.path_value(number), frozenset((number,))
        if rule.first_of is not None:
            parts = [
                self.rule(r, place, kind, placeholder_kind, compared=compared)
                for r in rule.first_of
            ]
            return sources.first([p.get for p in parts]), joined(p.reads for p in parts)
        if rule.all_of is not None:
            parts = [
                self.rule(r, place, None, placeholder_kind, compared=compared) for r in rule.all_of
            ]
            return sources.all_of([p.get for p in parts]), joined(p.reads for p in parts)
        if rule.answer or rule.question:
            selector = hashable(rule.answer or rule.question)
            return self._answers.of(selector, is_title=rule.question is not None), None
        if rule.unmapped_answers is not None:
            return self._answers.unmapped, None
        if rule.consents is not None:
            return self._answers.consents, None
        if rule.item is not None:
            return sources.item(rule.item), None
        if rule.lookup is not None:
            return sources.looked_up(rule.lookup, self._silent(rule.lookup.id).get), None
        if rule.form is not None:
            return (sources.form_title if rule.form == "title" else sources.form_id), None
        const = const_of(rule.const)
        return (lambda _row: const), frozenset()

    def _check(self, predicate: Predicate) -> tuple[Check, Reads]:
        reads: list[Reads] = []

        def compiled(rule: Rule, *, compared: bool = False) -> Getter:
            one = self._silent(rule, compared=compared)
            reads.append(one.reads)
            return one.get

        check = predicates.compile_predicate(
            predicate, compiled, lambda rule: compiled(rule, compared=True)
        )
        return check, joined(reads)

    def _has_neighbour(self, place: str) -> Check:
        """Return the check whether a record has a value in another field of `_NEIGHBOUR_FIELDS`.

        What reads more than the rule's own paths here is never remembered: a name that needs this
        check is noted on the row, as a placeholder or as a name that may be one.
        """
        neighbours = self._neighbours

        def has_neighbour(row: Row) -> bool:
            if row.is_checking_neighbours:
                return False
            row.is_checking_neighbours = True
            try:
                said = (get(row) for name, get in neighbours.items() if name != place)
                return any(not is_blank(one) and one != NO_NAME for one in said)
            finally:
                row.is_checking_neighbours = False

        return has_neighbour

    def _silent(self, rule: Rule, place: str = "", *, compared: bool = False) -> _Compiled:
        get, reads, _ = self.rule(rule, place, None, compared=compared)

        def run_silently(row: Row) -> FieldValue:
            row.silent += 1
            try:
                return get(row)
            finally:
                row.silent -= 1

        return _Compiled(run_silently, reads)


def _placeholder_kind(
    rule: Rule, place: str, kind: str | None, inherited: str | None = None
) -> str:
    return placeholders.kind_of([s.name for s in rule.transform or []], inherited, place, kind)


def _transforms(rule: Rule, kind: str | None) -> list[tuple[Transform, Args]]:
    """Return the transforms of a rule with their arguments, the default of its kind included."""
    found: list[tuple[Transform, Args]] = [(REGISTRY[s.name], s.args) for s in rule.transform or []]
    is_raw = not found and rule.const is None and not rule.first_of
    if kind is not None and (is_raw or (found and found[-1][0].name == "coalesce")):
        found.append((REGISTRY[DEFAULTS[kind]], {}))
    return found


def _transformed(
    source: Getter,
    transforms: Sequence[tuple[Transform, Args]],
    place: str,
    *,
    is_path: bool,
    keep: bool,
) -> Getter:
    if is_path and len(transforms) == 1 and not transforms[0][0].sees_null:
        transform, args = transforms[0]
        return one_transform(source, transform.function, args, place, keep=keep)
    steps = [(t.function, args, t.sees_null) for t, args in transforms]
    return transform_chain(source, steps, place, keep=keep)
