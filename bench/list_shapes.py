"""Thirty shapes of a list: every kind of field, groups, relative dates, common and rare values.

A shape is a document with new random values each time, so that no page repeats the one before.
"""

import random
from collections.abc import Callable
from typing import Any

from bench.list_rows import TIERS, USERS

Document = dict[str, Any]
_SYLLABLES = ["mar", "ten", "ber", "gau", "dur", "lin", "sch", "vel", "tor", "ris", "ko", "wal"]


def _ask(field: str, op: str, value: Any = None) -> Document:
    return {"field": field, "op": op} | ({} if value is None else {"value": value})


def _all(*nodes: Document, sort: str = "-created_at") -> Document:
    return {"object": "lead", "filter": {"all": list(nodes)}, "sort": sort}


def _any(*nodes: Document, sort: str = "-created_at") -> Document:
    return {"object": "lead", "filter": {"any": list(nodes)}, "sort": sort}


def _word(rng: random.Random, n: int = 3) -> str:
    return "".join(rng.choice(_SYLLABLES) for _ in range(n))


def _town(rng: random.Random) -> str:
    return f"{_word(rng, 2)}burg"


def _rep(rng: random.Random) -> str:
    return f"rep{rng.randint(1, USERS)}@team.example.com"


def _tag(rng: random.Random) -> str:
    return f"tag{rng.randint(0, 200)}"


_MINE = _ask("owner", "is", "me")
SHAPES: dict[str, Callable[[random.Random], Document]] = {
    "everything, newest first": lambda _: _all(),
    "by name": lambda _: _all(sort="name"),
    "mine": lambda _: _all(_MINE),
    "mine, by next task": lambda _: _all(_MINE, sort="next_task_at"),
    "of one of the team, by name": lambda r: _all(_ask("owner", "is", _rep(r)), sort="name"),
    "nobody's, oldest first": lambda _: _all(_ask("owner", "is", "nobody"), sort="created_at"),
    "new, not contacted": lambda _: _all(
        _ask("status", "is", "New"), _ask("last_communication_at", "is empty"), sort="created_at"
    ),
    "status and source": lambda r: _all(
        _ask("status", "is", "Qualified"), _ask("source", "is", r.choice(["Web", "Call"]))
    ),
    "country and not unqualified": lambda r: _all(
        _ask("country", "is", r.choice(["FR", "SE"])), _ask("status", "is not", "Unqualified")
    ),
    "city": lambda r: _all(_ask("city", "is", _town(r))),
    "industries": lambda r: _all(
        _ask("industry", "any of", [f"Industry {r.randint(0, 40)}" for _ in range(3)])
    ),
    "e-mail is": lambda r: _all(
        _ask("email", "is", f"paul.{_word(r)}{r.randint(0, 976)}@{_word(r)}.example.com")
    ),
    "name contains": lambda r: _all(_ask("name", "contains", _word(r, 2)), sort="name"),
    "company contains": lambda r: _all(_ask("company", "contains", _word(r))),
    "last name starts with": lambda r: _all(_ask("last_name", "starts with", _word(r, 2))),
    "added in the last 7 days": lambda _: _all(_ask("created_at", "within", "last 7 days")),
    "added this month, mine, by name": lambda _: _all(
        _MINE, _ask("created_at", "within", "this month"), sort="name"
    ),
    "last activity more than 90 days ago": lambda _: _all(
        _ask("last_activity_at", "before", "90 days ago"), sort="last_activity_at"
    ),
    "not contacted for 30 days, mine": lambda _: _all(
        _MINE,
        {"any": [_ask("days_since_last_communication", ">=", 30),
                 _ask("days_since_last_communication", "is empty")]},
        sort="last_communication_at",
    ),
    "no next task, working": lambda _: _all(
        _MINE, _ask("next_task_at", "is empty"), _ask("status", "is", "Working")
    ),
    "task in the next 7 days": lambda _: _all(
        _ask("next_task_at", "within", "next 7 days"), sort="next_task_at"
    ),
    "any of two tags": lambda r: _all(_ask("tags", "any of", [_tag(r), _tag(r)])),
    "two tags at once, neither of a third": lambda r: _all(
        _ask("tags", "all of", [_tag(r), _tag(r)]), _ask("tags", "none of", [_tag(r)])
    ),
    "open tickets": lambda _: _all(_ask("open_tickets", ">", 0)),
    "custom number and date": lambda r: _all(
        _ask("custom_fields.score", ">=", r.randint(500, 980)),
        _ask("custom_fields.renewal", "within", r.choice(["this month", "next 30 days"])),
    ),
    "custom moment": lambda r: _all(
        _ask("custom_fields.demo_at", "within", f"last {r.randint(1, 30)} days")
    ),
    "custom string is": lambda r: _all(_ask("custom_fields.code", "is", f"C{r.randint(0, 10**6)}")),
    "custom choice, choices and yes": lambda r: _all(
        _ask("custom_fields.tier", "is", r.choice(TIERS)),
        _ask("custom_fields.interests", "any of", [r.choice(TIERS)]),
        _ask("custom_fields.is_partner", "is", "true"),
    ),
    "either or, three deep": lambda r: _any(
        {"all": [_ask("tags", "any of", [_tag(r)]), {"not": _MINE}]},
        {"all": [_ask("custom_fields.tier", "is", "Platinum"),
                 {"any": [_ask("city", "is", _town(r)),
                          _ask("email", "contains", _word(r))]}]},
    ),
    "none has it": lambda _r: _all(
        _ask("tags", "any of", ["nothing"]), _ask("status", "is", "New"), _MINE
    ),
}  # fmt: skip
