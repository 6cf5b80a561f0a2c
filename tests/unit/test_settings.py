"""hub.yaml and the environment: a mistake names file, line and the nearest key."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from hub.connectors.registry import KNOWN, streams_of
from hub.errors import ConfigError
from hub.settings import Settings, block_of, load
from hub.settings.blocks import CrmSettings
from hub.settings.mistakes import explained

PEOPLE = """\
people:
  - {email: ada@example.com, name: Ada}
groups:
  - {name: sales, members: [ada@example.com]}
"""


def settings_of(
    tmp_path: Path, content: str | bytes, env: Mapping[str, str] | None = None
) -> Settings:
    path = tmp_path / "hub.yaml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return load(path, env or {})


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("sources:\n  salesfroce: {}\n", (":2:", "sources.salesfroce", "'salesforce'")),
        ("\n\nsmtp:\n  hsot: x\n", (":4:", "smtp.hsot", "'host'")),
        ("entirely: x\n", (":1:", "entirely", "people")),
        ("sources:\n  salesforce: {}\n", (":2:", "sources.salesforce.domain", "missing")),
        ("smtp:\n  port: many\n", (":2:", "smtp.port", "whole number")),
        ("smtp:\n  port: 70000\n", (":2:", "smtp.port", "65535")),
        ("smtp: [1]\n", (":1:", "smtp must be a block of settings")),
        (
            "routing: {fallback: ada@example.com}\n",
            ("routing.fallback does not have the right form",),
        ),
        ("people:\n  - {email: [\n", (":3:", "YAML")),
        ("- a\n- b\n", (":1:", "key: value")),
        ("1: x\n", (":1:",)),
        ("people: []\nhome: 2026-02-30\n", (":2:", "day is out of range")),
        (f"\nhome: {'9' * 5000}\n", (":2:",)),
        ("smtp: &a {host: *a}\n", ("contains itself",)),
        ("home: " + "[" * 3000 + "]" * 3000, ("too deeply",)),
        (b"home: \xff\xfe\n", ("cannot read",)),
        ("home: a\0b\n", ("cannot read",)),
        (
            "sources:\n  typeform:\n    token: abc\n",
            (":3:", "secret", "HUB_SOURCES__TYPEFORM__TOKEN", "_FILE"),
        ),
        ("smtp:\n  password: abc\n", (":2:", "HUB_SMTP__PASSWORD")),
        ("database_url: postgresql://a:b@c/d\n", (":1:", "HUB_DATABASE_URL")),
        (PEOPLE + "  - {name: sales, members: [ada@example.com]}\n", ("twice",)),
        (PEOPLE.replace("[ada@", "[bob@"), ("bob@example.com", "people")),
        (PEOPLE + "routing: {fallback: 'user:eve@example.com'}\n", ("user:eve@", "people")),
        (PEOPLE.replace("[ada@example.com]", "[ada@example.com, Ada@Example.com]"), ("twice",)),
        (
            PEOPLE.replace("Ada}", "Ada, away: {from: 2026-02-03, until: 2026-02-01}}"),
            (":2:", "first"),
        ),
        (PEOPLE.replace("Ada}", "Ada, away: {}}"), (":2:", "first day")),
        (
            PEOPLE.replace("[ada@", "[{email: ada@").replace("com]}", "com, wieght: 2}]}"),
            (":4:", "'weight'"),
        ),
        (PEOPLE + "routing: {fallback: 'sales'}\n", (":5:", "fallback")),
    ],
)
def test_a_mistake_names_file_line_and_what_is_near(
    tmp_path: Path, content: str | bytes, says: tuple[str, ...]
) -> None:
    with pytest.raises(ConfigError) as caught:
        settings_of(tmp_path, content)
    told = f"{caught.value.message} {caught.value.hint}"
    assert str(tmp_path / "hub.yaml") in told
    for words in says:
        assert words in told
    assert "abc" not in told
    assert "a:b@c" not in told


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ("public_url: hub.example.com", "as the vendors call it"),
        ("public_url: https://me:pw@hub.example.com", "as the vendors call it"),
        ("public_url: https://hub.example.com/?a=1", "without `?`"),
        ("trusted_proxies: [10.0.0.0/33]", "10.0.0.0/33"),
        ("max_body: 10", "1000"),
    ],
)
def test_a_gateway_that_cannot_work_is_refused(tmp_path: Path, written: str, says: str) -> None:
    with pytest.raises(ConfigError, match=":2:") as caught:
        settings_of(tmp_path, f"gateway:\n  {written}\n")
    assert says in caught.value.message


def test_the_gateway_is_called_by_its_public_address(tmp_path: Path) -> None:
    written = "public_url: https://hub.example.com/in/\n  trusted_proxies: [10.0.0.1, 'fd00::/8']"
    got = settings_of(tmp_path, f"gateway:\n  {written}\n").gateway
    assert got.public_url == "https://hub.example.com/in"
    assert got.trusted_proxies == ["10.0.0.1/32", "fd00::/8"]
    assert (got.bind, settings_of(tmp_path, "", {"HUB_GATEWAY__PORT": "9"}).gateway.port) == (
        "127.0.0.1",
        9,
    )


def test_a_block_that_is_not_written_down_can_be_set_by_the_environment(tmp_path: Path) -> None:
    env = {"HUB_SMTP__PORT": "2525", "HUB_COMPANY__DEFAULT_REGION": "GB"}
    got = settings_of(tmp_path, "smtp:\n", env)
    assert (got.smtp.port, got.company.default_region) == (2525, "GB")


def test_the_environment_stands_over_the_file_and_a_file_holds_a_secret(tmp_path: Path) -> None:
    secret = tmp_path / "token"
    secret.write_text("from a file\n")
    env = {
        "HUB_SMTP__HOST": "mail.example.com",
        "HUB_SOURCES__TYPEFORM__TOKEN_FILE": str(secret),
        "HUB_SOURCES__SALESFORCE__CLIENT_SECRET": "of a source that is not configured",
        "HUB_SMTP__PASSWORD": " pasted with a line break\n",
        "HUB_HOME": str(tmp_path / "h"),
    }
    got = settings_of(tmp_path, "smtp: {host: a}\nsources: {typeform: {}}\n", env)
    assert got.smtp.host == "mail.example.com"
    assert got.smtp.password is not None
    assert got.smtp.password.get_secret_value() == "pasted with a line break"
    assert got.sources.typeform is not None
    assert got.sources.typeform.token is not None
    assert got.sources.typeform.token.get_secret_value() == "from a file"
    assert got.sources.salesforce is None
    assert got.home == tmp_path / "h"
    assert "from a file" not in str(got.redacted())


WRONG: tuple[Any, ...] = ("§§", "", -1, 1.5, True, None, [], ["§"], {}, {"§": "§"}, [[]], [{}])


def _places(model: type[BaseModel], place: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name, held in model.model_fields.items():
        yield (*place, name)
        inner = [held.annotation, *getattr(held.annotation, "__args__", ())]
        for one in inner:
            if isinstance(one, type) and issubclass(one, BaseModel) and one not in (list, dict):
                yield from _places(one, (*place, name))


def test_a_wrong_value_of_any_setting_is_told_in_plain_words() -> None:
    told = []
    for place in _places(Settings):
        for value in WRONG:
            document: Any = value
            for part in reversed(place):
                document = {part: document}
            try:
                Settings.model_validate({"home": "."} | document)
            except ValidationError as exc:
                told.append((place, value, explained(exc, str).message))
    assert len(told) > 500
    assert [one for one in told if "should" in one[2] or "error" in one[2].lower()] == []


@pytest.mark.parametrize("source", KNOWN)
def test_a_part_to_skip_is_a_stream_or_one_of_what_it_reads(source: str) -> None:
    block = block_of(source)
    given = {"domain": "acme.my"} if source == "salesforce" else {}
    for stream in streams_of(source):
        assert block.model_validate({**given, "skip": [stream.part]})
    with pytest.raises(ValidationError, match="there is no part 'nonsense'; known: "):
        block.model_validate({**given, "skip": ["nonsense"]})
    each = {"typeform": "forms/abc", "mailchimp": "lists/abc"}
    for owner, part in each.items():
        if owner == source:
            assert block.model_validate({"skip": [part]})
        else:
            with pytest.raises(ValidationError):
                block.model_validate({**given, "skip": [part]})


@pytest.mark.parametrize("code", ["ZZZ", "XXX", "euro", "Eur"])
def test_an_unknown_currency_of_the_team_is_refused(code: str) -> None:
    with pytest.raises(ValidationError):
        CrmSettings(currency=code)
    assert CrmSettings(currency="JPY").currency == "JPY"
