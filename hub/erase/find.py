"""Find a person: all entities and objects that one address, one number or one record leads to.

The search goes from the records of a person to their addresses, and from each address to its other
records. It ends when nothing new is found. An address is shared if a person with another name has
it too: the search does not follow it. Rejected records, records of planned batches, records that
were undone, earlier versions and what people typed are searched too. Reads only.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, text

from hub.crm import derived
from hub.erase import patterns
from hub.erase.person import Key, Person, are_alike
from hub.errors import ActionError
from hub.etl import erased_forms
from hub.etl.erased_forms import EMAIL, Form, forms_of, is_role, names_of
from hub.landing.store import bytes_as_sent
from hub.model.entities import ACTIVITIES, PERSON_REFS
from hub.records.entities import WHOLE

PERSON = "person"


@dataclass(frozen=True, slots=True)
class _Evidence:
    """Values that a record gives, or gave, or that a person typed, and the entity."""

    key: Key | None
    target: str
    entity: int | None
    values: Mapping[str, Any]


_SAID = """
SELECT s.source, s.stream, s.source_id, s.target, s.entity_id, s.canonical AS values
FROM ops.source_record s WHERE {records}
UNION ALL
SELECT s.source, s.stream, s.source_id, s.target, s.entity_id, v.canonical
FROM ops.record_version v JOIN ops.source_record s ON s.id = v.record_id WHERE {versions}
UNION ALL
SELECT NULL, NULL, NULL, 'person', e.entity_id, jsonb_build_object(e.field, e.value)
FROM ops.edit e WHERE {edits}
"""
_MENTION = text(
    _SAID.format(
        records="CAST(s.canonical AS text) ~* :pattern",
        versions="CAST(v.canonical AS text) ~* :pattern",
        edits="CAST(e.value AS text) ~* :pattern",
    )
)
_KEYS = "unnest(CAST(:sources AS text[]), CAST(:streams AS text[]), CAST(:ids AS text[]))"
_ALL = text(
    _SAID.format(
        records=f"s.entity_id = ANY(:entities) OR (s.source, s.stream, s.source_id) IN (SELECT * FROM {_KEYS})",  # noqa: S608
        versions=f"s.entity_id = ANY(:entities) OR (s.source, s.stream, s.source_id) IN (SELECT * FROM {_KEYS})",  # noqa: S608
        edits="e.entity_id = ANY(:entities)",
    )
)
# Objects of which the vendor says that they are one of these, tickets that these have asked, and activities.
_BESIDE = text(f"""
WITH o AS (SELECT * FROM {_KEYS} AS k(source, stream, source_id))
SELECT s.source, s.stream, s.source_id FROM ops.source_record s JOIN o
  ON s.source = o.source AND s.stream = o.stream AND s.alias_of = o.source_id
UNION SELECT s.source, s.stream, s.alias_of FROM ops.source_record s
  JOIN o USING (source, stream, source_id) WHERE s.alias_of IS NOT NULL
UNION SELECT r.source, r.stream, r.source_id FROM landing.raw r JOIN o
  ON r.source = o.source AND r.stream = o.stream AND r.into_id = o.source_id
UNION SELECT s.source, s.stream, s.source_id FROM ops.source_record s JOIN o
  ON s.source = o.source AND o.stream = ANY(:streams_of_people)
  AND s.refs ->> 'requester' = o.source_id
UNION SELECT t.source, s.stream, t.source_id FROM crm.ticket t
  JOIN ops.source_record s ON s.id = t.record_id WHERE t.entity_id = ANY(:entities)
UNION SELECT s.source, s.stream, s.source_id FROM (
    SELECT record_id FROM crm.task WHERE entity_id = ANY(:entities)
    UNION ALL SELECT record_id FROM crm.call WHERE entity_id = ANY(:entities)
    UNION ALL SELECT record_id FROM crm.visit WHERE entity_id = ANY(:entities)
    UNION ALL SELECT record_id FROM crm.message WHERE entity_id = ANY(:entities)
    UNION ALL SELECT record_id FROM crm.note WHERE entity_id = ANY(:entities)
  ) a JOIN ops.source_record s ON s.id = a.record_id
UNION SELECT s.source, s.stream, s.source_id FROM ops.wanted w
  JOIN o ON w.source = o.source AND w.stream = o.stream AND w.source_id = o.source_id
  JOIN ops.source_record s ON s.id = w.record_id AND s.target = ANY(:activities)
""")  # noqa: S608 our own text
_RAW = text("""
SELECT r.source, r.stream, r.source_id, CAST(r.payload AS text) AS payload, r.body
FROM landing.raw r WHERE r.op = 'upsert'
  AND (CAST(r.payload AS text) ~* :pattern OR encode(r.body, 'escape') ~* :pattern)
