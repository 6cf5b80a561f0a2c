"""The streams of Salesforce: the objects that each is read from, and what is joined to a record.

One record holds everything of it: a deal comes with its contact roles and the history of its stages, a
document with the records that it is shared with. So a record is complete by itself, and no order of
arrival matters. Not here: how an object is read (`reader.py`, `ranges.py`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from hub.connectors.base import Change, Stream


@dataclass(frozen=True, slots=True)
class Join:
    """Records of another object that are put into a record's payload.

    Args:
        key: the payload's key, a list; the names are those of Salesforce's relationships.
        object: the object.
        by: its field with the id.
        of: the record's field with the same id.
        when: only for records where this field is true; "" for all.
        fields: the fields to read; none for all.
        leave_out: a field and the prefix of ids for which a record is left out.
        leave_out_if: a field; a record in which it is true is left out.
        changes_alone: whether one of them can change while the record itself does not. Then a read of what
            has changed looks at them too.
        parents: fields of what the joined record names: `Campaign.Name`.
        is_optional: the org may lack the object, or hide it from the integration user. Then nothing is joined.
            Without a joined record the payload has no such key: it stays as Salesforce sent it.
    """

    key: str
    object: str
    by: str
    of: str = "Id"
    when: str = ""
    fields: tuple[str, ...] = ()
    leave_out: tuple[str, str] | None = None
    leave_out_if: str = ""
    changes_alone: bool = False
    parents: tuple[str, ...] = ()
    is_optional: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """One object of a stream.

    Args:
        name: its name in `skip` and in faults; that of the stream for the first object.
        object: the object at Salesforce.
        prefix: the first three characters of its ids.
        where: a condition that every query for it has.
        joins: what is joined to each record.
        blob: a field whose content is read by a request of its own, if `preview` was cut.
        preview: the field with the beginning of that content.
        page: the field with the id of the page that people open; its address is put into the payload.
    """

    name: str
    object: str
    prefix: str
    where: str = ""
    joins: tuple[Join, ...] = ()
    blob: str = ""
    preview: str = ""
    page: str = ""


# users and values of a field are never deleted, only switched off
_KEPT = frozenset({Change.CREATED, Change.UPDATED})
_ALL = frozenset(Change)
# the url of a record has the API version in it
_ADDRESS = frozenset({"attributes"})
_STAMP = "SystemModstamp"

USERS = Stream(
    "users",
    context=True,
    volatile=frozenset({"LastLoginDate"}),
    window_by=_STAMP,
    probed=_KEPT,
)
LEADS = Stream("leads", reports_deletes=True, window_by=_STAMP, probed=_ALL)
# The meaning of the values of Lead.Status, in any language. The API name serves as their id.
# https://developer.salesforce.com/docs/platform/object-reference/references/standard-objects/object-leadstatus.html
STATUSES = Stream("lead_statuses", context=True, window_by=_STAMP, probed=_KEPT)


def _kind(name: str) -> Stream:
    return Stream(name, reports_deletes=True, window_by=_STAMP, volatile=_ADDRESS, probed=_ALL)


# in reading order: what others name comes first
OBJECTS = (
    USERS,
    STATUSES,
    LEADS,
    _kind("accounts"),
    _kind("contacts"),
    _kind("opportunities"),
    _kind("tasks"),
    _kind("events"),
    _kind("notes"),
    _kind("files"),
    _kind("campaign_members"),
)
# what a sync follows unless the setting `objects` says otherwise
STREAMS = (USERS, STATUSES, LEADS)
ALWAYS = frozenset({"users", "lead_statuses"})

# every document is shared with its owner too
_LINKS = Join(
    "ContentDocumentLinks",
    "ContentDocumentLink",
    by="ContentDocumentId",
    fields=("Id", "ContentDocumentId", "LinkedEntityId", "ShareType"),
    leave_out=("LinkedEntityId", "005"),
)


def _members(by: str) -> Join:
    """Return the campaigns of a lead or a contact; a member that is added later comes with its next change."""
    return Join(
        "CampaignMembers",
        "CampaignMember",
        by=by,
        fields=("Id", by, "CampaignId", "Status", "CreatedDate"),
        parents=("Campaign.Name",),
        is_optional=True,
    )


# every contact has a relation to its own account too
_OTHER_ACCOUNTS = Join(
    "AccountContactRelations",
    "AccountContactRelation",
    by="ContactId",
    fields=("Id", "ContactId", "AccountId", "Roles", "IsActive", "IsDirect"),
    parents=("Account.Name",),
    leave_out_if="IsDirect",
    is_optional=True,
)
_LINE_ITEMS = Join(
    "OpportunityLineItems",
    "OpportunityLineItem",
    by="OpportunityId",
    fields=(
        "Id",
        "OpportunityId",
        "Name",
        "ProductCode",
        "Quantity",
        "UnitPrice",
        "TotalPrice",
        "Description",
    ),
    parents=("Product2.Name",),
    is_optional=True,
)
# the relation to the deal or the account says what the meeting is about, and is no attendee
_ATTENDEES = Join(
    "EventRelations",
    "EventRelation",
    by="EventId",
    fields=("Id", "EventId", "RelationId", "Status", "IsWhat", "IsInvitee"),
    parents=("Relation.Name",),
    leave_out_if="IsWhat",
    is_optional=True,
)
PARTS: Mapping[str, Sequence[Part]] = {
    "users": (
        Part("users", "User", "005"),
        Part("queues", "Group", "00G", where="Type = 'Queue'"),
    ),
    "lead_statuses": (Part("lead_statuses", "LeadStatus", "01J"),),
    "leads": (Part("leads", "Lead", "00Q", joins=(_members("LeadId"),)),),
    "accounts": (Part("accounts", "Account", "001"),),
    "contacts": (
        Part(
            "contacts",
            "Contact",
            "003",
            # the account of a person account has the rest of what is known of the person
            joins=(
                Join("PersonAccount", "Account", by="Id", of="AccountId", when="IsPersonAccount"),
                _members("ContactId"),
                _OTHER_ACCOUNTS,
            ),
        ),
    ),
    "opportunities": (
        Part(
            "opportunities",
            "Opportunity",
            "006",
            joins=(
                Join(
                    "OpportunityContactRoles",
                    "OpportunityContactRole",
                    by="OpportunityId",
                    changes_alone=True,
                ),
                Join("OpportunityHistories", "OpportunityHistory", by="OpportunityId"),
                _LINE_ITEMS,
            ),
        ),
    ),
    "tasks": (Part("tasks", "Task", "00T"),),
    "events": (Part("events", "Event", "00U", joins=(_ATTENDEES,)),),
    "notes": (
        Part("notes", "Note", "002"),
        Part(
            "content_notes",
            "ContentNote",
            "069",
            joins=(_LINKS,),
            blob="Content",
            preview="TextPreview",
        ),
    ),
    "files": (
        Part(
            "files",
            "ContentVersion",
            "068",
            where="IsLatest = true AND FileType != 'SNOTE'",
            joins=(replace(_LINKS, of="ContentDocumentId"),),
            page="ContentDocumentId",
        ),
        Part("attachments", "Attachment", "00P", page="Id"),
    ),
    "campaign_members": (Part("campaign_members", "CampaignMember", "00v"),),
}
SKIPPABLE = tuple(part.name for parts in PARTS.values() for part in parts)
