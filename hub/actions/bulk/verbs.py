"""What a bulk action does to some records at once, and how it is undone.

In: records that the actor may change, in one transaction. Out: the result of each. If one record
cannot take the action, all of them get an `ActionError`; the runner then halves the records
(`run`). Each verb has the same result as the single action on each record.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Date, DateTime, Numeric

from hub.actions.companies.choice import Choice, Unsure
from hub.actions.context import Context
from hub.actions.deals import deal as deal_actions
from hub.actions.leads import status
from hub.actions.leads.convert import Wish, convert_all, lead_named, leads_numbered
from hub.actions.leads.reopen import reopen_all
from hub.actions.people import edit
from hub.actions.people.assign import assign_many, receiver
from hub.actions.rights import Right
from hub.crm import bulk_rows, deals, former, leads, ownership, statuses
from hub.crm.deal_tables import deal as deal_table
from hub.crm.ownership import Owned
from hub.errors import ActionError
from hub.model.records import JsonValue, texts
from hub.records.bulks import CHANGED, UNCHANGED, Done, Item
from hub.records.history import Changed, note_changes

Wanted = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Verb:
    """A kind of bulk action.

    Args:
        right: what the actor needs on each record.
        kinds: kinds of records that it takes.
        check: raises if the wish can be applied to no record.
        act: changes records, by number; returns the result of each.
        undo: undoes it from items; returns '' or why a record stays as it is, by number.
        most: records in one transaction; fewer where it holds the lock of companies.
    """

    right: Right
    kinds: Sequence[str]
    check: Callable[[Context, str, Wanted], None]
    act: Callable[[Context, str, Wanted, Sequence[Owned]], dict[int, Done]]
    undo: Callable[[Context, str, Sequence[Item]], dict[int, str]]
    most: int = 500


SINCE = "changed afterwards"


def _check_owner(ctx: Context, kind: str, wanted: Wanted) -> None:
    receiver(ctx.conn, kind, wanted["to"])


def _set_owners(
    ctx: Context, kind: str, wanted: Wanted, records: Sequence[Owned]
) -> dict[int, Done]:
    before = {r.id: r.owner_id for r in records}
    given = assign_many(ctx, kind, [r.id for r in records], wanted["to"], tells=False)
    return {
        i: Done(CHANGED, before=owner, after=given.owners[i])
        if i in given.owners
        else Done(UNCHANGED)
        for i, owner in before.items()
    }


def _restore_owners(ctx: Context, kind: str, items: Sequence[Item]) -> dict[int, str]:
    now = ownership.take(ctx.conn, kind, [i.record_id for i in items])
    back = {
        i.record_id: _user(i.before)
        for i in items
        if i.record_id in now and now[i.record_id].owner_id == i.after
    }
    ownership.restore(ctx.conn, kind, back)
    names = ownership.emails(
        ctx.conn, {n for i in items for n in (i.before, i.after) if isinstance(n, int)}
    )
    note_changes(
        ctx.conn,
        ctx.who,
        [
            Changed(
                {"owner": (names.get(now[i].owner_id or 0), names.get(owner or 0))},
                entity_id=now[i].entity_id,
                deal_id=i if kind == "deal" else None,
            )
            for i, owner in back.items()
        ],
    )
    return {i.record_id: "" if i.record_id in back else SINCE for i in items}


def _user(value: JsonValue) -> int | None:
    return value if isinstance(value, int) else None


def _check_status(ctx: Context, _kind: str, wanted: Wanted) -> None:
    status.chosen(ctx.conn, wanted["status"], wanted.get("reason"))


def _set_status(
    ctx: Context, _kind: str, wanted: Wanted, records: Sequence[Owned]
) -> dict[int, Done]:
    ids = [r.id for r in records]
    before = {s.id: s for s in statuses.standing(ctx.conn, ids)}
    status.set_many(ctx, ids, wanted["status"], wanted.get("reason"))
    after = {s.id: s for s in statuses.standing(ctx.conn, ids)}
    return {
        i: Done(UNCHANGED)
        if _stand(before[i]) == _stand(after[i])
        else Done(CHANGED, before=_stand(before[i]), after=_stand(after[i]))
        for i in ids
    }


def _stand(standing: statuses.Standing) -> list[JsonValue]:
    return [standing.status, standing.reason, standing.set_by]


def _set_status_back(ctx: Context, _kind: str, items: Sequence[Item]) -> dict[int, str]:
    now = {s.id: s for s in statuses.standing(ctx.conn, [i.record_id for i in items])}
    told: dict[int, str] = {}
    changes = []
    back: defaultdict[tuple[str | None, ...], list[int]] = defaultdict(list)
    for item in items:
        standing = now.get(item.record_id)
        if standing is None or _stand(standing) != item.after or standing.is_converted:
            told[item.record_id] = SINCE
            continue
        was = item.before if isinstance(item.before, list) else []  # as `_stand` wrote it
        before = tuple(None if value is None else str(value) for value in was)
        back[before].append(item.record_id)
        changes.append(
            Changed({"status": (standing.status, before[0])}, entity_id=standing.entity_id)
        )
        told[item.record_id] = ""
    for (name, reason, by), ids in back.items():
        leads.set_status(ctx.conn, ids, name or "", reason, by=by)
    note_changes(ctx.conn, ctx.who, changes)
    return told


def _check_tags(_ctx: Context, _kind: str, wanted: Wanted) -> None:
    if not wanted["tags"] or not all(str(tag).strip() for tag in wanted["tags"]):
        raise ActionError(
            "the tags are missing", resource="tag", field="tags", code="required",
            hint="hub bulk tag vip fair --list NAME",
        )  # fmt: skip


def _tag(ctx: Context, kind: str, wanted: Wanted, records: Sequence[Owned]) -> dict[int, Done]:
    said: list[JsonValue] = [str(t).strip() for t in wanted["tags"]]
    tags = texts(former.values(ctx.conn, {"tags": said})["tags"])
    return _retag(ctx, kind, records, tags, _with)


def _untag(ctx: Context, kind: str, wanted: Wanted, records: Sequence[Owned]) -> dict[int, Done]:
    said = [str(t).strip() for t in wanted["tags"]]
    now = [today for tag in said if (today := former.today(ctx.conn, "tag", tag)) is not None]
    return _retag(ctx, kind, records, [*said, *now], _without)


def _with(old: Sequence[str], tags: Sequence[str]) -> list[str]:
    there = {tag.casefold() for tag in old}
    return [*old, *(tag for tag in dict.fromkeys(tags) if tag.casefold() not in there)]


def _without(old: Sequence[str], tags: Sequence[str]) -> list[str]:
    gone = {tag.casefold() for tag in tags}
    return [tag for tag in old if tag.casefold() not in gone]


def _retag(
    ctx: Context, kind: str, records: Sequence[Owned], tags: Sequence[str],
    make: Callable[[Sequence[str], Sequence[str]], list[str]],
) -> dict[int, Done]:  # fmt: skip
    rows = bulk_rows.read(ctx.conn, kind, [r.id for r in records], ["tags"])
    wanted: dict[int, Mapping[str, JsonValue]] = {}
    for record in records:
        old = rows[record.id]["tags"]
        before = [str(tag) for tag in old] if isinstance(old, list) else []
        after = make(before, tags)
        if after != before:
            wanted[record.id] = {"tags": list(after)}
    done = _typed(ctx, kind, [r for r in records if r.id in wanted], wanted)
    return {r.id: done.get(r.id, Done(UNCHANGED)) for r in records}


def _check_set(ctx: Context, kind: str, wanted: Wanted) -> None:
    if not wanted["values"]:
        raise ActionError(
            "the fields are missing", resource=kind, field="values", code="required",
            hint="hub bulk set city=Lyon --list NAME",
        )  # fmt: skip
    if kind != "deal":
        edit.check(ctx, wanted["values"], region=wanted["region"])
        return
    deal_actions.typed(ctx, {}, wanted["values"])


def _set(ctx: Context, kind: str, wanted: Wanted, records: Sequence[Owned]) -> dict[int, Done]:
    values = {r.id: wanted["values"] for r in records}
    return _typed(ctx, kind, records, values, region=wanted["region"])


def _typed(
    ctx: Context, kind: str, records: Sequence[Owned], values: Mapping[int, Mapping[str, JsonValue]],
    *, region: str = "",
) -> dict[int, Done]:  # fmt: skip
    """Type values into records; of a deal what it was, of a person the edits that were written, are kept."""
    if not records:
        return {}
    ids = [r.id for r in records]
    before = bulk_rows.read(ctx.conn, kind, ids)
    edits: Mapping[int, Sequence[int]] = {}
    if kind == "deal":
        for i in ids:
            deal_actions.edit(ctx, f"deal/{i}", values[i])
    else:
        by_entity = {r.entity_id: values[r.id] for r in records if r.entity_id is not None}
        edits = edit.edit_many(ctx, by_entity, region=region)
    after = bulk_rows.read(ctx.conn, kind, ids)
    entity = {r.id: r.entity_id or 0 for r in records}
    return {i: _change(before[i], after[i], edits.get(entity[i], ())) for i in ids}


def _change(before: Wanted, after: Wanted, edits: Sequence[int]) -> Done:
    differing = sorted(c for c in before if before[c] != after[c] and c not in bulk_rows.REST)
    if not differing and not edits:
        return Done(UNCHANGED)
    was: dict[str, JsonValue] = {c: before[c] for c in differing}
    now: dict[str, JsonValue] = {c: after[c] for c in differing}
    if edits:
        return Done(CHANGED, before={"edits": [*edits]}, after=now)
    return Done(CHANGED, before=was, after=now)


def _type_back(ctx: Context, kind: str, items: Sequence[Item]) -> dict[int, str]:
    if kind == "deal":
        return {i.record_id: _deal_back(ctx, i) for i in items}
    edits = {i.record_id: i.before["edits"] for i in items if isinstance(i.before, dict)}
    revoked = edit.revoke_many(ctx, {n: [int(str(e)) for e in of] for n, of in edits.items() if isinstance(of, list)})  # fmt: skip
    return {i.record_id: "" if i.record_id in revoked else SINCE for i in items}


def _deal_back(ctx: Context, item: Item) -> str:
    before, _ = deal_actions.opened(ctx, f"deal/{item.record_id}")
    (now,) = bulk_rows.read(ctx.conn, "deal", [item.record_id]).values()
    if not isinstance(item.after, dict) or not isinstance(item.before, dict):
        return SINCE
    if any(now[column] != value for column, value in item.after.items()):
        return SINCE
    values = {column: _column(column, value) for column, value in item.before.items()}
    deals.update(ctx.conn, item.record_id, values)
    note_changes(
        ctx.conn,
        ctx.who,
        [Changed({c: (before[c], v) for c, v in values.items()}, deal_id=item.record_id)],
    )
    return ""


def _column(name: str, value: JsonValue) -> Any:
    """Return a value as the column of a deal takes it."""
    kind = deal_table.c[name].type
    if value is None:
        return None
    if isinstance(kind, DateTime):
        return datetime.fromisoformat(str(value))
    if isinstance(kind, Date):
        return date.fromisoformat(str(value))
    return Decimal(str(value)) if isinstance(kind, Numeric) else value


def _nothing(_ctx: Context, _kind: str, _wanted: Wanted) -> None:
    return


def _convert(ctx: Context, _kind: str, wanted: Wanted, records: Sequence[Owned]) -> dict[int, Done]:
    """Convert leads; a company's name that may mean an existing one becomes a question in review."""
    wish = Wish(
        currency=wanted["currency"],
        has_deal=wanted["has_deal"],
        company=Choice(unsure=Unsure.REVIEW),
    )
    seen = leads_numbered(ctx.conn, [r.entity_id for r in records if r.entity_id is not None])
    made = convert_all(ctx, seen, wish, tells=False)
    return {
        r.id: Done(CHANGED, after={"person": made[r.id].person_id, "deal": made[r.id].deal_id})
        if made[r.id].is_new
        else Done(UNCHANGED)
        for r in records
    }