""")
_HELD_BY_OTHERS = text(f"""
SELECT DISTINCT s.source, s.stream, s.source_id FROM ops.source_record s
JOIN {_KEYS} AS k(source, stream, source_id) USING (source, stream, source_id)
WHERE s.entity_id IS NOT NULL AND s.entity_id <> ALL(:entities) AND s.target IN ('person', 'organisation')
""")  # noqa: S608 our own text
_WHOLE = text(f"WITH RECURSIVE {WHOLE} SELECT id FROM whole")  # noqa: S608 our own text
_SHOWN = text("""
SELECT e.id, coalesce('contact/' || c.id, 'lead/' || l.id) AS name FROM ops.entity e
LEFT JOIN crm.lead l ON l.entity_id = e.id LEFT JOIN crm.contact c ON c.entity_id = e.id
WHERE e.id = ANY(:ids) ORDER BY e.id
""")


@dataclass(slots=True)
class _Search:
    """The results so far."""

    was_shared: Callable[[Form], bool]
    mixed: frozenset[int]
    entities: set[int] = field(default_factory=set)
    objects: set[Key] = field(default_factory=set)
    own: set[Form] = field(default_factory=set)
    shared: set[Form] = field(default_factory=set)
    names: set[str] = field(default_factory=set)
    spelled: set[tuple[str, str]] = field(default_factory=set)
    looked: set[Form] = field(default_factory=set)


def find(
    conn: Connection,
    *,
    forms: Collection[Form] = (),
    entities: Collection[int] = (),
    objects: Collection[Key] = (),
    mixed: Collection[int] = (),
    was_shared: Callable[[Form], bool] = lambda _form: False,
) -> Person | None:
    """Return the person that addresses, entities or objects belong to; None where there is none.

    Args:
        conn: an open connection.
        forms: addresses and numbers.
        entities: people who are meant.
        objects: of sources, which are the person's.
        mixed: entities that hold records of another person as well: only the objects go.
        was_shared: whether an address was shared with a person who is erased by now.

    Raises:
        ActionError: people with different names have the address.
    """
    begun = set(derived.roots_of(conn, entities)) - set(mixed)
    search = _Search(was_shared, frozenset(mixed), begun, set(objects))
    _whose(conn, search, forms)
    while True:
        before = (len(search.entities), len(search.objects), len(search.looked))
        _gather(conn, search)
        if new := (search.own | search.shared | {*forms}) - search.looked:
            search.looked |= new
            _look_up(conn, search, new)
        if before == (len(search.entities), len(search.objects), len(search.looked)):
            break
    if not search.entities and not search.objects:
        return None
    whole = conn.execute(_WHOLE, {"ids": sorted(search.entities)}).scalars()
    return Person(
        frozenset(whole),
        frozenset(search.objects),
        frozenset(search.own - search.shared),
        frozenset(search.shared),
        frozenset(search.names),
        frozenset(search.spelled),
    )


def _whose(conn: Connection, search: _Search, forms: Collection[Form]) -> None:
    """Begin with the people who have an address; several of one name are aliases of one person."""
    if not forms:
        return
    groups: list[tuple[set[str], set[int]]] = []
    for entity, names in _holders(conn, forms).names.items():
        alike = [g for g in groups if not names or not g[0] or are_alike(names, g[0])]
        for group in alike:
            groups.remove(group)
        groups.append((
            names.union(*(g[0] for g in alike)), {entity}.union(*(g[1] for g in alike)),
        ))  # fmt: skip
    if len(groups) > 1:
        ids = sorted(entity for _, group in groups for entity in group)
        named = [row.name or f"entity {row.id}" for row in conn.execute(_SHOWN, {"ids": ids})]
        raise ActionError(
            f"several people have this address: {', '.join(named)}",
            resource="person",
            code="conflict",
            hint=f"name the one to erase: hub erase {named[0]}",
            others=named,
        )
    for _, members in groups:
        search.entities |= members


@dataclass(slots=True)
class _Holders:
    """The entities that have some addresses, with their names, and the objects without an entity."""

    entities: dict[Form, set[int]] = field(default_factory=lambda: defaultdict(set))
    objects: dict[Form, set[Key]] = field(default_factory=lambda: defaultdict(set))
    names: dict[int, set[str]] = field(default_factory=dict)


def _holders(conn: Connection, forms: Collection[Form]) -> _Holders:
    found, wanted = _Holders(), set(forms)
    pattern = patterns.any_of(patterns.of_form(form) for form in forms)
    mentions = _evidence(conn.execute(_MENTION, {"pattern": pattern}))
    having = [
        (said, form)
        for said in mentions
        if said.target == PERSON
        for form in wanted & forms_of(said.values)
    ]
    roots = _roots(conn, {said.entity for said, _ in having if said.entity is not None})
    for said, form in having:
        if said.entity is not None:
            found.entities[form].add(roots[said.entity])
        elif said.key is not None:
            found.objects[form].add(said.key)
    for entity in set(roots.values()):
        spoken = _all_evidence(conn, [entity], ())
        found.names[entity] = set().union(*(names_of(said.values) for said in spoken))
    return found


def _roots(conn: Connection, ids: Iterable[int]) -> dict[int, int]:
    return {one: next(iter(derived.roots_of(conn, [one]))) for one in set(ids)}


def _gather(conn: Connection, search: _Search) -> None:
    """Read the person's records, and the objects that are connected with them."""
    members = conn.execute(_WHOLE, {"ids": sorted(search.entities)}).scalars().all()
    of_people: set[int] = set()
    for said in _all_evidence(conn, members, search.objects):
        if said.key is not None:
            search.objects.add(said.key)
        if said.target != PERSON:
            continue
        if said.entity is not None:
            of_people.add(said.entity)
        forms = forms_of(said.values)
        search.own |= {f for f in forms if f not in search.shared and not _of_function(f)}
        search.shared |= {f for f in forms if _of_function(f)}
        search.names |= names_of(said.values)
        first, last = (str(said.values.get(n) or "") for n in ("first_name", "last_name"))
        if first or last:
            search.spelled.add((first, last))
    search.entities |= set(derived.roots_of(conn, of_people)) - search.mixed
    args = {**_arrays(search.objects), "entities": list(members)}
    rows = conn.execute(
        _BESIDE,
        {
            **args,
            "streams_of_people": sorted(set(PERSON_REFS.values())),
            "activities": list(ACTIVITIES),
        },
    )
    search.objects |= {(row.source, row.stream, row.source_id) for row in rows}


