"""Lists that every team can use as they are: by name, or as a pattern for its own."""

from typing import Any

from hub.lists.document import read
from hub.lists.store import SavedList


def _lead(*conditions: Any, **more: Any) -> dict[str, Any]:
    return {"object": "lead", "filter": {"all": list(conditions)}, **more}


def _deal(*conditions: Any, **more: Any) -> dict[str, Any]:
    return {"object": "deal", "filter": {"all": [_OPEN, *conditions]}, **more}


def _ask(field: str, op: str, value: Any = None) -> dict[str, Any]:
    return {"field": field, "op": op} | ({} if value is None else {"value": value})


_OPEN = _ask("stage_category", "any of", ["incoming", "in_progress"])
_MINE = _ask("owner", "is", "me")
_SILENT = {
    "any": [
        _ask("days_since_last_communication", ">=", 30),
        {"all": [_ask("days_since_last_communication", "is empty"),
                 _ask("created_at", "before", "30 days ago")]},
    ]
}  # fmt: skip

TEMPLATES: dict[str, dict[str, Any]] = {
    "New, not contacted": _lead(
        _ask("status", "is", "New"), _ask("last_communication_at", "is empty"), sort="created_at"
    ),
    "My leads": _lead(_MINE),
    "Nobody's leads": _lead(_ask("owner", "is", "nobody"), sort="created_at"),
    "Added today": _lead(_ask("created_at", "within", "today")),
    "No next task": _lead(_MINE, _ask("next_task_at", "is empty"),
                          _ask("status", "none of", ["Unqualified"])),
    "Tasks of the next 7 days": _lead(_MINE, _ask("next_task_at", "within", "next 7 days"),
                                      sort="next_task_at"),
    "Overdue tasks": _lead(_MINE, _ask("next_task_at", "before", "today"), sort="next_task_at"),
    "Not contacted for 30 days": _lead(_SILENT, _ask("status", "none of", ["Unqualified"]),
                                       sort="last_communication_at"),
    "No source asks for them": _lead(_ask("unasked_since", "is not empty")),
    "Converted in their source": _lead(_ask("source_converted_at", "is not empty")),
    "Leads with open tickets": _lead(_ask("open_tickets", ">", 0)),
    "Customers with open tickets": {
        "object": "person",
        "filter": {"all": [_ask("customer_status", "is", "current"), _ask("open_tickets", ">", 0)]},
    },
    "Customers not contacted for 90 days": {
        "object": "company",
        "filter": {"all": [_ask("customer_status", "is", "current"),
                           _ask("days_since_last_communication", ">=", 90)]},
        "sort": "last_communication_at",
    },
    "My open deals": _deal(_MINE, sort="close_date"),
    "Hot deals closing this month": _deal(
        _ask("hot", "is", "true"), _ask("close_date", "within", "this month"),
        sort="close_date",
    ),
    "Deals past their close date": _deal(
        _ask("close_date", "before", "today"), sort="close_date"
    ),
    "Deals without a next task": _deal(_ask("next_task_at", "is empty"), sort="-value"),
}  # fmt: skip


def templates() -> list[SavedList]:
    """Return the hub's own lists."""
    return [SavedList(None, name, read(said), None, True, True) for name, said in TEMPLATES.items()]  # noqa: FBT003 shared, a template
