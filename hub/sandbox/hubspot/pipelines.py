"""Pipelines of deals and their stages: those that the account made, or the one that every account has.

A pipeline of the account is a row of the stream `deal_pipelines`, with `label`, `displayOrder` and `stages`.
https://developers.hubspot.com/docs/api-reference/crm-pipelines-v3/guide
"""

from typing import Any

from hub.sandbox.hubspot.errors import ApiError, invalid
from hub.sandbox.hubspot.texts import SOURCE, Json, moment
from hub.sandbox.world import World

STREAM = "deal_pipelines"
_STAGES = (
    ("appointmentscheduled", "Appointment Scheduled", "0.2"),
    ("qualifiedtobuy", "Qualified To Buy", "0.4"),
    ("presentationscheduled", "Presentation Scheduled", "0.6"),
    ("decisionmakerboughtin", "Decision Maker Bought-In", "0.8"),
    ("contractsent", "Contract Sent", "0.9"),
    ("closedwon", "Closed Won", "1.0"),
    ("closedlost", "Closed Lost", "0.0"),
)
_DEFAULT: Json = {
    "label": "Sales Pipeline",
    "displayOrder": 0,
    "stages": [
        {"id": id_, "label": label, "probability": p, "isClosed": id_.startswith("closed")}
        for id_, label, p in _STAGES
    ],
}


def pipelines(world: World) -> list[Json]:
    """Return the pipelines, as the vendor shows them."""
    rows = world.rows(SOURCE, STREAM)
    found = [(row.id, row.values, moment(row.created_at)) for row in rows]
    if not found:
        found = [("default", _DEFAULT, moment(world.clock.start))]
    return [_shown(*one) for one in found]


def pipeline_named(world: World, id_: str) -> Json:
    """Return one pipeline, or raise 404."""
    found = next((one for one in pipelines(world) if one["id"] == id_), None)
    if found is None:
        raise ApiError(404, "OBJECT_NOT_FOUND", f"Unable to find pipeline with id {id_}")
    return found


def stage_named(world: World, id_: str) -> Json | None:
    """Return what the account set for a stage: label, probability, and whether it closes a deal."""
    rows = world.rows(SOURCE, STREAM)
    for values in [row.values for row in rows] or [_DEFAULT]:
        for stage in values["stages"]:
            if stage["id"] == id_:
                return dict(stage)
    return None


def create_pipeline(world: World, body: Json) -> Json:
    """Add a pipeline; the vendor numbers its stages."""
    stages, label = body.get("stages"), str(body.get("label") or "")
    if not label or not isinstance(stages, list) or not stages:
        raise invalid("Invalid input JSON: label and stages are required")
    if not world.rows(SOURCE, STREAM):  # the one that every account has stays
        world.create(SOURCE, STREAM, _DEFAULT, id="default")
    number = 100_000_000 + sum(len(one["stages"]) for one in pipelines(world))
    values = {
        "label": label,
        "displayOrder": int(body.get("displayOrder") or 0),
        "stages": [_stage(one, str(number + n)) for n, one in enumerate(stages)],
    }
    row = world.create(SOURCE, STREAM, values)
    return _shown(row.id, row.values, moment(row.created_at))


def _stage(said: Any, id_: str) -> Json:
    metadata = said.get("metadata") if isinstance(said, dict) else None
    if not isinstance(metadata, dict) or "probability" not in metadata:
        raise invalid("a stage of deals needs metadata.probability")
    probability = str(metadata["probability"])
    is_closed = float(probability) in (0.0, 1.0)
    return {
        "id": id_,
        "label": said.get("label"),
        "probability": probability,
        "isClosed": is_closed,
    }


def _shown(id_: str, values: Json, at: str) -> Json:
    stages = [
        {
            "id": one["id"],
            "label": one["label"],
            "displayOrder": n,
            # the vendor writes truth values as texts here
            "metadata": {
                "isClosed": str(one["isClosed"]).lower(),
                "probability": one["probability"],
            },
            "createdAt": at,
            "updatedAt": at,
            "archived": False,
            "writePermissions": "CRM_PERMISSIONS_ENFORCEMENT",
        }
        for n, one in enumerate(values["stages"])
    ]
    return {
        "id": id_,
        "label": values["label"],
        "displayOrder": values["displayOrder"],
        "stages": stages,
        "createdAt": at,
        "updatedAt": at,
        "archived": False,
    }
