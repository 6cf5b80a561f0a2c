"""The commands `hub consent`: what may be sent to an address; correct a no; keep a no."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hub.cli.acting import acting
from hub.cli.options import Config, Json, Who
from hub.cli.output import in_zone, print_json, print_line, print_table

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from hub.actions.identity.consent import About, Corrected
    from hub.views.consents import PersonAddress

consent_app = typer.Typer(
    help="Show, refuse and correct consent: which messages may be sent to an address.",
    no_args_is_help=True,
)
Channel = Annotated[str | None, typer.Option("--channel", help="email, sms, phone, fax or post.")]
Purpose = Annotated[
    str, typer.Option("--purpose", help="marketing, or a part of it: marketing:<vendor>/<name>.")
]


@consent_app.command("show")
def show(
    address: Annotated[
        str, typer.Argument(help="An e-mail address or a number; or a person: lead/12.")
    ],
    json: Json = False,
    config: Config = None,
) -> None:
    """Show the consent of an address with its history, or of all addresses of a person."""
    from hub.actions.identity.consent import show as read
    from hub.cli.session import opened_database
    from hub.views.consents import PersonConsent

    with opened_database(config) as (database, settings), database.engine.begin() as conn:
        found = read(
            acting(conn), address, region=settings.company.default_region, home=settings.home
        )
    if json:
        print_json(found)
        return
    if isinstance(found, PersonConsent):
        show_card(found.addresses)
        return
    if found.erased is not None:
        print_line(
            "Erased",
            f"{in_zone(found.erased.at)}, erasure {found.erased.erasure}: what was said before is "
            "deleted, and no source brings it back",
        )
    if not found.events:
        print_line("", f"nothing was said of {found.address}: no consent, and no refusal")
        return
    print_table(
        f"Consent of {found.address}",
        ("channel", "purpose", "state", "basis", "at", "source", "proof"),
        [(s.channel, s.purpose, s.state, s.basis, s.at, s.source, s.proof) for s in found.states],
    )
    print_table(
        "Statements",
        ("at", "channel", "purpose", "state", "by", "proof", "counts"),
        [
            (e.at, e.channel, e.purpose, e.state, e.record or e.who or e.source,
             e.proof, ("held" if e.held else "yes") if e.counts else "no")
            for e in found.events
        ],
    )  # fmt: skip


def show_card(addresses: "Sequence[PersonAddress]") -> None:
    """Print the addresses of a person, each with its states."""
    print_table(
        "Consents",
        ("address", "channel", "purpose", "state", "basis", "source"),
        [
            (_address(one), s.channel, s.purpose, s.state, s.basis, s.source)
            if s is not None
            else (_address(one), None, None, None, None, None)
            for one in addresses
            for s in one.states or [None]
        ],
    )


def _address(one: "PersonAddress") -> str:
    if one.address is None:
        return "stated of the person"
    return f"{one.address} (shared)" if one.is_shared else one.address


@consent_app.command("correct")
def correct(
    address: Annotated[
        str | None,
        typer.Argument(help="An e-mail address or a number; none with --batch or --file."),
    ] = None,
    reason: Annotated[
        str, typer.Option("--reason", help="Why the opt-out was recorded by mistake.")
    ] = "",
    proof: Annotated[str, typer.Option("--proof", help="Evidence of the consent.")] = "",
    batch: Annotated[
        int | None, typer.Option("--batch", help="Correct every opt-out that this batch recorded.")
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option("--file", help="Correct the addresses in a file with one address per line."),
    ] = None,
    channel: Channel = None,
    purpose: Purpose = "marketing",
    to: Annotated[str, typer.Option("--to", help="New state: opt_in or unknown.")] = "opt_in",
    who: Who = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Correct an opt-out recorded by mistake; an opt-out by a link of the person stays."""
    from hub.actions.identity import consent as actions
    from hub.cli.session import opened_database
    from hub.errors import ConfigError
    from hub.model.consent import ConsentState

    if (address is not None) + (batch is not None) + (file is not None) != 1:
        raise ConfigError("name one address, or --batch, or --file")
    if to not in ("opt_in", "unknown"):
        raise ConfigError(f"--to {to}: a correction makes opt_in or unknown")
    grounds = actions.Grounds(reason, proof, ConsentState(to))
    with opened_database(config) as (database, settings), database.engine.begin() as conn:
        ctx = acting(conn, who)
        if batch is not None:
            done = actions.correct_batch(ctx, batch, grounds)
        else:
            region = settings.company.default_region
            wanted: list[About] = [
                actions.about(one, channel=channel, purpose=purpose, region=region)
                for one in ([address] if address is not None else _lines(file))
            ]
            done = actions.correct(ctx, wanted, grounds)
    _say(done, json=json)


def _lines(file: Path | None) -> list[str]:
    from hub.errors import ConfigError

    try:
        text = "" if file is None else file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        raise ConfigError(f"cannot read {file}") from exc
    return [line.strip() for line in text.splitlines() if line.strip()]


def _say(done: "Corrected", *, json: bool) -> None:
    if json:
        print_json(done)
        return
    for one in done.corrected:
        print_line(one.address, f"{one.channel}, {one.purpose}: corrected")
    for kept in done.refused:
        print_line(kept.address, f"{kept.channel}, {kept.purpose}: stays, {kept.why}")


@consent_app.command("refuse")
def refuse(
    person: Annotated[str, typer.Argument(help="lead/12, contact/5, or a person's own names.")],
    reason: Annotated[str, typer.Option("--reason", help="What the person stated.")],
    channel: Annotated[
        str, typer.Option("--channel", help="email, sms, phone, fax or post.")
    ] = "email",
    purpose: Purpose = "marketing",
    who: Who = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Record an opt-out of a person, for all addresses of the person."""
    from hub.actions.identity.consent import refuse as act
    from hub.cli.acting import acted

    def keep(conn: "Connection") -> str:
        return act(acting(conn, who), person, channel=channel, purpose=purpose, reason=reason)

    name = acted(config, keep)
    if json:
        from hub.views.results import ConsentRefused

        print_json(ConsentRefused(name, channel, purpose, "opt_out"))
    else:
        print_line(name, f"no {purpose} by {channel}")


@consent_app.command("held")
def held(
    accept: Annotated[
        bool,
        typer.Option(
            "--accept-consent", help="Lift these opt-outs: the present mappings are right."
        ),
    ] = False,
    who: Who = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """List opt-outs that no mapping reads any more; they count until a user lifts them."""
    from hub.actions.identity.consent_changes import held as read
    from hub.cli.acting import acted

    lifted = acted(config, lambda conn: read(acting(conn, who), accept=accept))
    if json:
        from hub.views.results import OptOutsHeld

        print_json(OptOutsHeld(accept, tuple(lifted)))
        return
    print_table(
        "Opt-outs that were lifted" if accept else "Opt-outs that stand until they are accepted",
        ("address", "channel", "purpose", "stated by"),
        [(o.address, o.channel, o.purpose, "\n".join(o.records)) for o in lifted],
    )
