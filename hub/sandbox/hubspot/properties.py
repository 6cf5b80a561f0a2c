"""The properties of each type, and their kinds.

A type also has the properties that the universe or a client defines, and every other property that a record
of the universe has. The kind of such a property is text.
https://developers.hubspot.com/docs/api-reference/crm-properties-v3/guide
"""

from collections.abc import Mapping

from hub.sandbox.hubspot.errors import ApiError, invalid
from hub.sandbox.hubspot.objects import (
    CALLS,
    COMPANIES,
    CONTACTS,
    DEALS,
    EMAILS,
    MEETINGS,
    NOTES,
    TASKS,
    Crm,
    ObjectType,
)
from hub.sandbox.hubspot.pipelines import pipelines
from hub.sandbox.hubspot.texts import SOURCE, Json

_STAMP = "2019-08-06T02:41:08.029Z"
_FIELD_TYPES = {
    "string": "text",
    "number": "number",
    "datetime": "date",
    "date": "date",
    "bool": "booleancheckbox",
    "enumeration": "select",
    "phone_number": "phonenumber",
}
_SYSTEM = "createdate:datetime hs_lastmodifieddate:datetime hs_object_id:number hs_merged_object_ids:enumeration"
_OWNED = (
    "hubspot_owner_id:enumeration hubspot_owner_assigneddate:datetime hubspot_team_id:enumeration"
)
_DONE = """hs_createdate:datetime hs_lastmodifieddate:datetime hs_object_id:number
    hs_merged_object_ids:enumeration hs_timestamp:datetime hubspot_owner_id:enumeration
    hubspot_team_id:enumeration hs_body_preview:string hs_created_by:number"""
_PLACE = "address:string city:string state:string zip:string country:string website:string"
_NAMES: Mapping[str, str] = {
    CONTACTS.name: f"""{_SYSTEM} lastmodifieddate:datetime {_OWNED} {_PLACE} firstname:string
        lastname:string salutation:string email:string hs_additional_emails:enumeration phone:string
        mobilephone:string fax:string company:string jobtitle:string industry:string message:string
        lifecyclestage:enumeration hs_lead_status:enumeration hs_email_optout:bool
        hs_email_hard_bounce_reason:string hs_legal_basis:enumeration hs_marketable_status:string
        hs_analytics_source:enumeration hs_analytics_source_data_1:string
        hs_analytics_source_data_2:string hs_latest_source:enumeration associatedcompanyid:number
        hubspotscore:number notes_last_contacted:datetime hs_calculated_merged_vids:string
        numemployees:enumeration annualrevenue:string hs_language:enumeration""",
    COMPANIES.name: f"""{_SYSTEM} {_OWNED} {_PLACE} name:string domain:string phone:string
        industry:enumeration numberofemployees:number annualrevenue:number description:string
        lifecyclestage:enumeration hs_parent_company_id:number type:enumeration""",
    DEALS.name: f"""{_SYSTEM} {_OWNED} dealname:string amount:number deal_currency_code:enumeration
        pipeline:enumeration dealstage:enumeration closedate:datetime dealtype:enumeration
        description:string closed_lost_reason:string closed_won_reason:string hs_next_step:string
        hs_priority:enumeration hs_forecast_probability:number hs_manual_forecast_category:enumeration
        hs_analytics_source:enumeration hs_is_closed:bool hs_is_closed_won:bool
        hs_deal_stage_probability:number num_associated_contacts:number notes_last_contacted:datetime""",
    CALLS.name: f"""{_DONE} hs_call_title:string hs_call_body:string hs_call_duration:number
        hs_call_direction:enumeration hs_call_disposition:string hs_call_status:enumeration
        hs_call_to_number:string hs_call_from_number:string hs_call_recording_url:string""",
    EMAILS.name: f"""{_DONE} hs_email_subject:string hs_email_text:string hs_email_html:string
        hs_email_direction:enumeration hs_email_status:enumeration hs_email_from_email:string
        hs_email_to_email:string""",
    MEETINGS.name: f"""{_DONE} hs_meeting_title:string hs_meeting_body:string
        hs_meeting_start_time:datetime hs_meeting_end_time:datetime hs_meeting_location:string
        hs_meeting_outcome:enumeration hs_internal_meeting_notes:string hs_activity_type:enumeration
        hs_meeting_external_url:string""",
    NOTES.name: f"{_DONE} hs_note_body:string hs_attachment_ids:enumeration",
    TASKS.name: f"""{_DONE} hs_task_subject:string hs_task_body:string hs_task_status:enumeration
        hs_task_priority:enumeration hs_task_type:enumeration hs_task_completion_date:datetime
        hs_task_reminders:datetime""",
}
_READ_ONLY = frozenset(
    {
        "createdate",
        "lastmodifieddate",
        "hs_lastmodifieddate",
        "hs_object_id",
        "hs_merged_object_ids",
        "hs_calculated_merged_vids",
        "hs_analytics_source",
        "hs_analytics_source_data_1",
        "hs_analytics_source_data_2",
        "hs_latest_source",
        "hs_marketable_status",
        "hs_email_hard_bounce_reason",
        "hubspot_owner_assigneddate",
        "notes_last_contacted",
        "hs_createdate",
        "hs_body_preview",
        "hs_created_by",
        "hs_is_closed",
        "hs_is_closed_won",
        "hs_deal_stage_probability",
        "num_associated_contacts",
        "hs_task_completion_date",
    }
)
_CHOICES: Mapping[str, tuple[str, ...]] = {
    "lifecyclestage": (
        "subscriber",
        "lead",
        "marketingqualifiedlead",
        "salesqualifiedlead",
        "opportunity",
        "customer",
        "evangelist",
        "other",
    ),
    "hs_lead_status": (
        "NEW",
        "OPEN",
        "IN_PROGRESS",
        "OPEN_DEAL",
        "UNQUALIFIED",
        "ATTEMPTED_TO_CONTACT",
        "CONNECTED",
        "BAD_TIMING",
    ),
    "dealtype": ("newbusiness", "existingbusiness"),
    "hs_call_direction": ("INBOUND", "OUTBOUND"),
    "hs_call_status": ("BUSY", "CANCELED", "COMPLETED", "FAILED", "NO_ANSWER", "QUEUED", "RINGING"),
    "hs_email_direction": ("EMAIL", "INCOMING_EMAIL", "FORWARDED_EMAIL"),
    "hs_email_status": ("BOUNCED", "FAILED", "SCHEDULED", "SENDING", "SENT"),
    "hs_meeting_outcome": ("SCHEDULED", "COMPLETED", "RESCHEDULED", "NO_SHOW", "CANCELED"),
    "hs_task_status": ("NOT_STARTED", "IN_PROGRESS", "WAITING", "DEFERRED", "COMPLETED"),
    "hs_task_priority": ("LOW", "MEDIUM", "HIGH"),
    "hs_task_type": ("TODO", "CALL", "EMAIL"),
}
_TYPES = frozenset(_FIELD_TYPES)


