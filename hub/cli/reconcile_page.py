"""The report of `hub reconcile` as a page to print and sign.

In: the proof of a batch. Out: HTML with the totals, the owners, what was refused, checksums, lines for signatures,
and an annex with each refused record. Every value is escaped.
"""

from html import escape
from typing import TYPE_CHECKING

from hub.cli.html import page, table
from hub.cli.output import in_zone

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hub.views.decisions import Decision
    from hub.views.reconciliation import Reconciliation

_SIGN = """
<section class="sign"><h2>Approved</h2>
<table><thead><tr><th>name</th><th>role</th><th>date</th><th>signature</th></tr></thead>
<tbody><tr><td style="width:14rem;height:3rem"></td><td style="width:10rem"></td><td style="width:8rem"></td>
<td style="width:16rem"></td></tr></tbody></table></section>
"""


def render(proof: "Reconciliation", decided: "Sequence[Decision]" = ()) -> str:
    """Return the report as HTML.

    Args:
        proof: of the batch.
        decided: the answers that the mappings of its source follow now.
    """
    title = f"Batch {proof.batch}: {proof.kind} of {proof.source}"
    parts = [
        _summary(proof),
        _streams(proof),
        _faults(proof),
        _owners(proof),
        _decided(decided),
        _refused_values(proof),
        _sums(proof),
        _SIGN,
        _annex(proof),
    ]
    return page(title, "".join(parts))


def verdict_of(proof: "Reconciliation") -> str:
    """Say in one sentence whether a batch adds up, and how many of its records were refused."""
    total = sum(one.total for one in proof.streams)
    were = "was" if proof.rejects_n == 1 else "were"
    refused = f"{proof.rejects_n:,} of {total:,} records {were} refused" if proof.rejects_n else ""
    if proof.holds:
        return f"Everything adds up: {refused or f'none of {total:,} records was refused'}"
    missing = sum(one.missing + one.without_verdict for one in proof.streams)
    return f"It does NOT add up: {missing:,} records are missing or have no verdict" + (
        f", {refused}" if refused else ""
    )


def _summary(proof: "Reconciliation") -> str:
    words = f"{verdict_of(proof)}."
    finished = in_zone(proof.finished_at) if proof.finished_at else "not finished"
    by = f" by {escape(proof.who)}" if proof.who else ""
    of = f" It moves what has changed since batch {proof.delta_of}." if proof.delta_of else ""
    annex = " The annex lists them." if proof.rejects else ""
    return (
        f"<p><strong>{words}</strong>{annex}{of} State: {escape(proof.state)}. Begun {in_zone(proof.started_at)}"
        f"{by}, finished {finished}.</p>"
    )


def _streams(proof: "Reconciliation") -> str:
    names = sorted({name for one in proof.streams for name in one.verdicts})
    head = (
        "stream",
        "counted by the source",
        *names,
        "total",
        "gone at the source",
        "missing",
        "adds up",
    )
    rows = [
        (one.stream, "it cannot count" if one.counted is None else one.counted,
         *(one.verdicts.get(name, 0) for name in names), one.total, one.gone,
         one.missing + one.without_verdict, "yes" if one.holds else "NO")
        for one in proof.streams
    ]  # fmt: skip
    listed = "; ".join(
        f"<code>hub reconcile {proof.batch} --verdict {escape(name)}</code>" for name in names
    )
    note = (
        '<p class="note">Counted by the source + gone at the source = total of the verdicts. '
        f"These commands list the records behind the numbers: {listed}.</p>"
    )
    return f"<h2>Totals</h2>{table(head, rows)}{note}"


def _faults(proof: "Reconciliation") -> str:
    rows = [(one.stream, fault) for one in proof.streams for fault in one.faults]
    return f"<h2>Could not be read</h2>{table(('stream', 'why'), rows)}" if rows else ""


def _owners(proof: "Reconciliation") -> str:
    kinds, rows = owners_by_kind(proof)
    return f"<h2>Owners</h2>{table(('owner', *kinds), rows)}" if rows else ""


def _decided(decided: "Sequence[Decision]") -> str:
    if not decided:
        return ""
    rows = [(one.about, one.of, one.here) for one in decided]
    return f"<h2>What was decided</h2>{table(('about', 'at the source', 'here'), rows)}"


def owners_by_kind(
    proof: "Reconciliation",
) -> tuple[tuple[str, ...], list[tuple[str | int, ...]]]:
    """Return the kinds of records, and for each owner how many of each kind, most records first."""
    kinds = tuple(sorted({one.kind for one in proof.owners}))
    counts: dict[str, dict[str, int]] = {}
    for one in proof.owners:
        name = one.owner or "nobody"
        counts.setdefault(name if one.is_active else f"{name} (inactive)", {})[one.kind] = (
            one.records
        )
    ordered = sorted(counts.items(), key=lambda item: (-sum(item[1].values()), item[0]))
    return kinds, [(owner, *(own.get(kind, 0) for kind in kinds)) for owner, own in ordered]


def _refused_values(proof: "Reconciliation") -> str:
    """Return what was refused, summed up: as long as there are reasons, however many records."""
    if not proof.refusals:
        return ""
    values = [(r.stream, r.field or "(record)", r.reason, r.n, r.value) for r in proof.refusals]
    head = ("stream", "field", "reason", "count", "example")
    return f"<h2>Refused values</h2>{table(head, values)}"


def _annex(proof: "Reconciliation") -> str:
    """Return the list of refused records. It may be long, so it stands after the signatures."""
    if not proof.rejects:
        return ""
    rows = [(one.stream, one.source_id, one.reason) for one in proof.rejects]
    listed = len(rows)
    rest = (
        f'<p class="note">Here are the first {listed:,}. '
        f"<code>hub reconcile {proof.batch} --verdict rejected</code> lists all.</p>"
        if proof.rejects_n > listed
        else ""
    )
    return (
        f'<section class="annex"><h2>Annex: refused records ({proof.rejects_n:,})</h2>{rest}'
        f"{table(('stream', 'id', 'reason'), rows)}</section>"
    )


def _sums(proof: "Reconciliation") -> str:
    sums = [(one.stream, proof.mappings.get(one.stream), one.checksum) for one in proof.streams]
    note = (
        '<p class="note">SHA-256 over the lines of a stream in the file of '
        f"<code>hub reconcile {proof.batch} --csv FILE</code>, columns parted by tabs.</p>"
    )
    return f"<h2>Mappings and checksums</h2>{table(('stream', 'mapping', 'checksum'), sums)}{note}"
