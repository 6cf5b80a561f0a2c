"""What `hub gateway` takes and prints."""

from typing import TYPE_CHECKING, Annotated

import typer

from hub.cli.options import Config, Json
from hub.cli.output import print_json, print_warning, stdout

if TYPE_CHECKING:
    from hub.gateway.server import Addresses
    from hub.settings import Settings


def gateway(
    port: Annotated[
        int | None, typer.Option(min=0, max=65_535, help="Public port; 0 = free.")
    ] = None,
    private_port: Annotated[
        int | None, typer.Option(min=0, max=65_535, help="Private port; 0 = free.")
    ] = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Run the gateway, which takes webhooks, until Ctrl-C; hub up runs it too."""
    from hub.cli.session import opened_database
    from hub.clock import SystemClock
    from hub.gateway.server import run
    from hub.settings import find

    with opened_database(config) as (database, settings):
        given = {"port": port, "private_port": private_port}
        own = settings.gateway.model_copy(
            update={name: value for name, value in given.items() if value is not None}
        )
        chosen = settings.model_copy(update={"gateway": own})
        code = run(
            chosen,
            database,
            SystemClock(),
            file=find(config),
            on_ready=lambda addresses: _show(addresses, chosen, json=json),
        )
    if code:
        raise typer.Exit(code)


def _show(addresses: "Addresses", settings: "Settings", *, json: bool) -> None:
    """Print where the gateway listens, at once: a program may wait for the line."""
    if json:
        from hub.views.results import GatewayReady

        print_json(GatewayReady(True, addresses.public, addresses.private))
        stdout.file.flush()
        return
    stdout.print(f"webhooks   {addresses.public}/hooks/<source>", highlight=False)
    for form in sorted(settings.forms):
        stdout.print(f"form       {addresses.public}/forms/{form}", highlight=False)
    stdout.print(f"health     {addresses.private}/readyz, /metrics, /openapi.json", highlight=False)
    if not settings.gateway.public_url:
        print_warning(
            "gateway.public_url is not set: HubSpot signs this address, so its webhooks are refused"
        )