def kinds_of(crm: Crm, kind: ObjectType) -> dict[str, str]:
    """Return the type of every property, by name."""
    known = dict(_shipped(kind))
    known |= {n: str(f["type"]) for n, f in crm.world.told_fields(SOURCE, kind.name).items()}
    for name in crm.table(kind).own_names:
        known.setdefault(name, "string")
    return known


def _shipped(kind: ObjectType) -> Mapping[str, str]:
    pairs = (part.partition(":") for part in _NAMES[kind.name].split())
    return {name: type_ for name, _, type_ in pairs}


def define(crm: Crm, kind: ObjectType, body: Json) -> Json:
    """Add a property of the account; raise 400 or 409 as the vendor does."""
    name, type_ = str(body.get("name") or ""), str(body.get("type") or "")
    missing = [
        key for key in ("groupName", "name", "label", "type", "fieldType") if not body.get(key)
    ]
    if missing or type_ not in _TYPES:
        raise invalid(f"Invalid input JSON: {', '.join(missing) or type_} is missing or unknown")
    if name in kinds_of(crm, kind):
        raise ApiError(409, "OBJECT_ALREADY_EXISTS", f"A property named '{name}' already exists.")
    choices = {str(one["value"]): str(one["label"]) for one in body.get("options") or ()}
    crm.world.tell_field(SOURCE, kind.name, {
        "name": name, "type": type_, "label": body["label"], "choices": choices,
        "fieldType": body["fieldType"], "description": str(body.get("description") or ""),
    })  # fmt: skip
    return shown_property(crm, kind, name, type_)


def read_only(name: str) -> bool:
    """Tell whether only the vendor may write a property."""
    return name in _READ_ONLY


def shown_property(crm: Crm, kind: ObjectType, name: str, type_: str) -> Json:
    """Return one property's definition; the account made those that the shipped lists do not name."""
    is_own = name in _shipped(kind)
    told = crm.world.told_fields(SOURCE, kind.name).get(name, {})
    options = [
        {"label": label, "value": value, "displayOrder": n, "hidden": False, "description": ""}
        for n, (value, label) in enumerate(_choices(crm, kind, name, told).items())
    ]
    return {
        "updatedAt": _STAMP,
        "createdAt": _STAMP,
        "name": name,
        "label": told.get("label") or name.replace("_", " ").title(),
        "type": type_,
        "fieldType": told.get("fieldType") or _FIELD_TYPES[type_],
        "description": told.get("description") or "",
        "groupName": f"{kind.singular}information",
        "options": options,
        "displayOrder": -1,
        "calculated": bool(told.get("calculated")),
        "externalOptions": name == "hubspot_owner_id",
        "hasUniqueValue": name in {kind.key, "hs_object_id"},
        "hidden": False,
        "hubspotDefined": is_own,
        "modificationMetadata": {
            "archivable": not is_own,
            "readOnlyDefinition": is_own,
            "readOnlyValue": read_only(name) or bool(told.get("calculated")),
        },
        "formField": not read_only(name),
        "dataSensitivity": "non_sensitive",
    }


def _choices(
    crm: Crm, kind: ObjectType, name: str, told: Mapping[str, object]
) -> Mapping[str, str]:
    """Return the labels of a property's options, by value."""
    if kind is DEALS and name == "pipeline":
        return {one["id"]: one["label"] for one in pipelines(crm.world)}
    if kind is DEALS and name == "dealstage":
        return {one["id"]: one["label"] for p in pipelines(crm.world) for one in p["stages"]}
    given = told.get("choices")
    if isinstance(given, Mapping):
        return {str(value): str(label) for value, label in given.items()}
    if isinstance(given, list):
        return {str(one): str(one) for one in given}
    return {one: one.title() for one in _CHOICES.get(name, ())}
