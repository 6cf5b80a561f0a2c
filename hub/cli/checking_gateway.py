"""What `hub check` says of the gateway: its public address, secrets of webhooks, mappings of hooks, the key of links."""

from collections.abc import Iterator, Mapping
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from hub.connectors.base import Finding
from hub.connectors.webhooks import SENDERS
from hub.errors import ConfigError
from hub.mappings.document import MappingDocument
from hub.model.standard_webhooks import key_of
from hub.model.verdicts import Trust
from hub.records.link_key import link_key
from hub.settings import HookSettings, Settings, secret_variable


def gateway_findings(
    settings: Settings, mappings: Mapping[str, MappingDocument]
) -> Iterator[Finding]:
    """Return the findings; none for a hub that takes nothing from outside."""
    yield from _address(settings)
    if settings.gateway.public_url:
        yield from _unset(settings)
    for name, hook in sorted(settings.hooks.items()):
        yield from _hook(name, hook, mappings)
    if settings.forms and not settings.gateway.public_url:
        yield Finding(
            "forms", ok=True, message="a ticked box is never confirmed, because gateway.public_url is not set: "
            "no mail can name the address of a confirmation",
        )  # fmt: skip
    elif settings.forms:
        yield _links(settings.home)


def _links(home: Path) -> Finding:
    """Say whether links that confirm a consent can be signed."""
    try:
        link_key(home)
    except ConfigError as exc:
        return Finding("forms", ok=False, message=exc.message, hint=exc.hint or "")
    return Finding("forms", ok=True, message="a mail asks to confirm a ticked box")


def _address(settings: Settings) -> Iterator[Finding]:
    url = settings.gateway.public_url
    hubspot = settings.sources.hubspot
    if url is None:
        if hubspot is not None and hubspot.webhook_secret is not None:
            yield Finding(
                "gateway", ok=False,
                message="gateway.public_url is not set: HubSpot signs this address, so its webhooks are refused",
                hint="set gateway.public_url in hub.yaml to the address that HubSpot calls, "
                "such as https://hub.example.com",
            )  # fmt: skip
        return
    parts = urlsplit(url)
    if parts.scheme == "https" or _is_here(parts.hostname or ""):
        yield Finding("gateway", ok=True, message=f"called at {url}")
    else:
        yield Finding(
            "gateway", ok=False, message=f"gateway.public_url is {url}, without TLS: forms, tokens and hooks would be "
            "readable on the way", hint="put a reverse proxy with TLS in front of the gateway, and write https://",
        )  # fmt: skip


def _is_here(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _unset(settings: Settings) -> Iterator[Finding]:
    """Name the sources whose webhooks are refused for want of a secret; their polls go on."""
    for source in SENDERS:
        block = getattr(settings.sources, source)
        if block is None or block.role in {"migrate", "retired"}:
            continue
        if block.webhook_secret is None and getattr(block, "signing_secret", None) is None:
            variable = secret_variable("sources", source, "webhook_secret")
            yield Finding(
                f"{source}/webhooks", ok=True,
                message=f"refused: there is no secret ({variable}); polls find what changes",
            )  # fmt: skip


def _hook(
    name: str, hook: HookSettings, mappings: Mapping[str, MappingDocument]
) -> Iterator[Finding]:
    subject, mapping = f"hook {name}", f"{name}/{hook.stream}"
    variable = secret_variable("hooks", name, "secret")
    if hook.secret is None:
        yield Finding(
            subject, ok=False, message="there is no secret, so each delivery is refused",
            hint=f"set {variable} to the secret of the sender (whsec_…), or {variable}_FILE to a file that has it",
        )  # fmt: skip
    elif key_of(hook.secret.get_secret_value()) is None:
        yield Finding(
            subject, ok=False, message=f"{variable} is no secret of Standard Webhooks",
            hint="such a secret is whsec_ and the base64 of 24 to 64 bytes",
        )  # fmt: skip
    document = mappings.get(mapping)
    if document is None:
        yield Finding(
            subject, ok=False, message=f"there is no mapping {mapping}: records are kept and become no leads",
            hint=f"write {mapping}.yaml in the folder mappings_dir; docs/webhooks.md has an example",
        )  # fmt: skip
    elif document.trust is not Trust.OPEN:
        yield Finding(
            subject, ok=True, message=f"the mapping {mapping} is trusted: its values may replace what other sources say "
            "(trust: open fills blanks only)",
        )  # fmt: skip
    else:
        yield Finding(subject, ok=True, message=f"mapped by {mapping}")
