"""The role of a source: followed, migrated once, retired."""

from typing import Any

import pytest
from pydantic import ValidationError

from hub.settings.sources import SourceSettings

BLOCKS: dict[str, dict[str, Any]] = {
    "salesforce": {"domain": "acme.my"},
    "typeform": {},
    "zendesk": {"subdomain": "acme", "email": "a@acme.example.com"},
}


def sources(**roles: str) -> SourceSettings:
    return SourceSettings.model_validate(
        {name: {**BLOCKS[name], "role": role} for name, role in roles.items()}
    )


def test_a_source_is_followed_unless_told_otherwise() -> None:
    found = SourceSettings.model_validate({"salesforce": BLOCKS["salesforce"]})
    assert found.followed() == found.readable() == found.configured() == ["salesforce"]


def test_a_source_to_migrate_is_read_by_name_only_and_a_retired_one_not_at_all() -> None:
    found = sources(salesforce="migrate", typeform="follow", zendesk="retired")
    assert found.configured() == ["salesforce", "typeform", "zendesk"]
    assert found.readable() == ["salesforce", "typeform"]
    assert found.followed() == ["typeform"]


def test_another_role_is_refused() -> None:
    with pytest.raises(ValidationError, match="role"):
        sources(salesforce="inbound")
