"""The streams of HubSpot: what each is read by, and what is joined to a record.

A record is complete by itself: a deal comes with its contacts, its company and its stages, an engagement with
the records that it is about. Not here: how objects are read (`search.py`, `ranges.py`).
"""

from collections.abc import Mapping
from dataclasses import dataclass

from hub.connectors.base import Change, Stream

ID, MERGED = "hs_object_id", "hs_merged_object_ids"


@dataclass(frozen=True, slots=True)
class Kind:
    """One type of objects.

    Args:
        name: in paths; also the name of the stream.
        changed: the property with the time of the last change.
        created: the property with the time of the creation.
        linked: the types of objects whose associations are joined to a record.
        further_only: whether the first company, which a property of the record names, is left out.
        has_stages: whether the record is in a pipeline; then its stages are joined.
        grouped: properties whose values the inventory counts, because the mapping knows a list of them.
    """

    name: str
    changed: str = "hs_lastmodifieddate"
    created: str = "createdate"
    linked: tuple[str, ...] = ()
    further_only: bool = False
    has_stages: bool = False
    grouped: tuple[str, ...] = ()


_ABOUT = ("contacts", "companies", "deals")


def _engagement(name: str) -> Kind:
    return Kind(name, created="hs_createdate", linked=_ABOUT)


# https://developers.hubspot.com/docs/api-reference/crm-contacts-v3: contacts spell their change otherwise
KINDS: Mapping[str, Kind] = {
    one.name: one
    for one in (
        Kind("companies"),
        Kind(
            "contacts",
            changed="lastmodifieddate",
            linked=("companies",),
            further_only=True,
            grouped=("hs_lead_status",),
        ),
        Kind("deals", linked=("contacts", "companies"), has_stages=True),
        _engagement("calls"),
        _engagement("emails"),
        _engagement("meetings"),
        _engagement("notes"),
        _engagement("tasks"),
    )
}
ENGAGEMENTS = ("calls", "emails", "meetings", "notes", "tasks")

OWNERS = Stream("owners", incremental=False, countable=False, context=True, window_by="updatedAt")
# A search leaves archived records out, so no cheap question sees a deletion. A merge changes the survivor.
# Owners and definitions have no search: https://developers.hubspot.com/docs/api-reference/search/guide
_SEARCHED = frozenset({Change.CREATED, Change.UPDATED, Change.MERGED})


def _objects(name: str, *, context: bool = False) -> Stream:
    return Stream(
        name, context=context, reports_deletes=True, window_by="updatedAt", probed=_SEARCHED
    )


# What a property is called, who defined it, whether people may write it: its name is its id.
# https://developers.hubspot.com/docs/api-reference/crm-properties-v3/guide
DEFINED = {
    "company_properties": "companies",
    "contact_properties": "contacts",
    "deal_properties": "deals",
}
DEFINITIONS = {
    name: Stream(name, incremental=False, countable=False, context=True, of=kind)
    for name, kind in DEFINED.items()
}
COMPANIES, CONTACTS = _objects("companies", context=True), _objects("contacts")
# what a sync follows unless the setting `objects` says otherwise
STREAMS = (
    OWNERS,
    DEFINITIONS["company_properties"],
    DEFINITIONS["contact_properties"],
    COMPANIES,
    CONTACTS,
)
# in reading order: what others name comes first
OBJECTS = (
    *STREAMS,
    DEFINITIONS["deal_properties"],
    _objects("deals"),
    *(_objects(name) for name in ENGAGEMENTS),
)
ALWAYS = frozenset({"owners"})
