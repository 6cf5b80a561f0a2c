"""Changes that a client makes: create, update, delete, upsert, and the conversion of a lead.

Each is checked as the vendor checks it: an unknown attribute, a missing one, a wrong type are 422, all of them
in one answer. `tags` replace the ones before. A conversion is not idempotent: called again, it makes a second
set of records.
"""

from collections.abc import Mapping
from typing import Any

from hub.sandbox.sell.errors import ApiError, Json, bad_payload, not_found, problem
from hub.sandbox.sell.objects import RESOURCES, Resource
from hub.sandbox.sell.shapes import SOURCE, number
from hub.sandbox.world import Row, World, iso

_MOST = {"max_discount": 100, "discount": 100, "customized_win_likelihood": 100}
_OPEN_LISTS = {"tags": list, "ints": list, "address": dict, "custom": dict, "bool": bool}
_COPIED = (
    "first_name", "last_name", "title", "description", "industry", "website", "email", "phone",
    "mobile", "fax", "twitter", "facebook", "linkedin", "skype", "address", "tags", "custom_fields",
)  # fmt: skip
_COPIED_TO_COMPANY = ("description", "industry", "website", "address", "tags")
_ABOUT_ITS_LEAD = ("notes", "tasks", "calls", "visits", "text_messages", "documents")


def data_of(body: Any) -> Json:
    """Return what stands in the envelope of a request."""
    data = body.get("data") if isinstance(body, dict) else None
    if not isinstance(data, dict):
        raise bad_payload("The payload must be a JSON object with the attribute 'data'.")
    return data


def create(world: World, resource: Resource, data: Json, *, by: int, **further: Any) -> Row:
    """Create a record; `further` are values that no client may write."""
    _check(world, resource, data)
    _check_required(resource, data)
    _check_new(world, resource, data)
    values = {**_defaults(world, resource, by), **data, **further}
    if resource.path == "lead_conversions":
        return convert(world, data, by)
    if resource.path == "deals":
        values = _moved(world, {}, values, by)
    if resource.path == "line_items":
        values = _priced(world, values)
    if resource.path == "tasks" and values.get("completed"):
        values["completed_at"] = iso(world.clock.now())
    _add_tags(world, resource, values, by)
    return world.create(SOURCE, resource.path, values)


def change(world: World, resource: Resource, row: Row, data: Json, *, by: int) -> Row:
    """Change a record."""
    _check(world, resource, data)
    if resource.path == "contacts" and data.get("is_organization") not in {
        None,
        bool(row.values.get("is_organization")),
    }:
        raise _invalid([_wrong(resource, "is_organization", "cannot be changed")])
    values = dict(data)
    if isinstance(values.get("custom_fields"), dict):
        values["custom_fields"] = {
            **(row.values.get("custom_fields") or {}),
            **values["custom_fields"],
        }
    if resource.path == "deals":
        values = _moved(world, row.values, values, by)
    if resource.path == "tasks" and "completed" in values:
        is_new = values["completed"] and not row.values.get("completed")
        before = row.values.get("completed_at") if values["completed"] else None
        values["completed_at"] = iso(world.clock.now()) if is_new else before
    _add_tags(world, resource, values, by)
    return world.update(SOURCE, resource.path, row.id, values)


def _check(world: World, resource: Resource, data: Json) -> None:
    problems = []
    for name, value in data.items():
        known = resource.fields.get(name)
        if known is None or not known.is_writable:
            text = f"The attribute '/{name}' is not a known attribute for the '{resource.type}' resource."
            problems.append(
                problem("unknown", "unknown attribute", text, resource=resource.type,
                        field=f"/{name}")
            )  # fmt: skip
            continue
        wanted = _OPEN_LISTS.get(known.kind)
        is_number = known.kind == "int" and isinstance(value, int | str) and _is_number(value)
        is_wrong = (wanted is not None and not isinstance(value, wanted)) or (
            known.kind == "int" and not is_number
        )
        if value is not None and is_wrong:
            problems.append(_wrong(resource, name, "has another type", code="invalid_type"))
    for name, most in _MOST.items():
        value = data.get(name)
        if name in resource.fields and _is_number(value) and int(str(value)) > most:
            problems.append(_most(resource, name, most))
    if resource.path in {"leads", "contacts", "deals"}:
        problems += _unknown_own(world, resource, data)
    if problems:
        raise _invalid(problems)


