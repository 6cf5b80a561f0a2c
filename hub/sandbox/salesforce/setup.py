"""What a new org has before anything is entered: the values of the statuses and of the stages.

A universe with records of one of these streams has those instead.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from hub.sandbox.salesforce.values import long_id
from hub.sandbox.world import Row, World

SOURCE = "salesforce"
STATUSES, STAGES = "lead_statuses", "opportunity_stages"
_USUAL_STATUSES = (
    "Open - Not Contacted",
    "Working - Contacted",
    "Closed - Converted",
    "Closed - Not Converted",
)
# name, probability, forecast category
USUAL_STAGES = (
    ("Prospecting", 10, "Pipeline"),
    ("Qualification", 10, "Pipeline"),
    ("Needs Analysis", 20, "Pipeline"),
    ("Value Proposition", 50, "Pipeline"),
    ("Id. Decision Makers", 60, "Pipeline"),
    ("Perception Analysis", 70, "Pipeline"),
    ("Proposal/Price Quote", 75, "Pipeline"),
    ("Negotiation/Review", 90, "Pipeline"),
    ("Closed Won", 100, "Closed"),
    ("Closed Lost", 0, "Omitted"),
)


def put_usual(world: World) -> None:
    """Give a world without statuses or stages those of a new org."""
    usual: Mapping[str, Sequence[Mapping[str, Any]]] = {STATUSES: _statuses(), STAGES: _stages()}
    at = world.clock.start - timedelta(days=900)
    for n, (stream, those) in enumerate(usual.items()):
        if world.rows(SOURCE, stream):
            continue
        for order, values in enumerate(those, 1):
            id_ = long_id(f"01J5g00000{n:02d}{order:03d}")
            world.put(Row(SOURCE, stream, id_, {**values, "SortOrder": order}, at, at, at))


def _statuses() -> list[dict[str, Any]]:
    return [
        {
            "MasterLabel": name,
            "ApiName": name,
            "IsDefault": name == _USUAL_STATUSES[0],
            "IsConverted": name == "Closed - Converted",
        }
        for name in _USUAL_STATUSES
    ]


def _stages() -> list[dict[str, Any]]:
    return [
        {
            "MasterLabel": name,
            "ApiName": name,
            "IsActive": True,
            "IsClosed": name.startswith("Closed"),
            "IsWon": name == "Closed Won",
            "DefaultProbability": probability,
            "ForecastCategory": category,
            "ForecastCategoryName": category,
        }
        for name, probability, category in USUAL_STAGES
    ]
