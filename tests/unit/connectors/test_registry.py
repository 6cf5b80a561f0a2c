"""Settings blocks become connectors, secrets opened only on the way in."""

import dataclasses
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import SecretStr

from hub.clock import FixedClock
from hub.connectors.hubspot.client import HubspotConfig
from hub.connectors.registry import KNOWN, connect, streams_of, to_config
from hub.connectors.salesforce.client import SalesforceConfig
from hub.connectors.typeform.client import TypeformConfig
from hub.errors import ConfigError

CLOCK = FixedClock(datetime(2026, 11, 24, tzinfo=UTC))
BLOCKS = {
    "hubspot": SimpleNamespace(token=SecretStr("s3cret"), api_version="2026-03", page_size=100),
    "mailchimp": SimpleNamespace(api_key=SecretStr("s3cret-us1"), lists=[]),
    "salesforce": SimpleNamespace(
        domain="acme.my", client_secret=SecretStr("s3cret"), password=None
    ),
    "sell": SimpleNamespace(token=SecretStr("s3cret"), range_size=500),
    "typeform": SimpleNamespace(token=SecretStr("s3cret"), forms=["a", "b"], base_url="https://h/"),
    "zendesk": SimpleNamespace(
        subdomain="acme", email="a@b.example", api_token=SecretStr("s3cret")
    ),
}


@pytest.mark.parametrize("source", KNOWN)
def test_each_known_source_connects_without_a_request(source):
    one = connect(source, BLOCKS[source], CLOCK)
    assert one.source == source
    assert list(one.streams()) == list(streams_of(source))


def test_unknown_source():
    with pytest.raises(ConfigError, match="unknown source"):
        connect("acme", object(), CLOCK)
    with pytest.raises(ConfigError, match="unknown source"):
        streams_of("acme")


def test_values_are_taken_over_and_none_means_the_default():
    config = to_config(SalesforceConfig, BLOCKS["salesforce"])
    assert config.client_secret == "s3cret"
    assert config.password == ""
    assert to_config(TypeformConfig, BLOCKS["typeform"]).forms == ("a", "b")


@pytest.mark.parametrize(
    ("kind", "source"),
    [(HubspotConfig, "hubspot"), (SalesforceConfig, "salesforce"), (TypeformConfig, "typeform")],
)
def test_no_secret_in_a_printed_config(kind, source):
    assert "s3cret" not in repr(to_config(kind, BLOCKS[source]))


def test_a_key_does_not_travel_in_clear():
    block = SimpleNamespace(token=SecretStr("s3cret"), base_url="http://api.example.com")
    with pytest.raises(ConfigError, match="loopback"):
        connect("typeform", block, CLOCK)


def test_the_hubs_own_settings_fit():
    settings = pytest.importorskip("hub.settings")
    blocks = {
        "hubspot": settings.HubspotSettings(),
        "salesforce": settings.SalesforceSettings(domain="acme.my"),
        "typeform": settings.TypeformSettings(),
    }
    kinds: dict[str, Any] = {
        "hubspot": HubspotConfig,
        "salesforce": SalesforceConfig,
        "typeform": TypeformConfig,
    }
    for source, block in blocks.items():
        names = set(type(block).model_fields)
        of_the_flow = {"poll_s", "refresh_after_s", "role"}  # said to the hub, not to the connector
        assert names - of_the_flow == {one.name for one in dataclasses.fields(kinds[source])}
        assert connect(source, block, CLOCK).source == source
