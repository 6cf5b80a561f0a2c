"""How `hub migrate` shows what it did: its state, what is missing, the ledger, differences from the plan."""

from typing import TYPE_CHECKING

from hub.cli.output import in_named_zone, print_line, print_table, print_warning

if TYPE_CHECKING:
    from hub.migration.result import Migrated
    from hub.views.migration import MigrationView

_DIFFERENCES_SHOWN = 20


def named(view: "MigrationView") -> str:
    """Return the source, and of a delta the migration that it follows."""
    return view.source if view.delta_of is None else f"{view.source}, delta of {view.delta_of}"


def show(view: "MigrationView", done: "Migrated") -> None:
    """Print what a call did.

    Args:
        view: the migration as it is now.
        done: what the call did.
    """
    print_line(f"Batch {view.batch}: {named(view)}", _state(view, done))
    if view.since is not None:
        print_line(
            "", f"It moves what has changed since {in_named_zone(view.since)}: {_found(view)}."
        )
    left = [one for one in view.ranges if one.state != "proven"]
    if left and view.state != "undone":
        print_table(
            "Not proven",
            ("stream", "range", "counted", "read", "reason"),
            [(r.stream, r.key, r.counted, r.read_n, r.reason or "not read yet") for r in left],
        )
    if view.ledgers:
        print_table(
            "Ledger",
            ("stream", "counted", "seen", "verdicts", "holds"),
            [
                (e.stream or "(all)", e.counted, e.seen,
                 ", ".join(f"{n} {v}" for v, n in sorted(e.verdicts.items())),
                 "yes" if e.holds else "NO")
                for e in view.ledgers
            ],
        )  # fmt: skip
    if view.faults:
        print_table(
            "Could not be read", ("part", "why"), [(f.name, f.sentence) for f in view.faults]
        )
    if view.refusals:
        print_table(
            "Refused values and records",
            ("stream", "field", "reason", "count", "example"),
            [(r.stream, r.field or "(record)", r.reason, r.n, r.value[:40]) for r in view.refusals],
        )
    if view.fields:
        is_planned = view.state == "planned"
        print_table(
            "Custom fields that --apply defines" if is_planned else "Custom fields",
            ("record", "field", "type", "outcome", "why", "key"),
            [(f.object, f.name, f.type, f.outcome, f.why, f.key) for f in view.fields],
        )
    if view.differences:
        print_table(
            "Different from the plan",
            ("stream", "source id", "what", "planned", "done"),
            [
                (d.stream, d.source_id, d.what, str(d.planned), str(d.done))
                for d in view.differences[:_DIFFERENCES_SHOWN]
            ],
        )
        if len(view.differences) > _DIFFERENCES_SHOWN:
            print_warning(f"{len(view.differences)} differences; --json lists all")
    if view.paused:
        print_warning(f"{view.paused}; the same command continues from there")


def _found(view: "MigrationView") -> str:
    """Say what a delta has found: each verdict but `unchanged`, then those that were only read again."""
    if not view.ledgers:
        return "nothing was counted yet"
    counts: dict[str, int] = {}
    for entry in view.ledgers:
        for verdict, n in entry.verdicts.items():
            counts[verdict] = counts.get(verdict, 0) + n
    same_n = counts.pop("unchanged", 0)
    changed = ", ".join(f"{n:,} {verdict}" for verdict, n in sorted(counts.items()))
    again = f"; {same_n:,} read again without a change" if same_n else ""
    return f"{changed or 'no record'}{again}"


def _state(view: "MigrationView", done: "Migrated") -> str:
    if view.state == "undone" and done.migration.applied_at is None:
        return "discarded. Nothing of it was loaded."
    if view.state == "planned" and not view.is_read and not view.paused:
        return (
            "not everything could be read, so nothing was loaded. The same command continues; "
            "--incomplete loads what was read."
        )
    if view.state == "planned" and done.rehearsed is not None:
        return f"planned, nothing was loaded. hub migrate --apply {view.batch} loads it."
    if done.is_replanned:
        return f"{view.state}. The hub had changed since the plan, so it was planned again first."
    return view.state
