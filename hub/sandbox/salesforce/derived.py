"""Fields whose value follows from other fields of the same record, or from the stages of the org."""

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta

from hub.sandbox.salesforce.values import Value
from hub.sandbox.world import Row

Getter = Callable[[Row], Value]
Stages = Mapping[str, Mapping[str, object]]
ALIAS_LENGTH = 8
_ADDRESS = ("City", "Country", "GeocodeAccuracy", "Latitude", "Longitude", "PostalCode", "State")
_QUARTER = 3


def _text(row: Row, *names: str) -> str | None:
    """Return the values of the named fields, joined by blanks, or None."""
    return " ".join(str(row.values[name]) for name in names if row.values.get(name)) or None


def _full_name(row: Row) -> Value:
    return _text(row, "FirstName", "LastName")


def _address(prefix: str = "") -> Getter:
    """Return the getter of a compound address whose parts have a prefix (`BillingCity`)."""
    names = {f"{part[0].lower()}{part[1:]}": prefix + part for part in (*_ADDRESS, "Street")}

    def get(row: Row) -> Value:
        parts: dict[str, object] = {key: row.values.get(name) for key, name in names.items()}
        return parts if any(parts.values()) else None

    return get


def _last_name(row: Row) -> Value:
    name = _text(row, "Name")
    return name.split()[-1] if name else None


def _first_name(row: Row) -> Value:
    name = _text(row, "Name")
    return (" ".join(name.split()[:-1]) or None) if name else None


def _login(row: Row) -> Value:
    return _text(row, "Username") or _text(row, "Email")


def _nickname(row: Row) -> Value:
    login = _login(row)
    return str(login).split("@", 1)[0] if login else None


def _user_alias(row: Row) -> Value:
    nickname = _nickname(row)
    return str(nickname)[:ALIAS_LENGTH] if nickname else None


def _is_bounced(row: Row) -> Value:
    return bool(row.values.get("EmailBouncedDate") or row.values.get("EmailBouncedReason"))


def _is_task_closed(row: Row) -> Value:
    return row.values.get("Status") == "Completed"


def _completed_at(row: Row) -> Value:
    return row.modified_at if _is_task_closed(row) else None


def _event_day(row: Row) -> Value:
    start = _moment(row.values.get("StartDateTime") or row.values.get("ActivityDateTime"))
    return start.date() if start else None


def _event_end(row: Row) -> Value:
    start = _moment(row.values.get("StartDateTime"))
    minutes = row.values.get("DurationInMinutes")
    if start is None or minutes is None:
        return start
    return start + timedelta(minutes=int(minutes))


def _moment(value: object) -> datetime | None:
    if isinstance(value, datetime) or not value:
        return value if isinstance(value, datetime) else None
    return datetime.fromisoformat(str(value))


def _close_date(row: Row) -> date | None:
    value = row.values.get("CloseDate")
    return date.fromisoformat(str(value)[:10]) if value else None


def _fiscal_year(row: Row) -> Value:
    day = _close_date(row)
    return day.year if day else None


def _fiscal_quarter(row: Row) -> Value:
    day = _close_date(row)
    return (day.month - 1) // _QUARTER + 1 if day else None


def _fiscal(row: Row) -> Value:
    day = _close_date(row)
    return f"{day.year} {(day.month - 1) // _QUARTER + 1}" if day else None


DERIVED: Mapping[tuple[str, str], Getter] = {
    ("*", "Name"): _full_name,
    ("*", "Address"): _address(),
    ("*", "BillingAddress"): _address("Billing"),
    ("*", "ShippingAddress"): _address("Shipping"),
    ("*", "MailingAddress"): _address("Mailing"),
    ("*", "OtherAddress"): _address("Other"),
    ("Lead", "PhotoUrl"): lambda row: f"/services/images/photo/{row.id}",
    ("Account", "PhotoUrl"): lambda row: f"/services/images/photo/{row.id}",
    ("Contact", "PhotoUrl"): lambda row: f"/services/images/photo/{row.id}",
    ("Contact", "IsEmailBounced"): _is_bounced,
    ("Opportunity", "LastStageChangeDate"): lambda row: row.created_at,
    ("Opportunity", "Fiscal"): _fiscal,
    ("Opportunity", "FiscalYear"): _fiscal_year,
    ("Opportunity", "FiscalQuarter"): _fiscal_quarter,
    ("Task", "IsClosed"): _is_task_closed,
    ("Task", "IsHighPriority"): lambda row: row.values.get("Priority") == "High",
    ("Task", "CompletedDateTime"): _completed_at,
    ("Task", "WhoCount"): lambda row: int(bool(row.values.get("WhoId"))),
    ("Task", "WhatCount"): lambda row: int(bool(row.values.get("WhatId"))),
    ("Event", "WhoCount"): lambda row: int(bool(row.values.get("WhoId"))),
    ("Event", "WhatCount"): lambda row: int(bool(row.values.get("WhatId"))),
    ("Event", "ActivityDate"): _event_day,
    ("Event", "ActivityDateTime"): lambda row: _moment(row.values.get("StartDateTime")),
    ("Event", "EndDateTime"): _event_end,
    ("CampaignMember", "HasResponded"): lambda row: row.values.get("Status") == "Responded",
    ("CampaignMember", "Type"): lambda row: "Lead" if row.values.get("LeadId") else "Contact",
    ("User", "FirstName"): _first_name,
    ("User", "LastName"): _last_name,
    ("User", "Username"): _login,
    ("User", "Email"): _login,
    ("User", "Alias"): _user_alias,
    ("User", "CommunityNickname"): _nickname,
}

_OF_STAGE = {
    "IsClosed": "IsClosed",
    "IsWon": "IsWon",
    "Probability": "DefaultProbability",
    "ForecastCategory": "ForecastCategory",
    "ForecastCategoryName": "ForecastCategoryName",
}


def by_stage(name: str, stages: Stages) -> Getter | None:
    """Return the getter of a deal's field that its stage decides, None for any other field."""
    if name == "ExpectedRevenue":
        return lambda row: _expected(row, stages)
    key = _OF_STAGE.get(name)
    if key is None:
        return None

    def get(row: Row) -> Value:
        value = stages.get(str(row.values.get("StageName")), {}).get(key)
        return value if isinstance(value, bool | int | float | str) else None

    return get


def _expected(row: Row, stages: Stages) -> Value:
    amount, chance = row.values.get("Amount"), row.values.get("Probability")
    if chance is None:
        chance = stages.get(str(row.values.get("StageName")), {}).get("DefaultProbability")
    if amount is None or not isinstance(chance, int | float):
        return None
    return round(float(amount) * chance / 100, 2)
