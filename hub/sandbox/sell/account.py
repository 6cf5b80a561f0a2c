"""What an account has before it has data: its users, a pipeline with stages, statuses, sources, reasons.

A universe that brings such records itself keeps its own. Not here: an account full of data
(`hub.sandbox.sell_org`).
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from hub.sandbox.ids import sell_id
from hub.sandbox.sell.shapes import SOURCE, number
from hub.sandbox.world import Row, World

Json = dict[str, Any]
SETUP = (
    "users", "pipelines", "stages", "lead_statuses", "loss_reasons", "deal_unqualified_reasons",
    "lead_unqualified_reasons", "lead_sources", "deal_sources", "call_outcomes", "visit_outcomes",
    "custom_fields",
)  # fmt: skip
STAGES = (
    ("Incoming", "incoming", 10, True),
    ("Qualified", "in_progress", 25, True),
    ("Quote", "in_progress", 50, True),
    ("Closure", "in_progress", 75, True),
    ("Won", "won", 100, False),
    ("Unqualified", "unqualified", 0, False),
    ("Lost", "lost", 0, False),
)
LEAD_STATUSES = ("New", "Working", "Contacted", "Unqualified")
NAMES = {
    "loss_reasons": ("Price", "Competition", "No budget", "Bad timing"),
    "deal_unqualified_reasons": ("Not a fit", "Duplicate"),
    "lead_unqualified_reasons": ("Not interested", "No budget", "Wrong contact"),
    "lead_sources": ("Our website", "Word of mouth", "Referral", "Trade fair"),
    "deal_sources": ("Our website", "Word of mouth", "Referral"),
    "call_outcomes": ("Interested", "Not interested", "Left message", "No answer"),
    "visit_outcomes": ("Successful", "Nobody there"),
}
INTEGRATION = "Integration"


def put_usual(world: World) -> None:
    """Give an account what every account has, where the universe does not bring it."""
    has = {stream for stream in SETUP if world.rows(SOURCE, stream, include_deleted=True)}
    if "users" not in has:
        _put_users(world)
    creator = number(me_of(world).id)
    for stream, names in NAMES.items():
        if stream not in has:
            _put(world, stream, [{"name": name, "creator_id": creator} for name in names])
    if "lead_statuses" not in has:
        _put(world, "lead_statuses", [{"name": name} for name in LEAD_STATUSES])
    if "pipelines" not in has:
        _put(world, "pipelines", [{"name": "Sales pipeline", "disabled": False}])
    if "stages" not in has:
        for pipeline in world.rows(SOURCE, "pipelines"):
            _put(world, "stages", stages_of(number(pipeline.id) or 0), beginning=pipeline.seq)


def stages_of(pipeline_id: int) -> list[Json]:
    """Return the stages of a pipeline, those that close a deal last."""
    return [
        {
            "name": name,
            "category": category,
            "position": position,
            "likelihood": likelihood,
            "active": is_active,
            "pipeline_id": pipeline_id,
        }
        for position, (name, category, likelihood, is_active) in enumerate(STAGES, start=1)
    ]


def user(name: str, email: str | None, *, is_active: bool = True, **further: Any) -> Json:
    """Return the values of a user."""
    return {
        "name": name,
        "email": email,
        "status": "active" if is_active else "inactive",
        "invited": True,
        "confirmed": True,
        "phone_number": None,
        "role": "user",
        "roles": [],
        "team_name": None,
        "group": None,
        "reports_to": None,
        "timezone": "UTC+01:00",
        "deleted_at": None,
        "zendesk_user_id": None,
        "identity_type": "person",
        "system_tags": [],
        "detached": False,
        "sell_login_disabled": not is_active,
        **further,
    }


def me_of(world: World) -> Row:
    """Return the user to whom the token belongs: the first administrator, or else the first user."""
    users = world.rows(SOURCE, "users")
    return next((row for row in users if row.values.get("role") == "admin"), users[0])


def _put_users(world: World) -> None:
    email = world.secrets["sell_email"]
    known = [user(INTEGRATION, email, role="admin")]
    ids = [sell_id(world.seed, "users", 1)]
    for n, one in enumerate(world.users, start=2):
        known.append(user(one["name"], one.get("email"), is_active=one["active"]))
        ids.append(str(one["ids"].get(SOURCE) or sell_id(world.seed, "users", n)))
    _put(world, "users", known, ids=ids)


def _put(
    world: World, stream: str, every: Sequence[Json], *, ids: Sequence[str] = (), beginning: int = 0
) -> None:
    at = (world.clock.start - timedelta(days=2_000)).replace(microsecond=0)
    for n, values in enumerate(every, start=1):
        id_ = ids[n - 1] if ids else sell_id(world.seed, stream, beginning * 10 + n)
        world.put(Row(SOURCE, stream, id_, values, at, at, at))
