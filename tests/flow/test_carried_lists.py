"""The revision of words: saved documents of before hold names; what is found becomes a number, the rest stays visible."""

import json
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from sqlalchemy import Connection, text

from hub.actions.setup import custom_field, smart_list
from hub.crm.custom_fields import CustomField
from hub.db.migrations import versions
from tests.acting import by
from tests.db.conftest import seed_leads
from tests.flow.conftest import World

revision = import_module(
    f"hub.db.migrations.versions.{next(m.name for m in iter_modules(versions.__path__) if m.name.endswith('_words'))}"
)
OLD: dict[str, tuple[str, Any, list[str], list[str]]] = {
    "Found": (
        "lead",
        {"all": [
            {"field": "Status", "op": "is", "value": "working"},
            {"any": [{"field": "tags", "op": "any of", "value": ["vip"]},
                     {"not": {"field": "Tier", "op": "is", "value": "gold"}}]},
            {"field": "owner", "op": "any of", "value": ["me", "Ann", "bob@owners.example.com"]},
            {"field": "organization_name", "op": "contains", "value": "acme"},
            {"field": "Date added", "op": "is not empty"},
        ]},
        ["organization_name", "lead_source", "Tier"], [],
    ),
    "Lost": ("lead", {"field": "status", "op": "is", "value": "Nwe"}, [], ["Nwe in status"]),
    "Several": ("deal", {"field": "stage", "op": "is not", "value": "Quote"}, ["is_hot"], []),
}  # fmt: skip


def test_saved_documents_are_carried_over(world: World) -> None:
    with world.db.engine.begin() as conn:
        seed_leads(conn, 4)
        custom_field.add(by(conn), CustomField("lead", "", "Tier", "list", ("Gold",)))
        conn.execute(text("INSERT INTO crm.pipeline (name, position) VALUES ('Second', 2)"))
        conn.execute(
            text(
                "INSERT INTO crm.stage (pipeline_id, name, category, position, likelihood, is_active) "
                "SELECT id, 'Quote', 'incoming', 1, 5, true FROM crm.pipeline WHERE name = 'Second'"
            )
        )
        for name, (object_, filter_, columns, _) in OLD.items():
            conn.execute(
                text(
                    "INSERT INTO crm.smart_list (object, name, filter, columns, sort) "
                    "VALUES (:object, :name, CAST(:filter AS jsonb), CAST(:columns AS jsonb), '[]')"
                ),
                {"object": object_, "name": name, "filter": json.dumps(filter_), "columns": json.dumps(columns)},
            )  # fmt: skip
        conn.execute(
            text(
                "INSERT INTO crm.smart_link (object, name, template) "
                "VALUES ('lead', 'L', 'https://x.example.com/{Tier}?c={organization_name}')"
            )
        )
        _carry(conn)
        shown = {
            one.saved.name: one for one in smart_list.shown(by(conn), smart_list.visible(by(conn)))
        }
        assert {name: list(one.broken) for name, one in shown.items()} == {
            n: o[3] for n, o in OLD.items()
        }
        found = shown["Found"].saved.document
        assert found.columns == ("company", "source", "custom_fields.tier")
        said = found.model_dump_json(by_alias=True)
        for word in (
            '"Working"',
            '"vip"',
            '"Gold"',
            '"me"',
            "ann@owners",
            "bob@owners",
            "created_at",
        ):
            assert word in said
        several = shown["Several"].saved.document
        assert several.model_dump(mode="json")["filter"] == {
            "field": "stage", "op": "none of", "value": ["Sales/Quote", "Second/Quote"],
        }  # fmt: skip
        assert several.columns == ("hot",)
        template = conn.execute(text("SELECT template FROM crm.smart_link")).scalar_one()
        assert template == "https://x.example.com/{custom_fields.tier}?c={company}"


def _carry(conn: Connection) -> None:
    for row in conn.execute(text(revision._SAVED)).all():
        revision._carry_list(conn, row)
    revision._carry_links(conn)
