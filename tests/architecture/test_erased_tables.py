"""Erase knows every table: one with a personal column has a rule, or a reason why it needs none."""

import importlib

from hub.db.metadata import metadata
from hub.erase import rows
from tests.architecture.statements import modules, name_of


def _tables() -> set[str]:
    for path in modules():
        if path.stem.endswith("tables"):
            importlib.import_module(name_of(path))
    return {table.fullname for table in metadata.tables.values()}


def _personal() -> set[str]:
    return {
        table.fullname
        for table in metadata.tables.values()
        if any(column.info.get("personal") for column in table.columns)
    }


def test_every_table_with_a_personal_column_is_erased_or_has_a_reason() -> None:
    known = _tables()
    erased = {rule.name for rule in rows.RULES} | {*rows.EMPTIED_WITH_OBJECTS, *rows.BY_HAND}
    reasons = {*rows.HOLDS_MENTIONS, *rows.OF_THE_TEAM}
    assert _personal() - erased - reasons == set()
    assert not erased & reasons
    assert not (erased | reasons) - known, "the lists name tables that are gone"


def test_what_refers_to_a_deleted_row_goes_before_it() -> None:
    """A foreign key of a forgotten table would stop the erasure of a person with such a row."""
    _tables()
    gone = {(str(table.fullname), "record_id") for table, _ in rows.DETACHED}
    for rule in rows.RULES:
        if not rule.empty:
            target = rule.table
            for table in metadata.tables.values():
                for key in table.foreign_keys:
                    if key.references(target) and not key.ondelete and table is not target:
                        assert (table.fullname, key.parent.name) in gone, (
                            f"{key.parent} → {rule.name}"
                        )
        gone |= {(rule.name, column) for column in rule.ties if not rule.empty}


def test_a_rule_empties_every_personal_column_of_a_row_that_stays() -> None:
    """The rest of an erased row holds nothing personal: computed columns follow the others."""
    kept = {"who", "dedupe_key", "status_set_by"}  # the team; a name of our own
    for rule in rows.RULES:
        if rule.empty:
            left = {
                column.name
                for column in rule.table.columns
                if column.info.get("personal") and column.computed is None
            }
            assert left - rule.empty.keys() - kept == set(), rule.name
