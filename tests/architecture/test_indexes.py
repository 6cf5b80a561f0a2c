"""Every index is paid for with each row that is written, so every index has a reason."""

import importlib

from hub.db.metadata import metadata
from tests.architecture.statements import modules, name_of

# Tables whose indexes have no reason yet.
NOT_YET = frozenset(
    {
        "crm.alert",
        "crm.call",
        "crm.contact",
        "crm.conversion",
        "crm.custom_field",
        "crm.deal",
        "crm.deal_check",
        "crm.deal_contact",
        "crm.inquiry",
        "crm.lead",
        "crm.lead_status",
        "crm.member",
        "crm.message",
        "crm.note",
        "crm.outcome",
        "crm.owner_identity",
        "crm.pipeline",
        "crm.reason",
        "crm.record_source",
        "crm.smart_link",
        "crm.smart_list",
        "crm.stage",
        "crm.stage_criterion",
        "crm.stage_transition",
        "crm.task",
        "crm.ticket",
        "crm.user",
        "crm.visit",
    }
)


def reasons() -> dict[str, dict[str, str]]:
    """The reasons of the indexes, by table and name."""
    for path in modules():
        if path.stem.endswith("tables"):
            importlib.import_module(name_of(path))
    importlib.import_module("hub.db.outbox")
    return {
        f"{table.schema}.{table.name}": {
            str(index.name): index.info.get("because", "") for index in table.indexes
        }
        for table in metadata.tables.values()
        if table.indexes
    }


def test_every_index_has_a_reason() -> None:
    without = {table for table, whys in reasons().items() if not all(whys.values())}
    assert without == NOT_YET, "say info=because(...) in the module of the table"
