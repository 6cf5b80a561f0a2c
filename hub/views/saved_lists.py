"""A saved list as people read it: with the names of today, and what is broken in it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hub.lists.store import SavedList


@dataclass(frozen=True, slots=True)
class SavedListView:
    """A saved list.

    Args:
        id: its number.
        name: as the user calls it.
        shared: whether the team may use it.
        template: whether it is a template.
        object: lead, person, company or deal.
        filter: the conditions, as docs/lists.md says.
        sort: field and direction; null: the newest first.
        columns: names of fields; none: those of the kind.
        broken: the parts that name nothing any more.
    """

    id: int | None
    name: str
    shared: bool
    template: bool
    object: str
    filter: Any
    sort: Any
    columns: tuple[str, ...]
    broken: tuple[str, ...]


def of_list(saved: SavedList, broken: Sequence[str]) -> SavedListView:
    """Return a list; its document has names."""
    document = saved.document.model_dump(mode="json", by_alias=True, exclude_none=True)
    return SavedListView(
        saved.id,
        saved.name,
        saved.is_shared,
        saved.is_template,
        document["object"],
        document["filter"],
        document.get("sort"),
        tuple(document.get("columns", ())),
        tuple(broken),
    )
