"""Every index is paid for with each row that is written, so every index has a reason."""

import importlib

from hub.db.metadata import metadata
from tests.architecture.statements import modules, name_of


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
    assert not without, "say info=because(...) in the module of the table"
