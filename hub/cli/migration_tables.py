"""How `hub migrate` shows what it did: its state, what is missing, the ledger, differences from the plan."""

from typing import TYPE_CHECKING

from hub.cli.output import in_named_zone, print_line, print_table, print_warning

if TYPE_CHECKING:
    from hub.migration.result import Migrated
    from hub.views.migration import MigrationView

_DIFFERENCES_SHOWN = 20
_REFUSALS_SHOWN = 20
_QUESTIONS_SHOWN = 30


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
    _show_ranges(view)
    if view.ledgers:
        _show_ledgers(view)
    if view.faults:
        print_table(
            "Could not be read", ("part", "why"), [(f.name, f.sentence) for f in view.faults]
        )
    if view.refusals:
        _show_refusals(view)
    if view.questions:
        _show_questions(view)
    if view.fields:
        is_planned = view.state == "planned"
        print_table(
            "Custom fields that --apply defines" if is_planned else "Custom fields",
            ("record", "field", "type", "outcome", "why", "key"),
            [(f.object, f.name, f.type, f.outcome, f.why, f.key) for f in view.fields],
        )
    if view.differences:
        _show_differences(view)
    if view.paused:
        print_warning(f"{view.paused}; the same command continues from there")
    if view.state == "done":
        print_line(
            "",
            f"hub reconcile {view.batch} --html report.html writes the proof to sign; "
            f"hub undo {view.batch} takes the batch back.",
        )


def _show_ranges(view: "MigrationView") -> None:
    left = [one for one in view.ranges if one.state != "proven"]
    if left and view.state != "undone":
        print_table(
            "Not proven",
            ("stream", "range", "counted", "read", "reason"),
            [(r.stream, r.key, r.counted, r.read_n, r.reason or "not read yet") for r in left],
        )


def _show_ledgers(view: "MigrationView") -> None:
    print_table(
        "Ledger",
        ("stream", "counted", "gone", "total", "verdicts", "missing", "holds"),
        [
            (e.stream or "(all)", e.counted, e.gone, e.total,
             ", ".join(f"{n:,} {v}" for v, n in sorted(e.verdicts.items())),
             e.missing_n + e.lost_n, "yes" if e.holds else "NO")
            for e in view.ledgers
            if e.counted is not None or e.total or not e.holds
        ],
    )  # fmt: skip
    if not all(e.holds for e in view.ledgers):
        print_warning(
            f"the ledger does not hold: records are missing or have no verdict; "
            f"hub reconcile {view.batch} --json names them"
        )


def _show_refusals(view: "MigrationView") -> None:
    print_table(
        "Refused values and records",
        ("stream", "field", "reason", "count", "example"),
        [
            (r.stream, r.field or "(record)", r.reason, r.n, r.value[:40])
            for r in view.refusals[:_REFUSALS_SHOWN]
        ],
    )
    if len(view.refusals) > _REFUSALS_SHOWN:
        print_warning(f"{len(view.refusals) - _REFUSALS_SHOWN} further reasons; --json lists all")


def _show_questions(view: "MigrationView") -> None:
    print_table(
        "Open questions: what happens without an answer",
        ("question", "records", "without an answer"),
        [(q.what, q.records, q.effect) for q in view.questions[:_QUESTIONS_SHOWN]],
    )
    if len(view.questions) > _QUESTIONS_SHOWN:
        print_warning(f"{len(view.questions) - _QUESTIONS_SHOWN} further; --json lists all")
    print_line("", _answering(view.source))


def _show_differences(view: "MigrationView") -> None:
    print_table(
        "Different from the plan",
        ("stream", "source id", "what", "planned", "done"),
        [
            (d.stream, d.source_id, d.what, _value(d.planned), _value(d.done))
            for d in view.differences[:_DIFFERENCES_SHOWN]
        ],
    )
    if len(view.differences) > _DIFFERENCES_SHOWN:
        print_warning(f"{len(view.differences)} differences; --json lists all")


def _answering(source: str) -> str:
    what = "FILE …" if source == "csv" else source
    return (
        f"hub migrate {what} --inventory --questions FILE writes them as a file to answer. "
        "Then the same command again."
    )


def _value(value: object) -> str:
    return "none" if value is None else str(value)


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
        return f"planned; nothing was loaded. hub migrate --apply {view.batch} loads it."
    if done.is_replanned:
        return f"{view.state}. The hub had changed since the plan, so it was planned again first."
    return view.state
