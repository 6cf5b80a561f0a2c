"""What Salesforce itself writes after a change: the history of a deal, the person of a person account."""

from collections.abc import Mapping
from typing import Any

from hub.sandbox.salesforce.setup import SOURCE
from hub.sandbox.world import Row, World, iso

_TRACKED = ("StageName", "Amount", "CloseDate", "Probability", "CurrencyIsoCode")
_PERSON = "Person"
_NAMES = frozenset({"FirstName", "LastName", "Salutation"})


class Effects:
    """A listener of the world that writes the rows which follow from a change."""

    def __init__(self, world: World) -> None:
        self._world = world

    def __call__(self, event: Mapping[str, Any], row: Row) -> None:
        """Write what follows from one event."""
        if row.source != SOURCE or event["op"] not in {"create", "update"}:
            return
        changed = event["values"]
        if row.stream == "opportunities":
            self._add_history(row, changed, is_new=event["op"] == "create")
        elif row.stream == "accounts" and row.values.get("IsPersonAccount"):
            self._change_person(row, changed)

    def _add_history(self, row: Row, changed: Mapping[str, Any], *, is_new: bool) -> None:
        if not is_new and not set(_TRACKED) & changed.keys():
            return
        kept = {name: row.values[name] for name in _TRACKED if name in row.values}
        values = {**kept, "OpportunityId": row.id, "CreatedById": row.values.get("OwnerId")}
        self._world.create(SOURCE, "opportunity_history", values, person=row.person)
        if "StageName" in changed and not is_new:
            moved = {"LastStageChangeDate": iso(row.modified_at)}
            self._world.update(SOURCE, "opportunities", row.id, moved)

    def _change_person(self, row: Row, changed: Mapping[str, Any]) -> None:
        """Write a person account's own values to its contact: both are one record at Salesforce."""
        person = {
            name.removeprefix(_PERSON): value
            for name, value in changed.items()
            if name in _NAMES or (name.startswith(_PERSON) and name != "PersonContactId")
        }
        contact = str(row.values.get("PersonContactId") or "")
        if person and self._world.get(SOURCE, "contacts", contact) is not None:
            self._world.update(SOURCE, "contacts", contact, person)
