"""Rules and predicates turned into closures, once per document.

In: a bound mapping document. Out: `Plan`, functions of a `Row`. What a rule cannot use is noted on
the row, never raised, except `Reject`. What does not belong here: the batch (`hub.mappings.engine`).
"""

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from hub.errors import RecordError
from hub.mappings.answers import Given, claim, read_answers
from hub.mappings.document import (
    Answer,
    Copy,
    Lookup,
    MappingDocument,
    Predicate,
    Rule,
    Target,
    const_of,
    walk_rules,
)
from hub.mappings.registry import REGISTRY, Args, Function, Remark
from hub.mappings.rows import (
    FAILED,
    SHOWN,
    Reject,
    Row,
    blank,
    form_of,
    look_up,
    path_parts,
    shown,
)
from hub.mappings.text import LONGEST, fold
from hub.mappings.transforms import DEFAULTS
from hub.model.entities import ENTITY_FIELDS
from hub.model.records import JsonValue

EARLIEST = "1990-01-01"
PAST_ONLY = frozenset(("created_at", "at"))
"""Times of things that happened: before 1990 or after now they are a source's mistake."""


Got = Any  # JsonValue or FAILED
Getter = Callable[[Row], Got]
Check = Callable[[Row], bool]


@dataclass(frozen=True, slots=True)
class TargetPlan:
    """One compiled target: plain fields, and the keys of object fields."""

    target: Target
    when: Check | None
    reject_if: Sequence[tuple[Check, str]]
    fields: Sequence[tuple[str, Getter]]
    nested: Sequence[tuple[str, str, Getter]]
    copies: Sequence[tuple[str, Sequence[str | int], Callable[[str], bool]]]
    refs: Sequence[tuple[str, Getter]]


@dataclass(frozen=True, slots=True)
class Plan:
    """A compiled document."""

    document: MappingDocument
    id: Getter
    region: Getter | None
    when: Check | None
    deleted: Check | None
    targets: Sequence[TargetPlan]
    is_known: Callable[[str], bool]
    lookups: Sequence[tuple[str, Getter]]
    reads_forms: bool
    known: frozenset[str]


@functools.lru_cache(maxsize=64)
def compile_document(document: MappingDocument) -> Plan:
    """Return the plan of a document; the same document is compiled once."""
    rules = [rule for _, rule in walk_rules(document)]
    looked_up = [rule.lookup for rule in rules if rule.lookup]
    selectors = list(
        dict.fromkeys(_hashable(r.answer or r.question) for r in rules if r.answer or r.question)
    )
    maker = _Compiler(selectors)
    heads = {path_parts(r.path)[0] for r in rules if r.path}
    heads |= {path_parts(r.copy_.of)[0] for r in rules if r.copy_ and r.copy_.of}
    heads |= {"answers", "definition"} if selectors else set()
    patterns = [*document.ignore, "_envelope"]
    patterns += [key for r in rules if r.copy_ and not r.copy_.of for key in r.copy_.keys]
    known = frozenset(str(head) for head in heads)

    @functools.lru_cache(maxsize=4096)
    def is_known(key: str) -> bool:
        return key in known or any(fnmatchcase(key, pattern) for pattern in patterns)

    return Plan(
        document=document,
        id=maker.rule(document.id, "id", "ref"),
        region=maker.rule(document.region, "region", "text") if document.region else None,
        when=maker.check(document.when) if document.when else None,
        deleted=maker.check(document.deleted) if document.deleted else None,
        targets=[maker.target(target) for target in document.emit],
        is_known=is_known,
        lookups=[(one.stream, maker.rule(one.id, "", "ref")) for one in looked_up],
        reads_forms=bool(selectors) or any(rule.form for rule in rules),
        known=known,
    )


class _Selector(Answer):
    """An answer selector that can be a dictionary key."""

    def __hash__(self) -> int:
        return hash((*self.refs, "|", *self.types, "|", *self.titles, "|", *self.of))


def _hashable(answer: Answer | None) -> Answer:
    return _Selector.model_validate(answer.model_dump() if answer else {})


