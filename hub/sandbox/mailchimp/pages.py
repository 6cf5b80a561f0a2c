"""GET /lists/{id}/members: select the members of a request and return a page of them.

`since_…` and `before_…` are exclusive. A count above 1000 counts as 1000, without an error.
Archived members come only with `status=archived`. Not here: a member's JSON (`members.py`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from hub.sandbox.mailchimp.errors import ApiError, invalid
from hub.sandbox.mailchimp.lists import SOURCE, STREAM, Audience, Json, hexed, link
from hub.sandbox.mailchimp.members import STATUSES, shown_member, status_of
from hub.sandbox.world import Row, World

DEFAULT_COUNT, LARGEST_COUNT = 10, 1000
_SORTABLE = frozenset({"timestamp_opt", "timestamp_signup", "last_changed"})
_SPANS = ("last_changed", "timestamp_opt")


@dataclass(frozen=True, slots=True)
class Asked:
    """The parsed parameters of a request."""

    count: int
    offset: int
    status: str
    vip_only: bool
    unique_email_id: str
    spans: Mapping[str, tuple[datetime | None, datetime | None]]
    sort_field: str
    descending: bool


def read(params: Mapping[str, str]) -> Asked:
    """Return the parsed parameters; raise the vendor's 400 for invalid ones."""
    status = params.get("status", "")
    if status and status not in STATUSES:
        raise invalid("status", "Value must be one of the following: " + ", ".join(STATUSES))
    if "unsubscribed_since" in params and status != "unsubscribed":
        raise ApiError(400, "BadRequest", "unsubscribed_since needs status=unsubscribed")
    if params.get("since_last_campaign", "").lower() == "true" and not status:
        raise ApiError(400, "BadRequest", "since_last_campaign needs a status")
    sort_field = params.get("sort_field", "")
    if sort_field and sort_field not in _SORTABLE:
        raise invalid("sort_field", "Value must be one of the following: " + ", ".join(_SORTABLE))
    spans = {
        name: (_time(params.get(f"since_{name}")), _time(params.get(f"before_{name}")))
        for name in _SPANS
    }
    if "unsubscribed_since" in params:
        spans["unsubscribed"] = (_time(params["unsubscribed_since"]), None)
    count, offset = bounds(params)
    return Asked(
        count=count,
        offset=offset,
        status=status,
        vip_only=params.get("vip_only", "").lower() in {"true", "1"},
        unique_email_id=params.get("unique_email_id", ""),
        spans=spans,
        sort_field=sort_field,
        descending=params.get("sort_dir", "").upper() == "DESC",
    )


def bounds(params: Mapping[str, str]) -> tuple[int, int]:
    """Return count and offset."""
    count, offset = (
        _number(params, name, default)
        for name, default in (("count", DEFAULT_COUNT), ("offset", 0))
    )
    return min(count, LARGEST_COUNT), offset


def members_page(world: World, audience: Audience, asked: Asked, base: str) -> Json:
    """Return the requested page."""
    found = [row for row in audience.rows if _matches(row, asked)]
    found.sort(key=lambda row: (_sort_key(row, asked.sort_field), row.seq))
    if asked.descending:
        found.reverse()
    hidden = world.hidden_ids(SOURCE, STREAM)
    href = f"{base}/3.0/lists/{audience.id}/members"
    return {
        "members": [
            shown_member(row, audience, base)
            for row in found[asked.offset : asked.offset + asked.count]
            if row.id not in hidden
        ],
        "list_id": audience.id,
        "total_items": len(found),
        "_links": [link("self", href), link("parent", href.rpartition("/")[0])],
    }


def page_of(name: str, items: Sequence[Json], params: Mapping[str, str], rest: Json) -> Json:
    """Return a page of a short collection."""
    count, offset = bounds(params)
    return {
        name: items[offset : offset + count],
        **rest,
        "total_items": len(items),
        "_links": [],
    }


def _matches(row: Row, asked: Asked) -> bool:
    status = status_of(row)
    if status != asked.status if asked.status else status == "archived":
        return False
    if asked.vip_only and not row.values.get("vip"):
        return False
    if asked.unique_email_id and asked.unique_email_id != hexed(f"unique/{row.id}", 10):
        return False
    return all(_is_within(_moment(row, name), span) for name, span in asked.spans.items())


def _is_within(at: datetime, span: tuple[datetime | None, datetime | None]) -> bool:
    since, before = span
    return (since is None or at > since) and (before is None or at < before)


def _moment(row: Row, name: str) -> datetime:
    if name in {"last_changed", "unsubscribed"}:
        return row.modified_at
    said = row.values.get(name)
    return datetime.fromisoformat(said) if said else row.created_at


def _sort_key(row: Row, field: str) -> datetime:
    return _moment(row, field) if field else row.created_at


def _number(params: Mapping[str, str], name: str, default: int) -> int:
    text = params.get(name) or str(default)
    if not text.isdigit():
        raise invalid(name, f"Schema describes integer, string found instead: {text}")
    return int(text)


def _time(text: str | None) -> datetime | None:
    """Return a time, or None for an invalid one: the vendor ignores such a filter."""
    if not text:
        return None
    try:
        # an unescaped plus sign arrives as a blank
        at = datetime.fromisoformat(text.strip().replace(" ", "+"))
    except ValueError:
        return None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
