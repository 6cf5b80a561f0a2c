"""What `hub routing` does: rules tried on the last leads, and decisions replayed."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hub.cli.options import Config, Json
from hub.cli.output import EXIT_FAILED, print_document, print_json, print_line, print_table

if TYPE_CHECKING:
    from hub.etl.routing_trial import FileLead

routing_app = typer.Typer(
    help="Replay routing decisions, and try other rules.", no_args_is_help=True
)


@routing_app.command("simulate")
def routing_simulate(
    file: Annotated[
        Path | None,
        typer.Argument(metavar="[FILE]", help="CSV file of leads (default: the last leads)."),
    ] = None,
    last: Annotated[int, typer.Option("--last", min=1, help="How many leads.")] = 200,
    rules: Annotated[
        Path | None, typer.Option("--rules", help="YAML file with routing: (default: hub.yaml).")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Also list leads that stay.")] = False,
    json: Json = False,
    config: Config = None,
) -> None:
    """Show the owners of the last leads, or of a file of leads, by other rules; nothing is changed."""
    from hub.cli.session import opened_database
    from hub.clock import SystemClock
    from hub.crm import owners
    from hub.etl.owner_decision import rules_from
    from hub.etl.routing_trial import rules_in, simulate_file, simulate_last

    with opened_database(config) as (database, settings), database.engine.begin() as conn:
        tried = rules_from(settings.routing) if rules is None else rules_in(rules)
        at = SystemClock().now()
        emails = {user.id: email for email, user in owners.users_by_email(conn).items()}
        if file is not None:
            _show_file(simulate_file(conn, file, tried, rules_from(settings.routing), at), emails,
                       json=json)  # fmt: skip
            return
        found = simulate_last(conn, tried, last, at)
    lines: list[dict[str, Any]] = [
        {
            "lead_id": one.kept.lead_id,
            "assignment_id": one.kept.id,
            "owner": emails.get(one.kept.user_id or 0),
            "rule": one.kept.rule,
            "new_owner": emails.get(one.user_id or 0),
            "new_rule": one.rule,
            "change": one.change,
            "why": "; ".join(one.reasons),
        }
        for one in found
    ]
    shown = lines if every else [line for line in lines if line["change"] != "same"]
    counts = Counter(line["change"] for line in lines)
    if json:
        print_document(
            {"leads": len(lines), "moved": counts["rule"], "turns": counts["turn"], "lines": shown}
        )
        return
    if shown:
        print_table(
            "Leads",
            ("lead", "owner", "rule", "would be", "by rule", "change", "why"),
            [
                (f"lead/{x['lead_id']}", x["owner"], x["rule"], x["new_owner"], x["new_rule"],
                 x["change"], x["why"])
                for x in shown
            ],
        )  # fmt: skip
    print_line(
        "Simulated",
        f"{len(lines)} leads: {counts['same']} keep their owner, {counts['rule']} move by a rule, "
        f"{counts['turn']} get another turn of the same group",
    )


def _show_file(found: "Sequence[FileLead]", emails: Mapping[int, str], *, json: bool) -> None:
    lines = [
        {
            "line": one.line,
            "owner": emails.get(one.user_id or 0),
            "rule": one.rule,
            "in_force": emails.get(one.user_in_force or 0),
            "rule_in_force": one.rule_in_force,
            "differs": (one.user_id, one.rule) != (one.user_in_force, one.rule_in_force),
            "why": "; ".join(one.reasons),
        }
        for one in found
    ]
    differ_n = sum(bool(line["differs"]) for line in lines)
    if json:
        print_document({"leads": len(lines), "differ": differ_n, "lines": lines})
        return
    names = ("line", "owner", "rule", "in_force", "rule_in_force", "why")
    print_table(
        "Leads",
        ("line", "owner", "by rule", "by hub.yaml", "its rule", "why"),
        [tuple(line[name] for name in names) for line in lines],
    )
    print_line("Simulated", f"{len(lines)} leads: {differ_n} differ from the rules of hub.yaml")


@routing_app.command("replay")
def routing_replay(json: Json = False, config: Config = None) -> None:
    """Replay every stored decision from its row, and compare the owners."""
    from hub.cli.session import opened_database
    from hub.etl.routing_trial import replay

    with opened_database(config) as (database, _settings), database.engine.begin() as conn:
        done = replay(conn)
    if json:
        print_json(done)
    else:
        if done.differences:
            print_table(
                "Differences",
                ("assignment", "lead", "what"),
                [(d.assignment, d.lead_id, "; ".join(d.what)) for d in done.differences],
            )
        print_line(
            "Replayed", f"{done.replayed_n} decisions, {len(done.differences)} with a difference"
        )
    if done.differences:
        raise typer.Exit(EXIT_FAILED)