class _Compiler:
    def __init__(self, selectors: Sequence[Answer]) -> None:
        self._selectors = selectors

    def target(self, target: Target) -> TargetPlan:
        kinds = {f.name: f.kind for f in ENTITY_FIELDS[target.entity]}
        plain, nested, copies = [], [], []
        for name, rule in target.fields.items():
            head, _, key = name.partition(".")
            if rule.copy_:
                of = path_parts(rule.copy_.of) if rule.copy_.of else ()
                copies.append((head, of, _copies(rule.copy_)))
            elif key:
                nested.append((head, key, self.rule(rule, name, "json")))
            else:
                plain.append((name, self.rule(rule, name, kinds[name])))
        return TargetPlan(
            target=target,
            when=self.check(target.when) if target.when else None,
            reject_if=[(self.check(r.when), r.reason) for r in target.reject_if],
            fields=plain,
            nested=nested,
            copies=copies,
            refs=[
                (name, self.rule(rule, f"refs.{name}", "ref")) for name, rule in target.refs.items()
            ],
        )

    def rule(self, rule: Rule, place: str, kind: str | None) -> Getter:
        """Compile a rule; `kind` of the target decides the transform when none is named."""
        source = self._source(rule, place, None if rule.transform else kind)
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
            got = _direct(source, steps[0][0], steps[0][1], place, keep=keep)
        else:
            got = _stepped(source, steps, place, keep=keep)
        if kind is not None and (place in PAST_ONLY or not _surely(last, kind)):
            got = _finished(got, place, kind)
        if rule.when:
            got = _guarded(got, self.check(rule.when))
        return _required(got, place) if rule.required else got

    def _source(self, rule: Rule, place: str, kind: str | None) -> Getter:  # noqa: PLR0911 one line a kind of source
        if rule.path:
            return _path(rule.path)
        if rule.first_of is not None:
            return _first([self.rule(r, place, kind) for r in rule.first_of])
        if rule.all_of is not None:
            parts = [self.rule(r, place, None) for r in rule.all_of]
            return lambda row: _all(row, parts)
        if rule.answer or rule.question:
            selector = _hashable(rule.answer or rule.question)
            return self._answer(selector, is_title=rule.question is not None)
        if rule.unmapped_answers is not None:
            return self._unmapped
        if rule.lookup is not None:
            return self._lookup(rule.lookup)
        if rule.form is not None:
            return _form_title if rule.form == "title" else _form_id
        const = const_of(rule.const)
        return lambda _row: const

    def _lookup(self, lookup: Lookup) -> Getter:
        key, parts = self._asked(lookup.id), path_parts(lookup.path)

        def get(row: Row) -> Got:
            found = None if blank(id_ := key(row)) else row.context.get(f"{lookup.stream}/{id_}")
            return look_up(found, parts)

        return get

    def _claims(self, row: Row) -> Mapping[Answer, Given]:
        if row.claims is None:
            row.given = read_answers(row.payload.get("answers"), form_of(row))
            row.claims = claim(row.given, self._selectors)
        return row.claims

    def _answer(self, selector: Answer, *, is_title: bool) -> Getter:
        def get(row: Row) -> Got:
            found = self._claims(row).get(selector)
            return None if found is None else (found.title if is_title else found.value)

        return get

    def _unmapped(self, row: Row) -> Got:
        mapped = {id(one) for one in self._claims(row).values()}
        lines = [
            f"{one.title or one.ref or one.question_kind or 'answer'}: {_said(one.value)}"
            for one in row.given or []
            if id(one) not in mapped
        ]
        return "\n".join(lines) or None

    def check(self, predicate: Predicate) -> Check:  # noqa: PLR0911 one line a predicate
        """Compile a predicate; its rules ask silently."""
        p = predicate
        if p.any_ is not None:
            checks = [self.check(q) for q in p.any_]
            return lambda row: any(c(row) for c in checks)
        if p.all_ is not None:
            checks = [self.check(q) for q in p.all_]
            return lambda row: all(c(row) for c in checks)
        if p.not_ is not None:
            inner = self.check(p.not_)
            return lambda row: not inner(row)
        for asked, is_wanted in ((p.is_empty, True), (p.not_empty, False)):
            if asked is not None:
                get = self._asked(asked)
                return lambda row, get=get, wanted=is_wanted: blank(get(row)) is wanted  # type: ignore[misc]
        if p.is_true is not None:
            get = self._asked(p.is_true)
            return lambda row: _is_true(get(row))
        if p.contains is not None:
            get = self._asked(p.contains.rule)
            words = [word for v in p.contains.values if (word := fold(str(v)))]
            return lambda row: _contains(get(row), words)
        compared = p.equals or p.not_equals or p.in_
        if compared is None:
            return lambda _row: True
        get = self._asked(compared.rule)
        wanted = frozenset(_comparable(v) for v in compared.values)
        is_equal = p.not_equals is None
        return lambda row: (_comparable(get(row)) in wanted) is is_equal

    def _asked(self, rule: Rule) -> Getter:
        get = self.rule(rule, "", None)

        def ask(row: Row) -> Got:
            row.silent += 1
            try:
                return get(row)
            finally:
                row.silent -= 1

        return ask


def _said(value: JsonValue) -> str:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)[:LONGEST]


def _is_true(value: object) -> bool:
    if isinstance(value, str):
        return len(value) < SHOWN and fold(value) in ("true", "1", "yes", "oui", "vrai", "x")
    return value is True or value == 1


def _contains(value: object, words: Sequence[str]) -> bool:
    """Tell whether a text has one of the folded words in it, or a list has one as an item."""
    if isinstance(value, list):
        items = {fold(one[:1000]) for one in value if isinstance(one, str)}
        return any(word in items for word in words)
    if not isinstance(value, str):
        return False
    text = f" {fold(value[:LONGEST])} "
    return any(f" {word} " in text for word in words)


