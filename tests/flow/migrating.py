"""A small Salesforce org with companies, people, deals and activities, written by hand.

Its mappings are the smallest that give these entities; the shipped ones have tests of their own.
"""

from dataclasses import replace
from functools import partial
from typing import Any

from hub.mappings.loader import load_text
from hub.model.records import RawRecord
from hub.model.verdicts import Op
from tests.flow.conftest import World, hand_made

STREAMS = (
    "users", "accounts", "contacts", "leads", "opportunities", "tasks", "calls", "visits",
    "messages", "notes",
)  # fmt: skip
_HEAD = """
source: salesforce
stream: {stream}
trust: trusted
id: Id
deleted: {{is_true: IsDeleted}}
ignore: ["*"]
emit:
  - entity: {entity}
    primary: true
"""
_ON = """
    refs: {contact: ContactId, lead: LeadId, company: AccountId, deal: DealId, owner: OwnerId,
           author: CreatedById}
"""
_BODIES = {
    ("accounts", "organisation"): """
    fields: {organization_name: Name, website: Website}
    refs: {owner: OwnerId, parent: ParentId}
""",
    ("contacts", "contact"): """
    fields: {first_name: FirstName, last_name: LastName, email: Email, created_at: CreatedDate}
    refs: {owner: OwnerId, company: AccountId}
""",
    ("leads", "lead"): """
    fields: {first_name: FirstName, last_name: LastName, email: Email, converted_at: ConvertedDate, created_at: CreatedDate}
    refs:
      owner: OwnerId
      converted_contact: ConvertedContactId
      converted_account: ConvertedAccountId
      converted_opportunity: ConvertedOpportunityId
""",
    ("opportunities", "deal"): """
    fields:
      name: Name
      value: Amount
      currency: CurrencyIsoCode
      pipeline: Pipeline
      stage: StageName
      is_closed: IsClosed
      is_won: IsWon
      lead_source: LeadSource
      loss_reason: LossReason
      estimated_close_date: CloseDate
      win_likelihood: Probability
      tags: Tags
      created_at: CreatedDate
      custom_fields.deal_type: Type
      stage_history: {path: Histories, transform: {objects: {keys: {stage: StageName, at: CreatedDate, who: CreatedById}, with: {at: datetime}}}}
      contacts: {path: Roles, transform: {objects: {keys: {ref: ContactId, role: Role, is_primary: IsPrimary}}}}
    refs: {contact: ContactId, company: AccountId, owner: OwnerId}
""",
    ("tasks", "task"): """
    fields: {content: Subject, due_at: Due, completed_at: Done, created_at: CreatedDate}
"""
    + _ON,
    ("calls", "call"): """
    fields: {made_at: At, is_incoming: Incoming, duration_s: Seconds, outcome: Result, summary: Subject, created_at: CreatedDate}
"""
    + _ON,
    ("visits", "visit"): """
    fields: {visited_at: At, address: Location, summary: Subject, created_at: CreatedDate}
"""
    + _ON,
    ("messages", "message"): """
    fields: {kind: Kind, sent_at: At, subject: Subject, content: Body, created_at: CreatedDate}
"""
    + _ON,
    ("notes", "note"): """
    fields: {content: Body, at: CreatedDate}
"""
    + _ON,
}
MAPPINGS = {
    f"salesforce/{stream}": load_text(_HEAD.format(stream=stream, entity=entity) + body)
    for (stream, entity), body in _BODIES.items()
}
USER = {"Name": "Rita Rep", "Email": "rita@old.example.com"}


def migrating(world: World) -> World:
    """Let the hub read the whole org."""
    world.hub = replace(world.hub, mappings={**world.hub.mappings, **MAPPINGS})
    world.salesforce.names = STREAMS
    return world


def made(source_id: str, *, at: int = 1, op: Op = Op.UPSERT, **values: Any) -> RawRecord:
    """An object of the org."""
    row = {"Id": source_id, "CreatedDate": "2024-05-05T10:00:00Z", **values}
    return hand_made(source_id, row, at, op)


def org(mark: str = "1", at: int = 1) -> dict[str, list[RawRecord]]:
    """Objects that name each other; `mark` tells the people of several orgs apart."""
    put = partial(made, at=at)
    name = {"1": "Acme", "2": "Borel", "3": "Cadot", "4": "Doria", "5": "Estel", "6": "Fuchs"}[mark]
    user, firm, group = f"005U{mark}", f"001F{mark}", f"001G{mark}"
    lea, max_, deal = f"003L{mark}", f"003M{mark}", f"006D{mark}"
    on = {"OwnerId": user, "CreatedById": user}
    return {
        "users": [put(user, Name=f"Rita {name}", Email=f"rita@{name.lower()}-old.example.com")],
        "accounts": [
            put(group, Name=f"{name} Holding", Website=f"https://{name.lower()}-holding.example"),
            put(firm, Name=f"{name} Works", Website=f"https://{name.lower()}.example", ParentId=group),
        ],
        "contacts": [
            put(lea, FirstName="Lea", LastName=name, Email=f"lea@{name.lower()}.example", AccountId=firm),
            put(max_, FirstName="Max", LastName=f"{name}sen", Email=f"max@{name.lower()}.example", AccountId=firm),
        ],
        "opportunities": [
            put(
                deal, Name=f"{name} 2024", Amount="1200.5", CurrencyIsoCode="USD", StageName="Won",
                IsClosed=True, IsWon=True, AccountId=firm, ContactId=lea, OwnerId=user,
                LeadSource="Fair", CloseDate="2024-07-01", Type="New",
                Roles=[{"ContactId": max_, "Role": "Decision Maker"}, {"ContactId": lea, "Role": "User", "IsPrimary": True}],
                Histories=[
                    {"StageName": "Incoming", "CreatedDate": "2024-05-05T10:00:00Z", "CreatedById": user},
                    {"StageName": "Incoming", "CreatedDate": "2024-05-06T10:00:00Z", "CreatedById": user},
                    {"StageName": "Quote", "CreatedDate": "2024-06-01T10:00:00Z", "CreatedById": user},
                    {"StageName": "Won", "CreatedDate": "2024-06-30T10:00:00Z", "CreatedById": user},
                ],
            ),
            put(f"006E{mark}", Name=f"{name} more", StageName="Qualified", AccountId=firm),
        ],
        "tasks": [put(f"00T1{mark}", Subject="Call back", Due="2030-01-01T12:00:00Z", ContactId=lea, DealId=deal, **on)],
        "calls": [put(f"00T2{mark}", Subject="Talked", At="2024-06-02T09:00:00Z", Seconds=90, Result="Reached", ContactId=max_, DealId=deal, **on)],
        "visits": [put(f"00U1{mark}", Subject="On site", At="2024-06-03T09:00:00Z", AccountId=firm, **on)],
        "messages": [put(f"02s1{mark}", Kind="email", Subject="Offer", Body="Here it is", At="2024-06-04T09:00:00Z", ContactId=lea, **on)],
        "notes": [put(f"0021{mark}", Body="Likes tea", ContactId=lea, **on)],
    }  # fmt: skip


def hold(world: World, objects: dict[str, list[RawRecord]], *streams: str) -> None:
    """Let the org have these objects, of these streams or of all."""
    for stream in streams or tuple(objects):
        world.add("salesforce", stream, *objects[stream])
