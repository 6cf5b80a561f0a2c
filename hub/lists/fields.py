"""The fields that lists may ask for, by kind of record: the fixed ones and the team's own.

Names are looked up as they are written, else by the words that people read (`Date added`). Not here:
what a condition means (`predicates`, `custom`), groups, paging.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from sqlalchemy import Connection, Table, Text, literal
from sqlalchemy.dialects.postgresql import JSONB

from hub.crm import custom_fields
from hub.crm.custom_fields import CustomField
from hub.lists import custom, texts
from hub.lists.document import Op
from hub.lists.predicates import Asking, Column, Predicate, Values

CUSTOM = "custom_fields."


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a kind of record.

    Args:
        name: as documents write it.
        label: as people read it.
        kind: text, number, bool, moment, date, days, tags, user, name, or a custom field's type.
        column: what is shown, and compared.
        predicate: what a condition on it means.
        order: what is sorted by, where an index has this order.
    """

    name: str
    label: str
    kind: str
    column: Column
    predicate: Predicate
    order: Column | None = None


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What may be asked of a kind of record.

    Args:
        object: lead, person, company or deal.
        table: where its rows are.
        standing: what every row of a list fulfils: not archived, not merged into another.
        unless_asked: what it fulfils too, unless the filter asks for that field.
        fields: by name.
        default_sort: the order where a document names none; the newest first.
        default_columns: what is shown where a document names nothing.
    """

    object: str
    table: Table
    standing: tuple[Column, ...]
    unless_asked: Mapping[str, Column]
    fields: Mapping[str, Field]
    default_sort: str
    default_columns: tuple[str, ...]

    def find(self, name: str) -> Field | None:
        """Return a field by its name, else by its label."""
        found = self.fields.get(name)
        if found is None:
            said = name.replace("_", " ").strip().casefold()
            found = next((f for f in self.fields.values() if f.label.casefold() == said), None)
        return found


def catalogue(conn: Connection, object_: str) -> Catalogue:
    """Return the fields of a kind of record, with the custom ones as they are defined now."""
    from hub.lists.catalogues import FIXED  # noqa: PLC0415 it is made of our classes

    made = FIXED[object_]
    own = [
        _custom(made.table, field)
        for field in custom_fields.fields_of(conn, object_).values()
        if field.is_filterable
    ]
    return replace(made, fields={**made.fields, **{field.name: field for field in own}})


def _custom(table: Table, field: CustomField) -> Field:
    column = table.c.custom_fields
    shown = column.op("->", return_type=JSONB)(literal(field.key, Text))
    predicate = custom.predicate_of(field, texts.FACTS[table.name])

    def over_all(_shown: Column, op: Op, values: Values, asking: Asking) -> Column:
        return predicate(column, op, values, asking)

    return Field(f"{CUSTOM}{field.key}", field.name, field.type, shown, over_all)