def _comparable(value: object) -> object:
    if isinstance(value, str):
        return fold(value[:1000])
    if value is FAILED or isinstance(value, list | dict):
        return shown(value)
    return value if value is None or isinstance(value, bool) else str(value)


def _path(path: str) -> Getter:
    parts = path_parts(path)
    if len(parts) == 1 and isinstance(parts[0], str):
        key = parts[0]
        return lambda row: row.payload.get(key)
    if len(parts) == 2 and isinstance(parts[0], str) and isinstance(parts[1], str):  # noqa: PLR2004 as most
        return _inner(parts[0], parts[1])
    return lambda row: look_up(row.payload, parts)


def _inner(key: str, inner: str) -> Getter:
    def get(row: Row) -> Got:
        node = row.payload.get(key)
        return node.get(inner) if isinstance(node, dict) else None

    return get


def _copies(copy: Copy) -> Callable[[str], bool]:
    """Return what tells whether a key is copied; the keys of a vendor's objects come again and again."""

    @functools.lru_cache(maxsize=16_384)
    def is_copied(key: str) -> bool:
        return any(fnmatchcase(key, one) for one in copy.keys) and not any(
            fnmatchcase(key, one) for one in copy.except_
        )

    return is_copied


def _first(getters: Sequence[Getter]) -> Getter:
    def get(row: Row) -> Got:
        found: Got = None
        for getter in getters:
            value = getter(row)
            if value is FAILED:
                found = FAILED
            elif not blank(value):
                return value
        return found

    return get


def _all(row: Row, getters: Sequence[Getter]) -> Got:
    found = [None if (value := get(row)) is FAILED else value for get in getters]
    return found if any(v is not None for v in found) else None


GIVE_TEXT = frozenset((
    "text", "multiline", "street", "postal", "company", "recase_name", "email", "phone", "country",
    "state", "url", "date", "datetime", "sf_id", "identifier", "name_from_email", "phone_extension",
    "concat", "template", "split_name", "html_to_text", "currency", "money",
))  # fmt: skip
"""Transforms that return text or null and nothing else: their results need no look."""


def _surely(last: str, kind: str) -> bool:
    """Tell whether a transform's result is of the kind by its nature."""
    return (
        last in GIVE_TEXT
        if kind not in _TYPES
        else last == DEFAULTS[kind] or (kind == "json" and last != "")
    )


def _direct(source: Getter, function: Function, args: Args, place: str, *, keep: bool) -> Getter:
    """One path and one transform: most rules are that."""

    def get(row: Row) -> Got:
        raw = source(row)
        if raw is None:
            return None
        try:
            value = function(raw, args, row.ctx)
        except RecordError as exc:
            row.note(place, raw, exc.message)
            return shown(raw) if keep else FAILED
        if type(value) is Remark:
            row.note(place, raw, value.reason, value.kind)
            return value.value
        return value

    return get


def _stepped(
    source: Getter, steps: Sequence[tuple[Function, Args, bool]], place: str, *, keep: bool
) -> Getter:
    if not steps:
        return source

    def get(row: Row) -> Got:
        raw = value = source(row)
        if value is FAILED:
            return FAILED
        try:
            for function, args, sees_null in steps:
                if value is None and not sees_null:
                    continue
                value = function(value, args, row.ctx)
                if type(value) is Remark:
                    row.note(place, raw, value.reason, value.kind)
                    value = value.value
        except RecordError as exc:
            row.note(place, raw, exc.message)
            return shown(raw) if keep else FAILED
        return value

    return get


_TYPES: Mapping[str, tuple[type, ...]] = {
    "number": (int, float),
    "bool": (bool,),
    "list": (list,),
    "json": (object,),
}


def _finished(get: Getter, place: str, kind: str) -> Getter:
    """Hold a value to the kind of its target field."""
    wanted = _TYPES.get(kind, (str,))
    is_past = place in PAST_ONLY

    def finish(row: Row) -> Got:
        value = get(row)
        if value is None or value is FAILED or value == "":
            return None if value == "" else value
        if not isinstance(value, wanted):
            if wanted != (str,) or isinstance(value, bool | list | dict):
                row.note(place, value, f"not {kind}: {type(value).__name__}")
                return FAILED
            value = str(value)
        if is_past and not _is_past(row, place, value):
            return FAILED
        return value

    return finish


def _is_past(row: Row, place: str, value: str) -> bool:
    if value < EARLIEST:
        row.note(place, value, "before 1990; left out")
        return False
    if row.latest is not None and value > row.latest:
        row.note(place, value, "in the future; left out")
        return False
    return True


def _guarded(get: Getter, when: Check) -> Getter:
    return lambda row: get(row) if when(row) else None


def _required(get: Getter, place: str) -> Getter:
    def demand(row: Row) -> Got:
        value = get(row)
        if blank(value) and not row.silent:
            raise Reject(place, None, f"required field '{place}' is missing")
        return value

    return demand


def _form_title(row: Row) -> Got:
    return form_of(row).title


def _form_id(row: Row) -> Got:
    return form_of(row).id
