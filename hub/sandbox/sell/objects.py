"""The objects of Zendesk Sell: their paths, fields and types, and what a client may do with them.

Each field is written `name:kind`; a text has no kind, and `-` stands before a field that no client may
write. `id`, `creator_id`, `created_at` and `updated_at` are not listed. Not here: how a record is shown
(`shapes.py`), what a write checks (`writes.py`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

_CARD = (
    "title description industry website email phone mobile fax twitter facebook linkedin skype"
    " address:address tags:tags custom_fields:custom"
)
_ABOUT = "resource_type resource_id:int"


@dataclass(frozen=True, slots=True)
class Field:
    """One field: its kind, and whether a client may write it."""

    name: str
    kind: str
    is_writable: bool


@dataclass(frozen=True, slots=True)
class Resource:
    """One object of the API.

    Attributes:
        path: the part of the path after `/v2`, which is also the stream of the world.
        type: what `meta.type` says.
        fields: its fields by name.
        may: what clients may do besides reading: `c` create, `u` update, `d` delete.
        required: fields of which a new record needs one each; `|` separates alternatives.
        filters: fields by which a list can be filtered, besides `ids`.
        has_creator: whether it names who created it.
    """

    path: str
    type: str
    fields: Mapping[str, Field]
    may: str = ""
    required: tuple[str, ...] = ()
    filters: frozenset[str] = field(default_factory=frozenset)
    has_creator: bool = True


def _resource(
    path: str,
    type_: str,
    fields: str,
    may: str = "",
    *,
    required: str = "",
    filters: str = "",
    has_creator: bool = True,
) -> Resource:
    known = {}
    for one in fields.split():
        name, _, kind = one.removeprefix("-").partition(":")
        known[name] = Field(name, kind or "text", not one.startswith("-") and bool(may))
    return Resource(
        path, type_, known, may, tuple(required.split()), frozenset(filters.split()), has_creator
    )


_WHO = "first_name last_name email phone mobile owner_id creator_id"
_PLACE = "address[city] address[postal_code] address[state] address[country]"

RESOURCES: Mapping[str, Resource] = {
    one.path: one
    for one in (
        _resource(
            "users", "user",
            "-name -email -status -invited:bool -confirmed:bool -phone_number -role -roles:json"
            " -team_name -group:json -reports_to:int -timezone -deleted_at:time -zendesk_user_id"
            " -identity_type -system_tags:tags -detached:bool -sell_login_disabled:bool",
            filters="name email role status confirmed zendesk_user_ids", has_creator=False,
        ),
        _resource(
            "leads", "lead",
            "owner_id:int first_name last_name organization_name status source_id:int"
            f" unqualified_reason_id:int {_CARD}",
            "cud", required="last_name|organization_name",
            filters=f"{_WHO} organization_name status source_id {_PLACE}",
        ),
        _resource(
            "contacts", "contact",
            "contact_id:int parent_organization_id:int owner_id:int is_organization:bool name"
            " first_name last_name customer_status prospect_status"
            f" {_CARD} billing_address:address shipping_address:address",
            "cud", required="last_name|name",
            filters=f"{_WHO} is_organization contact_id name {_PLACE}",
        ),
        _resource(
            "deals", "deal",
            "owner_id:int name value:decimal currency hot:bool stage_id:int contact_id:int"
            " -organization_id:int source_id:int loss_reason_id:int unqualified_reason_id:int"
            " estimated_close_date customized_win_likelihood:int last_stage_change_at:time"
            " -last_stage_change_by_id:int -last_activity_at:time added_at:time -dropbox_email"
            " tags:tags custom_fields:custom",
            "cud", required="name contact_id",
            filters="name owner_id creator_id contact_id organization_id hot source_id stage_id"
            " currency estimated_close_date",
        ),
        _resource("associated_contacts", "associated_contact", "contact_id:int role", "cd",
                  required="contact_id role", has_creator=False),
        _resource("pipelines", "pipeline", "-name -disabled:bool", filters="name disabled",
                  has_creator=False),
        _resource(
            "stages", "stage",
            "-name -category -position:int -likelihood:int -active:bool -pipeline_id:int",
            filters="name active pipeline_id", has_creator=False,
        ),
        _resource("lead_statuses", "lead_status", "-name", has_creator=False),
        _resource("loss_reasons", "loss_reason", "name", "cud", required="name", filters="name"),
        _resource("deal_unqualified_reasons", "deal_unqualified_reason", "name", "cud",
                  required="name", filters="name"),
        _resource("lead_unqualified_reasons", "lead_unqualified_reason", "-name", filters="name"),
        _resource("lead_sources", "lead_source", "name resource_type", "cud", required="name",
                  filters="name"),
        _resource("deal_sources", "deal_source", "name resource_type", "cud", required="name",
                  filters="name"),
        _resource(
            "lead_conversions", "lead_conversion",
            "lead_id:int owner_id:int -individual_id:int -organization_id:int -deal_id:int"
            " create_deal:bool",
            "c", required="lead_id", filters="lead_id individual_id organization_id deal_id",
        ),
        _resource("tags", "tag", "name resource_type", "cud", required="name resource_type",
                  filters="name resource_type creator_id"),
        _resource(
            "tasks", "task",
            f"content owner_id:int due_date:time {_ABOUT} completed:bool -completed_at:time"
            " -overdue:bool remind_at:time",
            "cud", required="content",
            filters="owner_id creator_id resource_type resource_id completed overdue remind"
            " type q content",
        ),
        _resource(
            "notes", "note", f"{_ABOUT} content is_important:bool tags:tags type", "cud",
            required="content resource_type resource_id",
            filters="resource_type resource_id creator_id is_important q",
        ),
        _resource(
            "calls", "call",
            f"user_id:int {_ABOUT} associated_deal_ids:ints phone_number incoming:bool missed:bool"
            " made_at:time duration:int outcome_id:int summary recording_url external_id",
            "cud", required="phone_number duration",
            filters="resource_type resource_id external_id", has_creator=False,
        ),
        _resource("call_outcomes", "call_outcome", "-name"),
        _resource(
            "text_messages", "text_message",
            "-user_id:int -user_phone_number -incoming:bool -content -sent_at:time -resource_type"
            " -resource_id:int -resource_phone_number -associated_deal_ids:ints",
            filters="resource_type resource_id", has_creator=False,
        ),
        _resource(
            "visits", "visit",
            "-resource_type -resource_id:int -outcome_id:int -visited_at:time -resource_address"
            " -rep_location_verification_status -summary",
            filters="creator_id outcome_id resource_type resource_id"
            " rep_location_verification_status",
        ),
        _resource("visit_outcomes", "visit_outcome", "-name"),
        _resource("collaborations", "collaboration", f"{_ABOUT} collaborator_id:int", "cd",
                  required="resource_type resource_id collaborator_id",
                  filters="resource_type resource_id"),
        _resource(
            "documents", "document",
            "-resource_type -resource_id:int -name -content_type -size:int -download_url",
            filters="resource_type resource_id",
        ),
        _resource(
            "products", "product",
            "name description sku active:bool cost:decimal cost_currency prices:json"
            " max_discount:int max_markup:int",
            "cud", required="name", filters="name sku active", has_creator=False,
        ),
        _resource("orders", "order", "deal_id:int discount:int", "cud", required="deal_id",
                  filters="deal_id", has_creator=False),
        _resource(
            "line_items", "line_item",
            "-order_id:int product_id:int -name -sku -description value:decimal variation:decimal"
            " -price:decimal currency quantity:int",
            "cd", required="product_id", filters="quantity value", has_creator=False,
        ),
        _resource("sequences", "sequence", "-name -steps_total:int -steps:json"),
        _resource(
            "sequence_enrollments", "sequence_enrollment",
            f"{_ABOUT} sequence_id:int actor_id:int -state", "c",
            required="resource_type resource_id sequence_id",
            filters="resource_type resource_id sequence_id state",
        ),
        _resource(
            "custom_fields", "custom_field",
            "-name -type -for_organisation:bool -for_contact:bool -choices:json",
            has_creator=False,
        ),
    )
}  # fmt: skip
# the objects that have custom fields, by the part of the path that names them
OWN_FIELDS = {
    "lead": "leads",
    "contact": "contacts",
    "deal": "deals",
    "prospect_and_customer": "contacts",
}
# the streams of the Firehose
FIREHOSE = (
    "leads", "contacts", "deals", "tasks", "notes", "calls", "text_messages", "visits", "users",
    "tags", "lead_sources", "deal_sources", "pipelines", "stages", "loss_reasons", "documents",
    "deal_unqualified_reasons", "lead_unqualified_reasons", "lead_conversions", "collaborations",
    "associated_contacts", "products", "orders", "line_items", "call_outcomes", "visit_outcomes",
    "sequences", "sequence_enrollments",
)  # fmt: skip
