"""The preview of another matching model shows the merges and splits that it would make."""

from typing import Any

from sqlalchemy import Connection, text

from hub.actions.identity.merge import merge
from hub.etl import flow
from hub.etl.rematch_preview import preview as rematch_preview
from hub.matching.model import DEFAULT
from tests.acting import by
from tests.flow.conftest import World, salesforce_lead


def test_the_model_in_use_changes_nothing_and_what_it_would_change_is_told(world: World) -> None:
    world.add(
        "salesforce", "leads",
        salesforce_lead(1, FirstName="Lea", LastName="Moreau", Email="lea@moreau.example.com"),
        salesforce_lead(2, FirstName="Lea", LastName="Moreau", Email="lea@moreau.example.com"),
        salesforce_lead(3, FirstName="Max", LastName="Olsen", Email="max@olsen.example.com"),
        salesforce_lead(4, FirstName="Noah", LastName="Brandt", Email="noah@brandt.example.com"),
        salesforce_lead(5, FirstName="Eva", LastName="Roth", Email="eva@roth.example.com"),
    )  # fmt: skip
    flow.sync(world.hub, ["salesforce"])
    lea, too, max_, noah, eva = (f"salesforce/leads/00Q{n:012d}AAA" for n in range(1, 6))
    with world.db.engine.begin() as conn:
        merge(by(conn, "operator"), max_, noah)
        before = _entities(conn)
        same = rematch_preview(conn, DEFAULT)
        assert (same.records, same.joins, same.splits) == (5, [], []), "a decision stands too"
        # as if an older model had judged otherwise
        conn.execute(_MOVE, {"record": too[-18:], "like": eva[-18:]})
        other = rematch_preview(conn, DEFAULT)
        assert other.joins == [[[lea], [too]]]
        assert other.splits == [[[too], [eva]]]
        conn.execute(_MOVE, {"record": too[-18:], "like": lea[-18:]})
        assert _entities(conn) == before, "nothing was written"


_MOVE = text("""
UPDATE ops.source_record SET entity_id =
  (SELECT entity_id FROM ops.source_record WHERE source_id = :like AND target = 'person')
WHERE source_id = :record AND target = 'person'
""")


def _entities(conn: Connection) -> list[Any]:
    return [
        tuple(r)
        for r in conn.execute(text("SELECT id, entity_id FROM ops.source_record ORDER BY id"))
    ]