def _reopen(ctx: Context, _kind: str, items: Sequence[Item]) -> dict[int, str]:
    """Reopen leads; if one cannot be reopened, each half by itself, so that only this one stays."""
    try:
        with ctx.conn.begin_nested():
            done = reopen_all(ctx, _leads(ctx, [i.record_id for i in items]))
    except ActionError as exc:
        if len(items) == 1:
            return {items[0].record_id: exc.message}
        middle = len(items) // 2
        return _reopen(ctx, _kind, items[:middle]) | _reopen(ctx, _kind, items[middle:])
    told = {}
    for item, one in zip(items, done, strict=True):
        kept = [name for name in one.kept if not name.startswith("contact/")]
        told[item.record_id] = (
            f"reopened; kept, because users worked on them: {', '.join(kept)}" if kept else ""
        )
    return told


def _leads(ctx: Context, ids: Sequence[int]) -> list[dict[str, Any]]:
    """Return the rows of leads by number, in order; of merged ones the survivors."""
    there = ownership.seen(ctx.conn, "lead", ids)
    entity_ids = [there[i].entity_id for i in ids if i in there]
    rows = leads_numbered(ctx.conn, [e for e in entity_ids if e is not None])
    by_number = {row["id"]: row for row in rows}
    return [by_number.get(i) or lead_named(ctx.conn, f"lead/{i}") for i in ids]


