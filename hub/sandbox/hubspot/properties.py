"""The properties of each type, and their kinds.

A type also has every other property that a record of the universe has. Its kind is text.
"""

from collections.abc import Mapping

from hub.sandbox.hubspot.objects import COMPANIES, CONTACTS, Crm, Json, ObjectType

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
}


def kinds_of(crm: Crm, kind: ObjectType) -> dict[str, str]:
    """Return the type of every property, by name."""
    pairs = (part.partition(":") for part in _NAMES[kind.name].split())
    known = {name: type_ for name, _, type_ in pairs}
    for row in crm.live(kind):
        for name in row.values:
            known.setdefault(name, "string")
    return known


def read_only(name: str) -> bool:
    """Tell whether only the vendor may write a property."""
    return name in _READ_ONLY


def shown_property(kind: ObjectType, name: str, type_: str) -> Json:
    """Return one property's definition; the account made those that the shipped lists do not name."""
    is_own = name in {part.partition(":")[0] for part in _NAMES[kind.name].split()}
    options = [
        {"label": one.title(), "value": one, "displayOrder": n, "hidden": False}
        for n, one in enumerate(_CHOICES.get(name, ()))
    ]
    return {
        "updatedAt": _STAMP,
        "createdAt": _STAMP,
        "name": name,
        "label": name.replace("_", " ").title(),
        "type": type_,
        "fieldType": _FIELD_TYPES[type_],
        "description": "",
        "groupName": f"{kind.singular}information",
        "options": options,
        "displayOrder": -1,
        "calculated": False,
        "externalOptions": name == "hubspot_owner_id",
        "hasUniqueValue": name in {kind.key, "hs_object_id"},
        "hidden": False,
        "hubspotDefined": is_own,
        "modificationMetadata": {
            "archivable": not is_own,
            "readOnlyDefinition": is_own,
            "readOnlyValue": read_only(name),
        },
        "formField": not read_only(name),
        "dataSensitivity": "non_sensitive",
    }