def _is_number(value: object) -> bool:
    return not isinstance(value, bool) and str(value).removeprefix("-").isdecimal()


def _unknown_own(world: World, resource: Resource, data: Json) -> list[Json]:
    """Return a problem for each custom field that the account has not."""
    own = data.get("custom_fields")
    rows = world.rows(SOURCE, "custom_fields")
    if not isinstance(own, dict) or not rows:
        return []
    types = {"contacts": {"contact", "prospect_and_customer"}}.get(resource.path, {resource.type})
    names = {row.values["name"] for row in rows if row.values.get("resource_type") in types}
    return [
        problem("unknown", "unknown attribute", f"There is no custom field '{name}'.",
                resource=resource.type, field=f"/custom_fields/{name}")
        for name in own
        if name not in names
    ]  # fmt: skip


def _check_required(resource: Resource, data: Json) -> None:
    problems = []
    for names in resource.required:
        if all(data.get(name) in {None, ""} for name in names.split("|")):
            first = names.split("|", maxsplit=1)[0]
            problems.append(
                problem("blank", "cannot be blank", f"The attribute '{first}' is required.",
                        resource=resource.type, field=f"/data/{first}")
            )  # fmt: skip
    if problems:
        raise _invalid(problems)


def _check_new(world: World, resource: Resource, data: Json) -> None:
    """Raise the 422 of a name that is taken, and of a record about one that there is not."""
    if resource.path in {"tags", "lead_sources", "deal_sources", "loss_reasons",
                         "deal_unqualified_reasons"}:  # fmt: skip
        for row in world.rows(SOURCE, resource.path):
            is_same = str(row.values.get("name")).casefold() == str(data.get("name")).casefold()
            if is_same and row.values.get("resource_type") == data.get(
                "resource_type", row.values.get("resource_type")
            ):
                raise _invalid([_wrong(resource, "name", "is taken", code="already_exists")])
    about = data.get("resource_type")
    if about in {"lead", "contact", "deal"} and resource.path != "tags":
        found = world.get(SOURCE, f"{about}s", str(data.get("resource_id")))
        if found is None or found.deleted:
            raise _invalid([_wrong(resource, "resource_id", "does not exist", code="missing")])
    if resource.path == "deals":
        found = world.get(SOURCE, "contacts", str(data.get("contact_id")))
        if found is None or found.deleted:
            raise _invalid([_wrong(resource, "contact_id", "does not exist", code="missing")])


def _wrong(resource: Resource, name: str, details: str, *, code: str = "incorrect_value") -> Json:
    return problem(
        code,
        "attribute value is incorrect",
        f"The attribute '{name}' {details}.",
        resource=resource.type,
        field=f"/data/{name}",
    )


def _most(resource: Resource, name: str, most: int) -> Json:
    details = f"Ensure this value is less than or equal to {most}."
    return {**_wrong(resource, name, ""), "details": details}


def _invalid(problems: list[Json]) -> ApiError:
    return ApiError(422, problems)


def _defaults(world: World, resource: Resource, by: int) -> Json:
    values: Json = {"creator_id": by} if resource.has_creator else {}
    if "owner_id" in resource.fields:
        values["owner_id"] = by
    if resource.path == "leads":
        values["status"] = "New"
    if resource.path == "contacts":
        values |= {"customer_status": "none", "prospect_status": "none"}
    if resource.path == "notes":
        values["type"] = "regular"
    if resource.path == "calls":
        values |= {"user_id": by, "made_at": iso(world.clock.now())}
    if resource.path == "sequence_enrollments":
        values["state"] = "enrolled"
    return values