def _of_function(form: Form) -> bool:
    return form[0] == EMAIL and is_role(form[1])


def _look_up(conn: Connection, search: _Search, new: Collection[Form]) -> None:
    """Follow addresses to who else has them: one read of all records, one of all raw versions."""
    found = _holders(conn, new)
    own: set[Form] = set()
    for form in sorted(new):
        known = search.entities | search.mixed
        others = {e: found.names[e] for e in found.entities[form] if e not in known}
        strangers = {e for e, names in others.items() if not _is_alias(form, names, search.names)}
        if strangers or _of_function(form) or search.was_shared(form):
            search.own.discard(form)
            search.shared.add(form)
            continue
        own.add(form)
        search.entities |= others.keys()
        search.objects |= found.objects[form]
    search.own |= own
    if own:
        search.objects |= _raw_objects(conn, search, own)


def _is_alias(form: Form, names: set[str], known: set[str]) -> bool:
    """Tell whether an entity with the same address is the same person; a number alone says less."""
    if not names or not known:
        return form[0] == EMAIL
    return are_alike(names, known)


def _raw_objects(conn: Connection, search: _Search, own: Collection[Form]) -> set[Key]:
    """Return objects of which a raw version has an address as one of its values, and that belong to no other entity."""
    rows = conn.execute(_RAW, {"pattern": patterns.any_of(map(patterns.of_form, own))})
    found = {
        (row.source, row.stream, row.source_id)
        for row in rows
        if _is_value(own, bytes_as_sent(row.payload, row.body))
    }
    if not found:
        return found
    members = conn.execute(_WHOLE, {"ids": sorted(search.entities)}).scalars().all()
    held = conn.execute(_HELD_BY_OTHERS, {**_arrays(found), "entities": list(members)})
    return found - {(row.source, row.stream, row.source_id) for row in held}


def _is_value(own: Collection[Form], payload: bytes) -> bool:
    """Tell whether a value of a payload is one of some addresses, and nothing else."""
    numbers = [text for kind, text in own if kind != EMAIL]
    for scalar in erased_forms.scalars(erased_forms.read(payload)):
        if "@" in scalar:
            if (EMAIL, erased_forms.email_form(scalar)) in own:
                return True
        elif numbers and _is_number(scalar, numbers):
            return True
    return False


def _is_number(scalar: str, numbers: Iterable[str]) -> bool:
    said = erased_forms.phone_form(scalar)
    return said is not None and any(erased_forms.is_same(said, number) for number in numbers)


def _all_evidence(
    conn: Connection, entities: Sequence[int], objects: Collection[Key]
) -> list[_Evidence]:
    return _evidence(conn.execute(_ALL, {**_arrays(objects), "entities": list(entities)}))


def _evidence(rows: Iterable[Any]) -> list[_Evidence]:
    return [
        _Evidence(
            None if row.source is None else (row.source, row.stream, row.source_id),
            row.target,
            row.entity_id,
            row.values,
        )
        for row in rows
    ]


def _arrays(objects: Collection[Key]) -> dict[str, list[str]]:
    listed = sorted(objects)
    return {
        "sources": [source for source, _, _ in listed],
        "streams": [stream for _, stream, _ in listed],
        "ids": [source_id for _, _, source_id in listed],
    }
