"""The command `hub check`: settings, database, and the checks of every source."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from hub.actions.setup.webhooks import wanted
from hub.actions.setup.yaml_names import Written, unknown
from hub.cli.checking_gateway import gateway_findings
from hub.cli.checking_subscriptions import subscription_findings
from hub.cli.session import opened
from hub.connectors.base import Connector, Finding
from hub.connectors.findings import failed, registrations
from hub.connectors.own_webhooks import KeepsWebhooks
from hub.crm.ownership import left_with_records
from hub.errors import ConfigError, ForbiddenError, HubError
from hub.etl import alerts
from hub.etl.context import Hub
from hub.etl.recovered import has_webhook
from hub.settings.loading import find


def run_checks(config: Path | None, source: str | None) -> list[Finding]:
    """Return findings for the settings, the database and the sources."""
    with opened(config) as (hub, _database, settings):
        if source is not None and source not in hub.sources():
            raise ConfigError(
                f"source {source!r} is not configured",
                hint=f"configured: {', '.join(hub.sources()) or 'none'}",
            )
        findings = [
            Finding("settings", ok=True, message=f"{len(settings.people)} people, "
                    f"{len(settings.groups)} groups, {len(settings.routing.rules)} rules"),
            Finding("database", ok=True, message="open, schema up to date"),
        ]  # fmt: skip
        findings.append(_alerted(hub))
        findings.extend(_left(hub))
        findings.extend(gateway_findings(settings, hub.mappings))
        findings.extend(subscription_findings(hub))
        findings.extend(_unknown(hub, Written(settings, find(config))))
        for name in [source] if source else hub.sources():
            findings.extend(_check(hub, name))
    return findings


def _alerted(hub: Hub) -> Finding:
    """Say whether a failure of a source has a receiver."""
    wanted = [name for block in hub.settings.alerts for name in block.to]
    with hub.engine.begin() as conn:
        receivers_n = len(alerts.receivers_of(conn, wanted))
    if receivers_n:
        return Finding(
            "alerts", ok=True, message=f"{receivers_n} receiver{'' if receivers_n == 1 else 's'}"
        )
    return Finding(
        "alerts", ok=True, message="nobody is told when a source fails: make a user an admin (role: admin), "
        "or name an address under alerts: in hub.yaml",
    )  # fmt: skip


def _left(hub: Hub) -> Sequence[Finding]:
    """Return who has left and still owns open records; it is no failure of the hub."""
    with hub.engine.begin() as conn:
        found = left_with_records(conn)
    return [
        Finding(
            f"user {email}",
            ok=True,
            message=f"is inactive and owns {leads} open leads, {contacts} contacts, {deals} open deals: "
            f"hub user deactivate {email} --to USER|GROUP assigns them",
        )
        for email, leads, contacts, deals in found
    ]


def _unknown(hub: Hub, written: Written) -> list[Finding]:
    """Return the names in hub.yaml that mean nothing, each with its line."""
    with hub.engine.begin() as conn:
        return [
            Finding(
                "rules", ok=not one.is_error, message=f"{one.where}: {one.message}", hint=one.hint
            )
            for one in unknown(conn, written)
        ]


def _check(hub: Hub, source: str) -> Sequence[Finding]:
    try:
        connector = hub.connector(source)
        findings = [*connector.check(), *_webhooks(hub, source, connector)]
    except HubError as exc:
        return [Finding(source, ok=False, message=exc.message, hint=exc.hint or "")]
    return [replace(one, subject=f"{source}/{one.subject}") for one in findings]


def _webhooks(hub: Hub, source: str, connector: Connector) -> Iterator[Finding]:
    """Compare the webhooks that a vendor has with those that hub.yaml wants, where the vendor tells them."""
    wants = hub.settings.gateway.public_url and has_webhook(hub, source)
    if not wants or not isinstance(connector, KeepsWebhooks):
        return
    want = wanted(hub.settings, source)
    try:
        places = connector.registered(want)
    except ForbiddenError as exc:
        yield Finding(
            "webhooks", ok=True, message="the credentials may not read webhooks, so they are not compared with hub.yaml",
            hint=exc.hint or "",
        )  # fmt: skip
        return
    except HubError as exc:
        yield failed("webhooks", exc)
        return
    yield from registrations(source, places, want)
