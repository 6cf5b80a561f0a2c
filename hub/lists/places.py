"""Where a named thing is named: the registry of places, asked by every rename and removal.

In: a thing (`Target`). Out: its uses, and in `replace` the same places with another thing. A place that is new
(a new kind of saved document) is one more entry of `PLACES`. Not here: hub.yaml
(`hub.actions.setup.yaml_names`), and who may rename (`hub.actions.setup.naming`).
"""

from collections.abc import Callable, Sequence

from sqlalchemy import Connection

from hub.crm import groups, layouts, pipelines, smart_links, word_rows, words
from hub.crm.named import WORDS
from hub.crm.thing_rows import move_rows, row_counts
from hub.frozen import dataclass
from hub.lists import store
from hub.lists.document import Condition, ListDocument, Ref, Sort, conditions_of
from hub.lists.fields import CUSTOM
from hub.lists.naming import walked


@dataclass(frozen=True, slots=True)
class Target:
    """A thing of which is asked where it is named.

    Args:
        kind: as `hub.crm.named.LABELS`.
        ids: its numbers; of a word those of its former words too. None of a custom field.
        name: today's; of a custom field its key.
        scope: of a choice `object.key`, of a custom field its object.
    """

    kind: str
    ids: frozenset[int]
    name: str
    scope: str = ""

    @property
    def field(self) -> str:
        """Return how documents name a custom field."""
        return f"{CUSTOM}{self.name}"


@dataclass(frozen=True, slots=True)
class Use:
    """A place that names a thing: `list Hot leads`, `layout lead`, `leads` (12 of them)."""

    place: str
    name: str
    n: int = 1

    def __str__(self) -> str:
        if self.place == "records":
            return f"{self.n:,} {self.name}{'' if self.n == 1 else 's'}"
        return f"{self.place} {self.name!r}"


@dataclass(frozen=True, slots=True)
class Place:
    """A kind of place.

    Args:
        name: list, layout, link, criterion, group, records.
        uses: the uses of a thing there.
        replace: writes another thing in place of a thing; None: takes the thing away.
    """

    name: str
    uses: Callable[[Connection, Target], list[Use]]
    replace: Callable[[Connection, Target, Target | None], None]


def uses(conn: Connection, target: Target) -> list[Use]:
    """Return every use of a thing."""
    return [use for place in PLACES for use in place.uses(conn, target)]


def replace(conn: Connection, target: Target, into: Target | None) -> None:
    """Write another thing in every place that names a thing; None takes it out of records alone."""
    for place in PLACES:
        place.replace(conn, target, into)


def _in_lists(conn: Connection, target: Target) -> list[Use]:
    return [
        Use("list", saved.name)
        for saved in store.everything(conn)
        if _names(saved.document, target)
    ]


def _names(document: ListDocument, target: Target) -> bool:
    if target.kind == "field":
        used = {one.field for one in conditions_of(document.filter)} | set(document.columns)
        used |= {document.sort.field} if document.sort else set()
        return document.object == target.scope and target.field in used
    return any(
        isinstance(part, Ref) and part.kind == target.kind and part.id in target.ids
        for one in conditions_of(document.filter)
        for part in one.parts
    )


def _replace_in_lists(conn: Connection, target: Target, into: Target | None) -> None:
    if into is None:
        return
    for saved in store.everything(conn):
        if saved.id is not None and _names(saved.document, target):
            store.update(conn, saved.id, _replaced(saved.document, target, into))


def _replaced(document: ListDocument, target: Target, into: Target) -> ListDocument:
    if target.kind != "field":
        number = min(into.ids)

        def each(condition: Condition) -> Condition:
            parts = [
                Ref(kind=p.kind, id=number)
                if isinstance(p, Ref) and p.kind == target.kind and p.id in target.ids
                else p
                for p in condition.parts
            ]
            value = tuple(dict.fromkeys(parts))
            many = isinstance(condition.value, tuple)
            new = value if many else value[0] if value else None
            return condition.model_copy(update={"value": new})

        return document.model_copy(update={"filter": walked(document.filter, each)})

    def named(said: str) -> str:
        return into.field if said == target.field else said

    def renamed(condition: Condition) -> Condition:
        return condition.model_copy(update={"field": named(condition.field)})

    sort = document.sort
    return document.model_copy(
        update={
            "filter": walked(document.filter, renamed),
            "sort": sort and Sort(field=named(sort.field), descending=sort.descending),
            "columns": tuple(dict.fromkeys(map(named, document.columns))),
        }
    )