def _archive(
    ctx: Context, _kind: str, _wanted: Wanted, records: Sequence[Owned]
) -> dict[int, Done]:
    rows = bulk_rows.read(ctx.conn, "deal", [r.id for r in records], ["archived_at"])
    for record in records:
        deal_actions.archive(ctx, f"deal/{record.id}")
    return {
        i: Done(CHANGED) if row["archived_at"] is None else Done(UNCHANGED)
        for i, row in rows.items()
    }


def _unarchive(ctx: Context, _kind: str, items: Sequence[Item]) -> dict[int, str]:
    rows = bulk_rows.read(ctx.conn, "deal", [i.record_id for i in items], ["archived_at"])
    for item in items:
        if rows[item.record_id]["archived_at"] is not None:
            deal_actions.archive(ctx, f"deal/{item.record_id}", undo=True)
    return {i: "" if row["archived_at"] is not None else SINCE for i, row in rows.items()}


_ALL = ("lead", "contact", "deal")
VERBS: Mapping[str, Verb] = {
    "set-owner": Verb(Right.REASSIGN, _ALL, _check_owner, _set_owners, _restore_owners),
    "set-status": Verb(Right.WORK, ("lead",), _check_status, _set_status, _set_status_back),
    "tag": Verb(Right.TYPE, _ALL, _check_tags, _tag, _type_back),
    "untag": Verb(Right.TYPE, _ALL, _check_tags, _untag, _type_back),
    "set": Verb(Right.TYPE, _ALL, _check_set, _set, _type_back),
    "convert": Verb(Right.WORK, ("lead",), _nothing, _convert, _reopen, most=100),
    "archive": Verb(Right.TYPE, ("deal",), _nothing, _archive, _unarchive),
}
