"""The command `hub remap`: map all landed records of a stream again, without the vendor."""

from pathlib import Path

from hub.cli.acting import machine_owner
from hub.cli.output import print_json, print_mapping, print_table
from hub.cli.quarantine import show_again
from hub.cli.session import opened
from hub.errors import ConfigError
from hub.etl import remap_preview, reprocess
from hub.views.remapping import remap_plan


def run_remap(
    config: Path | None,
    name: str,
    *,
    dry_run: bool,
    values: bool,
    accept_consent: bool,
    as_json: bool,
) -> None:
    """Remap a stream and print the results; with `dry_run`, print what would change."""
    if values and not (dry_run and as_json):
        raise ConfigError("--values needs --dry-run and --json", hint="add both, or omit --values")
    source, _, stream = name.partition("/")
    if not dry_run:
        with opened(config) as (hub, _database, _settings):
            report = reprocess.remap(
                hub, source, stream, accept_consent=accept_consent, who=machine_owner().name
            )
        show_again(report, as_json=as_json, tells_quarantine=False)
        return
    with opened(config) as (hub, _database, _settings):
        plan = remap_preview.preview(hub, source, stream)
    if as_json:
        print_json(remap_plan(plan, with_values=values))
        return
    print_table(
        f"Would change: {plan.changed} of {plan.records}",
        ("verdict", "records"),
        sorted(plan.verdicts.items()),
    )
    print_mapping(
        "Rows that no record would justify",
        {"taken back": plan.rows.taken_back, "kept, with unasked_since": plan.rows.kept_unasked},
    )
    print_table(
        "Examples",
        ("source id", "verdict", "fields"),
        [(e.source_id, e.verdict, ", ".join(e.fields)) for e in plan.examples],
    )
    if plan.lifted:
        print_table(
            "Opt-outs that this would lift; it needs --accept-consent",
            ("address", "channel", "purpose", "stated by"),
            [(o.address, o.channel, o.purpose, "\n".join(o.records)) for o in plan.lifted],
        )