def _in_layouts(conn: Connection, target: Target) -> list[Use]:
    if target.kind != "field":
        return []
    kept = layouts.kept(conn, target.scope)
    has = kept is not None and any(target.field in one.fields for one in kept)
    return [Use("layout", target.scope)] if has else []


def _replace_in_layouts(conn: Connection, target: Target, into: Target | None) -> None:
    kept = layouts.kept(conn, target.scope) if target.kind == "field" and into else None
    if kept is None or into is None:
        return
    there = {name for one in kept for name in one.fields}
    new = [
        layouts.Section(
            one.name,
            tuple(
                into.field if name == target.field else name
                for name in one.fields
                if name != target.field or into.field not in there
            ),
        )
        for one in kept
    ]
    layouts.write(conn, target.scope, new)


def _in_links(conn: Connection, target: Target) -> list[Use]:
    if target.kind != "field":
        return []
    return [
        Use("link", link.name)
        for link in smart_links.of_object(conn, target.scope)
        if target.field in smart_links.fields_in(link.template)
    ]


def _replace_in_links(conn: Connection, target: Target, into: Target | None) -> None:
    if target.kind != "field" or into is None:
        return
    for link in smart_links.of_object(conn, target.scope):
        if target.field in smart_links.fields_in(link.template):
            new = smart_links.renamed(link.template, {target.field: into.field})
            smart_links.write(conn, link, new)


def _in_criteria(conn: Connection, target: Target) -> list[Use]:
    if (target.kind, target.scope) != ("field", "deal"):
        return []
    known = [stage for p in pipelines.read(conn) for stage in p.stages]
    names = {stage.id: stage.name for stage in known}
    return [
        Use("exit criterion", names[c.stage_id])
        for c in pipelines.criteria(conn, list(names))
        if c.kind == "field" and c.what == target.field
    ]


def _replace_in_criteria(conn: Connection, target: Target, into: Target | None) -> None:
    if (target.kind, target.scope) == ("field", "deal") and into is not None:
        pipelines.rename_criteria(conn, target.field, into.field)


def _in_groups(conn: Connection, target: Target) -> list[Use]:
    if target.kind != "user":
        return []
    return [
        Use("group", g.name) for number in sorted(target.ids) for g in groups.of_user(conn, number)
    ]


def _keep_groups(_conn: Connection, _target: Target, _into: Target | None) -> None:
    """Leave the members: a user who has left takes no turn, and `hub.actions.setup.groups` removes members."""


def _in_records(conn: Connection, target: Target) -> list[Use]:
    if target.kind == "field":
        return []
    if target.kind in WORDS or target.kind in {"status", "lead_reason"}:
        found = word_rows.count(conn, target.kind, target.scope, target.name)
    else:
        found = row_counts(conn, target.kind, sorted(target.ids))
    return [Use("records", table, n) for table, n in found.items()]


def _replace_in_records(conn: Connection, target: Target, into: Target | None) -> None:
    if target.kind == "field":
        return
    if target.kind in WORDS or target.kind in {"status", "lead_reason"}:
        new = None if into is None else into.name
        word_rows.replace(conn, target.kind, target.scope, target.name, new)
        words.rename(conn, target.kind, target.scope, target.name, new)
    elif into is not None:
        move_rows(conn, target.kind, sorted(target.ids), min(into.ids))


PLACES: Sequence[Place] = (
    Place("list", _in_lists, _replace_in_lists),
    Place("layout", _in_layouts, _replace_in_layouts),
    Place("link", _in_links, _replace_in_links),
    Place("criterion", _in_criteria, _replace_in_criteria),
    Place("group", _in_groups, _keep_groups),
    Place("records", _in_records, _replace_in_records),
)
