"""The streams of Zendesk Sell: the list that each is read from. Data alone.

Persons and organizations are in one list, `contacts`. What a record names by an id (a stage, a source, a
reason, an outcome) is a list of its own, which mappings read by `lookup`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from hub.connectors.base import Change, Stream


@dataclass(frozen=True, slots=True)
class Kind:
    """How a stream is read.

    Args:
        path: of the list.
        params: that every request has.
        id_key: the key of the id by which other records look a record up.
        fields: the list of definitions of custom fields that its records have.
    """

    path: str
    params: Mapping[str, str | int] = field(default_factory=dict)
    id_key: str = "id"
    fields: tuple[str, ...] = ()


_KEPT = frozenset({Change.CREATED, Change.UPDATED})


def _list(name: str) -> Stream:
    return Stream(name, incremental=False, countable=False, context=True)


def _changing(name: str) -> Stream:
    return Stream(
        name, countable=False, window_by="updated_at", names_survivors=False, probed=_KEPT
    )


USERS = _list("users")
LISTS = tuple(
    _list(name)
    for name in (
        "pipelines", "stages", "lead_statuses", "lead_sources", "deal_sources", "loss_reasons",
        "lead_unqualified_reasons", "deal_unqualified_reasons", "call_outcomes", "visit_outcomes", "tags",
        "products", "sequences", "lead_conversions",
    )
)  # fmt: skip
LEADS, CONTACTS, DEALS = _changing("leads"), _changing("contacts"), _changing("deals")
REST = tuple(
    _changing(name)
    for name in (
        "tasks", "notes", "calls", "visits", "text_messages", "orders", "documents", "collaborations",
    )
)  # fmt: skip
# in reading order: what others name comes first
OBJECTS = (USERS, *LISTS, CONTACTS, LEADS, DEALS, *REST)
_NEEDED = frozenset({
    "users", "pipelines", "stages", "lead_statuses", "lead_sources", "deal_sources", "loss_reasons",
    "lead_unqualified_reasons", "deal_unqualified_reasons", "lead_conversions",
})  # fmt: skip
FOLLOWED = ("leads", "contacts", "deals")
ALWAYS = _NEEDED
# what a sync follows unless the setting `objects` says otherwise
STREAMS = tuple(one for one in OBJECTS if one.name in {*ALWAYS, *FOLLOWED})

KINDS: Mapping[str, Kind] = {
    **{one.name: Kind(f"/v2/{one.name}") for one in OBJECTS},
    "lead_conversions": Kind("/v2/lead_conversions", id_key="lead_id"),
    "leads": Kind("/v2/leads", fields=("lead",)),
    "contacts": Kind("/v2/contacts", fields=("contact", "prospect_and_customer")),
    "deals": Kind("/v2/deals", {"includes": "associated_contacts"}, fields=("deal",)),
}
SKIPPABLE = tuple(one.name for one in OBJECTS)
