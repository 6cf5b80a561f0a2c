"""A field that lists may filter by, and the catalogue of such fields of a kind of record.

A name is looked up as it is written, else by its former name, else by the words that people read
(`Date added`). Not here: which fields there are (`catalogues`), what a condition means (`predicates`).
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Table

from hub.frozen import dataclass
from hub.lists.dates import Moment
from hub.lists.predicates import Column, Predicate
from hub.model import vocabulary

CUSTOM = "custom_fields."
DAYS = "days"


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a kind of record.

    Args:
        name: as documents write it.
        label: as people read it.
        kind: text, number, bool, moment, date, days, tags, user, name, or a custom field's type.
        column: the expression that is shown and compared.
        predicate: what a condition on it means.
        order: the expression to sort by, if an index has this order.
        names: the kind of the things that its values name (`hub.crm.named`); None: values are no names.
        scope: where such a name counts: of a choice `object.key`.
        words: the only values that it can have; empty: any.
    """

    name: str
    label: str
    kind: str
    column: Column
    predicate: Predicate
    order: Column | None = None
    names: str | None = None
    scope: str = ""
    words: tuple[str, ...] = ()


def shown(field: Field, value: Any, moment: Moment) -> Any:
    """Return a value as lists and links show it: of days how many have passed, in the asker's zone."""
    if field.kind == DAYS and isinstance(value, datetime):
        return (moment.today - value.astimezone(moment.zone).date()).days
    return value


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What may be asked of a kind of record.

    Args:
        object: lead, person, company or deal.
        table: where its rows are.
        standing: what every row of a list fulfils: not archived (always the first), not merged.
        unless_asked: conditions added unless the filter names their field.
        fields: by name.
        default_sort: the order where a document names none; the newest first.
        default_columns: the columns if a document names none.
    """

    object: str
    table: Table
    standing: tuple[Column, ...]
    unless_asked: Mapping[str, Column]
    fields: Mapping[str, Field]
    default_sort: str
    default_columns: tuple[str, ...]

    def find(self, name: str) -> Field | None:
        """Return a field by its name of today or of before, else by its label."""
        found = self.fields.get(name) or self.fields.get(vocabulary.today(name))
        if found is None:
            said = name.replace("_", " ").strip().casefold()
            found = next((f for f in self.fields.values() if f.label.casefold() == said), None)
        return found
