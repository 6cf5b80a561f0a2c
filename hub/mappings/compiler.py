"""Compile the rules and predicates of a document into functions, once per document.

In: a bound mapping document. Out: a `Plan` of functions that take a `Row`. A rule has a source
(`hub.mappings.sources`), steps that its value goes through (`steps`), and conditions
(`predicates`). Not here: the batch (`hub.mappings.engine`).
"""

import functools
from collections.abc import Sequence

from hub.mappings import placeholders, predicates, sources
from hub.mappings.copies import CopiedKeys
from hub.mappings.document import (
    Answer,
    Consents,
    MappingDocument,
    Predicate,
    Rule,
    Target,
    const_of,
    walk_rules,
)
from hub.mappings.known import known_keys
from hub.mappings.plan import Check, FieldValue, Getter, Plan, TargetPlan
from hub.mappings.registry import REGISTRY
from hub.mappings.rows import Row, is_blank
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
    compiler = _Compiler(selectors, consents)
    reads_forms = bool(selectors) or consents is not None
    return Plan(
        document=document,
        id=compiler.rule(document.id, "id", "ref"),
        region=compiler.rule(document.region, "region", "text") if document.region else None,
        language=compiler.rule(document.language, "language", None) if document.language else None,
        when=compiler.check(document.when) if document.when else None,
        deleted=compiler.check(document.deleted) if document.deleted else None,
        targets=[compiler.target(target) for target in document.emit],
        known=known_keys(document),
        lookups=[(one.stream, compiler.rule(one.id, "", "ref")) for one in looked_up],
        reads_forms=reads_forms or any(rule.form for rule in rules),
    )


class _Compiler:
    def __init__(self, selectors: Sequence[Answer], consents: Consents | None) -> None:
        self._answers = sources.Answers(selectors, consents)
        self._neighbours: dict[str, Getter] = {}

    def target(self, target: Target) -> TargetPlan:
        kinds = {f.name: f.kind for f in ENTITY_FIELDS[target.entity]}
        neighbours = self._neighbours = {}
        neighbours |= {
            f: self._silent_rule(target.fields[f], f)
            for f in _NEIGHBOUR_FIELDS
            if f in target.fields
        }
        plain, nested, copies = [], [], []
        for name, rule in target.fields.items():
            head, _, key = name.partition(".")
            if rule.copy_:
                unless = self.check(rule.copy_.unless) if rule.copy_.unless else None
                copies.append((head, CopiedKeys(rule.copy_, unless)))
            elif key:
                nested.append((head, key, self.rule(rule, name, "json")))
            else:
                plain.append((name, self.rule(rule, name, kinds[name])))
        return TargetPlan(
            target=target,
            each=self.rule(target.each, "each", None) if target.each else None,
            when=self.check(target.when) if target.when else None,
            reject_if=[(self.check(r.when), r.reason) for r in target.reject_if],
            fields=plain,
            nested=nested,
            copies=copies,
            refs=[
                (name, self.rule(rule, f"refs.{name}", "ref")) for name, rule in target.refs.items()
            ],
        )

    def rule(
        self,
        rule: Rule,
        place: str,
        kind: str | None,
        placeholder_kind: str | None = None,
        *,
        compared: bool = False,
    ) -> Getter:
        """Compile a rule.

        Args:
            rule: the rule.
            place: the target field; empty for the rule of a predicate.
            kind: kind of the target field; it gives the transform of a rule that names none.
            placeholder_kind: kind of placeholders (`hub.mappings.placeholders`) of the outer rule.
            compared: the rule is compared by a predicate, which must see placeholders too.
        """
        placeholder_kind = placeholders.kind_of(
            [s.name for s in rule.transform or []], placeholder_kind, place, kind
        )
        source = self._source(
            rule, place, None if rule.transform else kind, placeholder_kind, compared=compared
        )
        is_leaf = bool(rule.path or rule.answer or rule.lookup or rule.item)
        if is_leaf and not compared:
            origin = rule.path or repr(rule.answer or rule.lookup or rule.item)
            source = without_placeholders(
                source, placeholder_kind, place, origin, self._has_neighbour(place)
            )
        steps = [
            (REGISTRY[s.name].function, s.args, REGISTRY[s.name].sees_null)
            for s in rule.transform or []
        ]
        names = [s.name for s in rule.transform or []]
        is_raw = not names and rule.const is None and not rule.first_of
        if kind is not None and (is_raw or names[-1:] == ["coalesce"]):
            default = REGISTRY[DEFAULTS[kind]]
            steps.append((default.function, {}, default.sees_null))
        keep = rule.on_error == "keep"
        last = next(
            (name for name, t in REGISTRY.items() if steps and t.function is steps[-1][0]), ""
        )
        if rule.path and len(steps) == 1 and not steps[0][2]:
            got = one_transform(source, steps[0][0], steps[0][1], place, keep=keep)
        else:
            got = transform_chain(source, steps, place, keep=keep)
        if kind is not None and (place in PAST_ONLY or not always_of_kind(last, kind)):
            got = checked_kind(got, place, kind)
        if rule.when:
            got = conditional(got, self.check(rule.when))
        return required(got, place) if rule.required else got

    def _source(  # noqa: PLR0911 one line a kind of source
        self, rule: Rule, place: str, kind: str | None, placeholder_kind: str, *, compared: bool
    ) -> Getter:
        if rule.path:
            return sources.path(rule.path)
        if rule.first_of is not None:
            return sources.first(
                [
                    self.rule(r, place, kind, placeholder_kind, compared=compared)
                    for r in rule.first_of
                ]
            )
        if rule.all_of is not None:
            return sources.all_of(
                [
                    self.rule(r, place, None, placeholder_kind, compared=compared)
                    for r in rule.all_of
                ]
            )
        if rule.answer or rule.question:
            selector = hashable(rule.answer or rule.question)
            return self._answers.of(selector, is_title=rule.question is not None)
        if rule.unmapped_answers is not None:
            return self._answers.unmapped
        if rule.consents is not None:
            return self._answers.consents
        if rule.item is not None:
            return sources.item(rule.item)
        if rule.lookup is not None:
            return sources.looked_up(rule.lookup, self._silent_rule(rule.lookup.id))
        if rule.form is not None:
            return sources.form_title if rule.form == "title" else sources.form_id
        const = const_of(rule.const)
        return lambda _row: const

    def check(self, predicate: Predicate) -> Check:
        """Compile a predicate; its rules leave no notes on the row."""
        return predicates.compile_predicate(
            predicate, self._silent_rule, lambda rule: self._silent_rule(rule, compared=True)
        )

    def _has_neighbour(self, place: str) -> Check:
        """Return the check whether a record has a value in another field of `_NEIGHBOUR_FIELDS`."""
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

    def _silent_rule(self, rule: Rule, place: str = "", *, compared: bool = False) -> Getter:
        get = self.rule(rule, place, None, compared=compared)

        def run_silently(row: Row) -> FieldValue:
            row.silent += 1
            try:
                return get(row)
            finally:
                row.silent -= 1

        return run_silently
