"""What an undo did, or would do: a report that adds up from the parts of its chunks. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

COUNTED = (
    "records", "restored", "leads", "contacts", "deals", "activities", "alerts", "inquiries", "notes",
    "tickets", "statuses", "users", "fields",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Kept:
    """Records that stay as the batch left them.

    Args:
        name: row of their person, `lead/12`; null if it has none.
        records: source/stream/id of each.
        why: why they stay.
    """

    name: str | None
    records: tuple[str, ...]
    why: str


@dataclass(frozen=True, slots=True)
class GivenBack:
    """Assignments that a group owes to a member: served first next time, the pointer stays.

    Args:
        group: name of the group.
        member: name of the member.
        turns: how many.
    """

    group: str
    member: str
    turns: int


@dataclass(slots=True)
class Undone:
    """What became of a batch that was undone.

    Args:
        batch: the batch.
        undo: the batch that the undo itself is; 0 for a preview.
        reverted: how many records were taken out (`records`) or have their earlier values again
            (`restored`), and how many rows of each kind were deleted (`COUNTED`).
        records: the names of both.
        edited: records that stay because a user has edited their person since.
        blocked: records that stay because a user, or a later batch, has built on them.
        consents: the consent that the records state, which stays: (record, channel, state).
        given_back: assignments that groups owe to members.
        users: owners of the source who stay because they own other records.
        routed: leads of earlier batches without an owner that got one while the batch ran.
    """

    batch: int
    undo: int = 0
    reverted: Counter[str] = field(default_factory=Counter)
    records: list[str] = field(default_factory=list)
    edited: list[Kept] = field(default_factory=list)
    blocked: list[Kept] = field(default_factory=list)
    consents: list[tuple[str, str, str]] = field(default_factory=list)
    given_back: list[GivenBack] = field(default_factory=list)
    users: list[str] = field(default_factory=list)
    routed: list[str] = field(default_factory=list)

    def document(self) -> dict[str, Any]:
        """Return the report as `--json` shows it."""
        return {
            "batch": self.batch,
            "undo": self.undo,
            "reverted": {name: self.reverted[name] for name in COUNTED},
            "records": self.records,
            "edited": [asdict(kept) for kept in self.edited],
            "blocked": [asdict(kept) for kept in self.blocked],
            "consents": [
                {"record": record, "channel": channel, "state": state}
                for record, channel, state in self.consents
            ],
            "given_back": [asdict(given) for given in self.given_back],
            "users": self.users,
            "routed": self.routed,
        }

    @property
    def kept_records(self) -> set[str]:
        """Return the names of the records that stay."""
        return {name for kept in (*self.edited, *self.blocked) for name in kept.records}


def from_document(part: Mapping[str, Any]) -> Undone:
    """Return the report that `document` was made of."""
    return Undone(
        part["batch"],
        part["undo"],
        Counter(part["reverted"]),
        list(part["records"]),
        [Kept(k["name"], tuple(k["records"]), k["why"]) for k in part["edited"]],
        [Kept(k["name"], tuple(k["records"]), k["why"]) for k in part["blocked"]],
        [(c["record"], c["channel"], c["state"]) for c in part["consents"]],
        [GivenBack(**given) for given in part["given_back"]],
        list(part["users"]),
        list(part["routed"]),
    )


def total(batch: int, undo: int, parts: Iterable[Undone]) -> Undone:
    """Add up the parts of an undo; the order and the size of the parts make no difference."""
    whole = Undone(batch, undo)
    given: Counter[tuple[str, str]] = Counter()
    for part in parts:
        for name in COUNTED:
            whole.reverted[name] += part.reverted.get(name, 0)
        whole.records += part.records
        whole.edited += part.edited
        whole.blocked += part.blocked
        whole.consents += part.consents
        for one in part.given_back:
            given[one.group, one.member] += one.turns
        whole.users += part.users
        whole.routed += part.routed
    whole.records = sorted(set(whole.records))
    whole.edited, whole.blocked = _together(whole.edited), _together(whole.blocked)
    whole.consents.sort()
    whole.given_back = [GivenBack(group, member, n) for (group, member), n in sorted(given.items())]
    whole.users = sorted(set(whole.users))
    whole.routed = sorted(set(whole.routed))
    return whole


def _together(pile: Iterable[Kept]) -> list[Kept]:
    """Return one entry for each person or company and reason; other records have their own."""
    found: dict[tuple[str | None, str, tuple[str, ...]], set[str]] = {}
    for kept in pile:
        alone = kept.records if kept.name is None else ()
        found.setdefault((kept.name, kept.why, alone), set()).update(kept.records)
    together = [Kept(name, tuple(sorted(of)), why) for (name, why, _), of in found.items()]
    return sorted(together, key=lambda kept: (kept.records, kept.why))
