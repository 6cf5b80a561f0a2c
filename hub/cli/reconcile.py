"""The command `hub reconcile`: the proof that a batch is complete, as a table, JSON, CSV or a page."""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hub.cli.options import Config, Json
from hub.cli.output import EXIT_FAILED, print_document, print_line, print_table, stdout
from hub.errors import ConfigError

if TYPE_CHECKING:
    from hub.records.plans import Outcome
    from hub.views.reconciliation import Reconciliation

_SHOWN = 20


def reconcile(
    batch: Annotated[int, typer.Argument(help="A batch's number, as `hub batches` shows it.")],
    stream: Annotated[
        str | None, typer.Option("--stream", help="List the records of this stream.")
    ] = None,
    verdict: Annotated[
        str | None, typer.Option("--verdict", help="List the records with this verdict.")
    ] = None,
    csv_file: Annotated[
        Path | None, typer.Option("--csv", help="Write every record into this CSV file.")
    ] = None,
    html_file: Annotated[
        Path | None, typer.Option("--html", help="Write the report as a page to print and sign.")
    ] = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Show the proof of a batch: the counts of the source, verdicts, refusals."""
    from hub.cli.html import write_page
    from hub.cli.reconcile_page import render
    from hub.cli.session import opened_database
    from hub.views.decisions import decisions
    from hub.views.encoding import to_json
    from hub.views.reconciliation import LINE, line, reconciliation, records, reject_reasons

    with opened_database(config) as (database, settings), database.engine.begin() as conn:
        proof = reconciliation(conn, batch)
        if proof is None:
            raise ConfigError(f"there is no batch {batch}", hint="hub batches lists them")
        reasons = reject_reasons(conn, batch)
        if csv_file is not None:
            lines = (line(one, reasons.get(one.key, "")) for one in records(conn, batch))
            _write_csv(csv_file, LINE, lines)
        if html_file is not None:
            write_page(html_file, render(proof, decisions(settings.mappings_dir, proof.source)))
        wanted = (
            line(one, reasons.get(one.key, ""))
            for one in _among(records(conn, batch), stream, verdict)
        )
        if json:
            document = to_json(proof)
            assert isinstance(document, dict)  # noqa: S101 a model is an object
            listed = (dict(zip(LINE, one, strict=True)) for one in wanted)
            print_document({**document, "records": listed})
        elif stream is not None or verdict is not None:
            print_table(f"Records of batch {batch}", LINE, list(wanted))
    if not json and stream is None and verdict is None:
        _show(proof)
        for file in filter(None, (csv_file, html_file)):
            stdout.print(f"wrote {file}", highlight=False)
    if not proof.holds:
        raise typer.Exit(EXIT_FAILED)


def _among(
    found: "Iterator[Outcome]", stream: str | None, verdict: str | None
) -> "Iterator[Outcome]":
    for one in found:
        if stream in (None, one.stream) and verdict in (None, one.verdict):
            yield one


def _write_csv(file: Path, head: tuple[str, ...], lines: "Iterator[tuple[str, ...]]") -> None:
    try:
        with file.open("w", newline="", encoding="utf-8") as out:
            writer = csv.writer(out)
            writer.writerow(head)
            writer.writerows(lines)
    except OSError as exc:
        raise ConfigError(f"cannot write {file}: {exc.strerror}") from exc


def _show(proof: "Reconciliation") -> None:
    from hub.cli.reconcile_page import owners_by_kind, verdict_of

    print_line(
        f"Batch {proof.batch}: {proof.kind} of {proof.source}, {proof.state}", verdict_of(proof)
    )
    print_table(
        "Streams",
        ("stream", "counted", "gone", "total", "verdicts", "missing", "holds"),
        [
            (s.stream, s.counted, s.gone, s.total,
             ", ".join(f"{n:,} {name}" for name, n in s.verdicts.items()),
             s.missing + s.without_verdict, "yes" if s.holds else "NO")
            for s in proof.streams
        ],
    )  # fmt: skip
    if faults := [(s.stream, fault) for s in proof.streams for fault in s.faults]:
        print_table("Could not be read", ("stream", "why"), faults)
    if proof.owners:
        kinds, rows = owners_by_kind(proof)
        print_table("Owners", ("owner", *kinds), rows[:_SHOWN])
        if len(rows) > _SHOWN:
            stdout.print(f"{len(rows) - _SHOWN:,} further: --html lists all", highlight=False)
    if proof.rejects:
        print_table(
            f"Refused records: {proof.rejects_n}",
            ("stream", "source id", "reason"),
            [(r.stream, r.source_id, r.reason) for r in proof.rejects[:_SHOWN]],
        )
        if proof.rejects_n > _SHOWN:
            stdout.print(
                f"{proof.rejects_n - _SHOWN:,} further: hub reconcile {proof.batch} --verdict rejected",
                highlight=False,
            )
    stdout.print(
        f"hub reconcile {proof.batch} --verdict merged lists records; --csv and --html write files",
        highlight=False,
    )