def _moved(world: World, before: Mapping[str, Any], values: Json, by: int) -> Json:
    """Return the values of a deal with the time and the author of a move to another stage."""
    if not before and not values.get("stage_id"):
        stages = world.rows(SOURCE, "stages")
        first = min(stages, key=lambda row: row.values.get("position") or 0, default=None)
        values["stage_id"] = number(first.id) if first is not None else None
    if not before and not values.get("currency"):
        values["currency"] = "EUR"
    if "value" in values and values["value"] is not None:
        values["value"] = str(values["value"])
    if "stage_id" in values and number(values["stage_id"]) != number(before.get("stage_id")):
        values.setdefault("last_stage_change_at", iso(world.clock.now()))
        values["last_stage_change_by_id"] = by
    return values


def _priced(world: World, values: Json) -> Json:
    product = world.get(SOURCE, "products", str(values.get("product_id")))
    if product is None:
        raise not_found()
    prices = product.values.get("prices") or [{"amount": "0", "currency": "EUR"}]
    return {
        "quantity": 1,
        "currency": prices[0]["currency"],
        "price": prices[0]["amount"],
        "value": prices[0]["amount"],
        "variation": "0",
        **{name: product.values.get(name) for name in ("name", "sku", "description")},
        **values,
    }


def _add_tags(world: World, resource: Resource, values: Json, by: int) -> None:
    """Add the tags that the account has not yet to its list of tags."""
    if resource.path not in {"leads", "contacts", "deals"}:
        return
    known = {
        row.values.get("name")
        for row in world.rows(SOURCE, "tags")
        if row.values.get("resource_type") == resource.type
    }
    for name in dict.fromkeys(values.get("tags") or ()):
        if name not in known:
            tag = {"name": name, "resource_type": resource.type, "creator_id": by}
            world.create(SOURCE, "tags", tag)


def convert(world: World, data: Json, by: int) -> Row:
    """Convert a lead: a person, an organization and, if asked, a deal come from it."""
    lead = world.get(SOURCE, "leads", str(data["lead_id"]))
    if lead is None or lead.deleted:
        raise _invalid([
            _wrong(RESOURCES["lead_conversions"], "lead_id", "does not exist", code="missing")
        ])  # fmt: skip
    owner = data.get("owner_id") or lead.values.get("owner_id") or by
    shared = {"owner_id": owner, "creator_id": by, "prospect_status": "none"}
    organization = person = deal = None
    if lead.values.get("organization_name"):
        own = {name: lead.values.get(name) for name in _COPIED_TO_COMPANY}
        name = lead.values["organization_name"]
        organization = world.create(
            SOURCE, "contacts", {**own, **shared, "name": name, "is_organization": True},
            company=lead.company,
        )  # fmt: skip
    if lead.values.get("last_name"):
        own = {name: lead.values.get(name) for name in _COPIED}
        company_id = number(organization.id) if organization else None
        person = world.create(
            SOURCE, "contacts",
            {**own, **shared, "is_organization": False, "contact_id": company_id},
            person=lead.person, company=lead.company,
        )  # fmt: skip
    main = person or organization
    if main is not None and data.get("create_deal", True):
        name = str(lead.values.get("organization_name") or lead.values.get("last_name"))
        new = {"name": name, "contact_id": number(main.id), "owner_id": owner, "creator_id": by}
        deal = world.create(SOURCE, "deals", _moved(world, {}, new, by))
    if main is not None:
        _follow(world, lead, main)
    ids = {
        key: number(row.id) if row else None
        for key, row in (("individual_id", person), ("organization_id", organization),
                         ("deal_id", deal))
    }  # fmt: skip
    values = {"lead_id": number(lead.id), "creator_id": by, **ids}
    return world.create(SOURCE, "lead_conversions", values)


def _follow(world: World, lead: Row, contact: Row) -> None:
    """Let the notes, tasks and calls of a lead be those of the contact that came from it."""
    for stream in _ABOUT_ITS_LEAD:
        for row in world.rows(SOURCE, stream):
            is_its = row.values.get("resource_type") == "lead"
            if is_its and number(row.values.get("resource_id")) == number(lead.id):
                about = {"resource_type": "contact", "resource_id": number(contact.id)}
                world.update(SOURCE, stream, row.id, about)
