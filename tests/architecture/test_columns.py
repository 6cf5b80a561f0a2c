"""Each column is in exactly one class, and the tables have no column without one."""

from collections import Counter

import pytest

from hub.crm import leads, tables
from hub.model.entities import ENTITY_FIELDS, LEAD_FIELDS, ColumnClass
from hub.model.folding import GoldenRecord
from hub.sinks import crm as sink

# The hub's own book-keeping; what is here says nothing of the person or the deal.
BOOKKEEPING = {
    "lead": {"id", "entity_id", "legacy_owner", "lane", "batch_id", "archived_at", "merged_into",
             "recorded_at", "contact_id", "account_id", "account_why", "sort_key",
             "names", "search_tokens", "unasked_since", "source_converted_at", "status_set_by"},
    "contact": {"id", "entity_id", "batch_id", "archived_at", "merged_into", "recorded_at",
                "is_organization", "company_id", "kept_by", "sort_key", "names",
                "search_tokens", "unasked_since", "parent_id"},
    "ticket": {"id", "entity_id", "record_id", "source", "source_id", "requester", "archived_at",
               "recorded_at"},
}  # fmt: skip


def test_every_field_is_listed_once() -> None:
    for entity, fields in ENTITY_FIELDS.items():
        twice = [name for name, n in Counter(f.name for f in fields).items() if n > 1]
        assert not twice, entity


@pytest.mark.parametrize("entity", BOOKKEEPING)
def test_the_classes_and_the_bookkeeping_are_the_table(entity: str) -> None:
    classified = {field.name for field in ENTITY_FIELDS[entity]}
    columns = {column.name for column in getattr(tables, entity).columns}
    assert not classified & BOOKKEEPING[entity]
    assert classified | BOOKKEEPING[entity] == columns


def test_load_writes_the_folded_columns_and_seeds_the_held_ones() -> None:
    by_class = {
        kind: {f.name for f in LEAD_FIELDS if f.column_class is kind} for kind in ColumnClass
    }
    assert set(leads.FOLDED) == by_class[ColumnClass.FOLDED]
    held = by_class[ColumnClass.HELD] | by_class[ColumnClass.DERIVED]
    assert not set(leads.FOLDED) & held
    golden = GoldenRecord(1, {}, None, None, "New", None, None, None, "bulk", 1)
    states = {"archived_at", "unasked_since", "converted_at", "source_converted_at"}
    follows = {"status", "unqualified_reason"}  # until a person or a command has set it
    written = {*leads.FOLDED, "entity_id", *states, *follows}
    assert set(sink._update_row(golden, leads.FOLDED)) == written
    seeded = by_class[ColumnClass.HELD] | {"last_activity_at"}  # a source's word is its first value
    assert set(sink._lead_row(golden)) >= by_class[ColumnClass.FOLDED] | seeded
