"""Where each value of a person or company comes from, by the rules of survivorship in force."""

from sqlalchemy import Connection

from hub.crm import cards
from hub.etl.survivorship import rules_in_force
from hub.golden.fold import source_version
from hub.golden.survive import Edit, survive
from hub.records import folding
from hub.records.companies import ORGANISATION
from hub.views.parts import OtherValue, Provenance

PERSON = "person"


def of_entity(
    conn: Connection, entity_id: int, *, is_company: bool = False
) -> tuple[Provenance, ...]:
    """Return the provenance of each field that has a value or lost one."""
    target = ORGANISATION if is_company else PERSON
    records = folding.records_of(conn, [entity_id], target).get(entity_id, [])
    edits = folding.edits_of(conn, [entity_id]).get(entity_id, [])
    versions = cards.mapping_versions(conn, entity_id)
    golden = survive(
        [source_version(r) for r in records],
        [Edit(e.field, e.value, e.at.isoformat(), e.who) for e in edits],
        rules_in_force(conn),
        explain=True,
    )
    return tuple(
        Provenance(
            field=field,
            value=golden.values.get(field),
            record=why.winner.stable_key if why.winner else None,
            rule=why.rule,
            by=why.by,
            mapping_version=versions.get(why.winner.stable_key) if why.winner else None,
            against=tuple(OtherValue(one.stable_key, one.value, one.at) for one in why.losers),
        )
        for field, why in (golden.explanation or {}).items()
    )
