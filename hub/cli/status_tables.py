"""How `hub status` shows what it has read: tables, and a line where little is."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from hub.cli.formatting import ago, bar, count, duration, moment
from hub.cli.output import Column, in_named_zone, print_line, print_table, stdout

if TYPE_CHECKING:
    from hub.etl.promise import Promise
    from hub.landing.inbox import Depth
    from hub.records.migrations import MigrationStatus
    from hub.views.status import (
        BatchStatus,
        BudgetStatus,
        SilentField,
        StaleStatus,
        Status,
        StreamStatus,
    )

_NAMES_SHOWN = 3
_NAMES_WIDTH = 30
_STAGES = ("normalize", "match", "load", "route")


def show_status(status: "Status", now: datetime) -> None:
    """Print the status.

    Args:
        status: what `hub.views.status` read.
        now: the present.
    """
    print_table(
        "Streams (cursor in UTC, as the source counts time)",
        (
            "stream",
            "lag",
            Column("cursor", keep=2),
            Column("read", keep=4),
            "landed",
            "pending",
            "quarantine",
        ),
        [
            (
                f"{s.source}/{s.stream}",
                _lag(s, status.roles),
                moment(s.watermark),
                ago(s.updated_at, now),
                count(s.landed),
                count(s.pending),
                count(s.quarantine),
            )
            for s in status.streams
        ],
    )
    print_line("Waiting", waiting_words(status.pending))
    if status.inbox.waiting or status.inbox.dead:
        print_line("Inbox", inbox_words(status.inbox, now))
    for missed in status.recovered:
        found = f"{missed.source}/{missed.stream}: the last sync found {count(missed.objects)}"
        print_line(
            "Recovered",
            f"{found} new that its webhook has missed",
        )
    print_line("Outbox", outbox_words(status.outbox_pending, status.outbox_dead))
    print_line("To decide", person_words(status.quarantine, status.review))
    for sentence in status.unproved:
        print_line("Not proved", sentence)
    if held_n := status.opt_outs_held:
        print_line("Consent", f"{count(held_n)} opt-outs that no mapping reads: hub consent held")
    print_line("Leads", count(status.leads))
    if status.undoing:
        told = ", ".join(f"{batch} (hub undo {batch} continues)" for batch in status.undoing)
        print_line("Partly undone", told)
    if status.erase_under_way:
        print_line("Partly erased", "an erasure was interrupted: hub erase --resume finishes it")
    if retired := [name for name, role in status.roles.items() if role == "retired"]:
        print_line("Retired", f"{', '.join(retired)} (nothing reads a retired source)")
    for one in status.migrations:
        print_line("Migration", migration_words(one, now))
    stdout.print()
    _show_stale(status.derivations)
    _show_silent(status.silent, now)
    _show_drift(status, now)
    _show_budgets(status.budgets, now)
    _show_promises(status.promises)
    print_table(
        "Latest batches",
        ("id", "source", "kind", "lane", "state", "took", "ended"),
        [
            (b.id, b.source, b.kind, b.lane, b.state, _took(b),
             ago(b.finished_at, now))
            for b in status.batches
        ],
    )  # fmt: skip


def _lag(stream: "StreamStatus", roles: Mapping[str, str]) -> str:
    if roles.get(stream.source) == "retired":
        return "retired"
    return "" if stream.lag_s is None else duration(float(stream.lag_s))


def _show_promises(promises: "Sequence[Promise]") -> None:
    if promises:
        print_table(
            "While hub up runs",
            ("source", "asked every", "a change is in the CRM within"),
            [(one.source, duration(one.every_s), duration(one.promise_s)) for one in promises],
        )


_WHAT = {
    "mapping": ("objects", "hub remap {part} --dry-run"),
    "keys": ("records", "hub match rescore --dry-run"),
    "model": ("records", "hub match rescore --dry-run"),
    "fold": ("people and companies", ""),
    "links": ("people and companies", ""),
}


def _show_stale(derivations: "Sequence[StaleStatus]") -> None:
    """Print what an older version of the rules derived, if there is something."""
    stale = [one for one in derivations if one.behind]
    if not stale:
        return
    print_table(
        "Derived by older rules",
        ("rules", "stream", "behind", "of", "what would change"),
        [
            (one.derivation, one.part, count(one.behind), _WHAT[one.derivation][0],
             _WHAT[one.derivation][1].format(part=one.part))
            for one in stale
        ],
    )  # fmt: skip
    print_line(
        "Derived again by", "hub up in the background, each hub sync for 10 s, hub upgrade now"
    )
    stdout.print()


def _show_silent(rows: "Sequence[SilentField]", now: datetime) -> None:
    """Print a line a stream and interval: hundreds of formulas are too many to read."""
    groups: dict[tuple[str, float], list[SilentField]] = {}
    for row in rows:
        name = f"{row.source}/{row.stream}"
        groups.setdefault((name, row.every_s), []).append(row)
    if not groups:
        return
    print_table(
        "Values that change without a new record time: read again",
        ("stream", "fields", "every", "last read", "changed then"),
        [
            (
                stream,
                _some([row.field for row in group]),
                duration(every_s),
                "running" if any(row.under_way for row in group)
                else ago(min(row.read_at for row in group), now),
                count(sum(row.changed for row in group)),
            )
            for (stream, every_s), group in sorted(groups.items())
        ],
    )  # fmt: skip


def _some(names: list[str]) -> str:
    """Return the first names, as many as a column of the table holds, and how many there are more."""
    shown = names[:1]
    for name in names[1:_NAMES_SHOWN]:
        if len(", ".join([*shown, name])) > _NAMES_WIDTH:
            break
        shown.append(name)
    left_n = len(names) - len(shown)
    return ", ".join(shown) + (f" and {left_n} more" if left_n else "")


def _show_drift(status: "Status", now: datetime) -> None:
    if status.drift:
        print_table(
            "Drift: fields and values that no mapping reads",
            ("stream", "what", "records", "seen"),
            [
                (
                    f"{d.source}/{d.stream}",
                    f"{d.kind} {d.field} {d.value}".rstrip(),
                    count(d.n),
                    ago(d.last_seen, now),
                )
                for d in status.drift
            ],
        )
        for advice in dict.fromkeys(d.suggestion for d in status.drift):
            stdout.print(f"- {advice}", indent="  ")
        stdout.print()
    if status.placeholders:
        print_table(
            "Placeholders: the source sent no real value; the field stays empty",
            ("stream", "field", "text", "records", "seen"),
            [
                (f"{d.source}/{d.stream}", d.field, d.value, count(d.n),
                 ago(d.last_seen, now))
                for d in status.placeholders
            ],
        )  # fmt: skip
    if status.vanished:
        print_table(
            "Drift: fields that the source no longer fills",
            ("stream", "field", "seen"),
            [
                (stream, field, why)
                for stream, fields in status.vanished.items()
                for field, why in fields.items()
            ],
        )


def migration_words(one: "MigrationStatus", now: datetime) -> str:
    """Return how far a migration is, as text."""
    kind = "" if one.delta_of is None else f", delta of {one.delta_of}"
    told = f"{one.source}, batch {one.batch}{kind}: "
    if one.state != "planned":
        return f"{told}its records are being loaded"
    read = f"{count(one.proven)} of {count(one.ranges)} ranges are read and proven"
    if one.starts_at is not None and one.starts_at > now:
        return f"{told}starts {in_named_zone(one.starts_at)}" + (f"; {read}" if one.ranges else "")
    if one.waits_until is not None and one.waits_until > now:
        return f"{told}{read}; waits for the quota until {in_named_zone(one.waits_until)}"
    if one.is_rehearsed:
        read = f"{read}; hub migrate --apply {one.batch} loads the plan of its dry run"
    return told + (read if one.ranges else "not planned yet")


def waiting_words(pending: Mapping[str, int]) -> str:
    """Return the number of pending records of each stage, as text."""
    words = [f"{count(pending[stage])} to {stage}" for stage in _STAGES if pending.get(stage)]
    return ", ".join(words) or "queues drained"


def inbox_words(depth: "Depth", now: datetime) -> str:
    """Return the events that wait for the worker, and those that were given up, as text."""
    words = []
    if depth.waiting:
        since = f", the oldest since {ago(depth.oldest_at, now)}" if depth.oldest_at else ""
        words.append(f"{count(depth.waiting)} to land{since}")
    if depth.dead:
        words.append(f"{count(depth.dead)} given up: hub worker --retry tries them again")
    return "; ".join(words)


def outbox_words(pending: int, dead: int) -> str:
    """Return the notifications still to be sent, as text."""
    words = [f"{count(pending)} to send"] if pending else []
    words += [f"{count(dead)} failed"] if dead else []
    return ", ".join(words) or "all sent"


def person_words(quarantine: int, review: int) -> str:
    """Say what only a person can decide."""
    values = "value" if quarantine == 1 else "values"
    words = [f"{count(quarantine)} {values} in quarantine"] if quarantine else []
    words += (
        [f"{count(review)} {'question' if review == 1 else 'questions'} in review"]
        if review
        else []
    )
    return ", ".join(words) or "nothing to decide"


def _show_budgets(rows: "Sequence[BudgetStatus]", now: datetime) -> None:
    plain = not stdout.encoding.lower().startswith("utf")
    shown = []
    for row in rows:
        until = row.paused_until
        paused = f"paused for {duration((until - now).total_seconds())}" if until else ""
        if row.requests:
            used, of, span = row.in_window, row.requests, duration(row.per_s or 0)
        elif row.day_limit:
            used, of, span = row.day_used or 0, row.day_limit, "a day"
        elif paused:
            used, of, span = 0, 0, ""
        else:
            continue  # nothing is known of it
        amount = f"{count(used)} of {count(of)}" if of else ""
        drawn = bar(used, of, plain=plain) if of else ""
        shown.append((row.account, row.name, amount, span, drawn, paused))
    wide = 6 if any(row[-1] for row in shown) else 5  # the last column is for pauses
    columns = ("account", "budget", "used", "in", "", "")
    print_table("Budgets", columns[:wide], [row[:wide] for row in shown])


def _took(batch: "BatchStatus") -> str:
    if batch.finished_at is None:
        return ""
    return duration((batch.finished_at - batch.started_at).total_seconds())
