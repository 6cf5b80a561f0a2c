"""The file of `hub init` is valid, names the needs of each source, and has no secret."""

import re
from pathlib import Path

import pytest

from hub.cli.init import choices_of
from hub.cli.init_sources import SOURCES, Choices, asked, render, secrets_of
from hub.errors import ConfigError
from hub.settings import load

SETTINGS = (
    "salesforce.domain=acme.my", "salesforce.client_id=no", "zendesk.subdomain=acme",
    "zendesk.email=admin@example.com",
)  # fmt: skip


def _settings_of(*sources: str) -> list[str]:
    return [one for one in SETTINGS if one.partition(".")[0] in sources]


@pytest.mark.parametrize("source", SOURCES)
def test_only_the_chosen_source_is_written_and_it_holds(source: str, tmp_path: Path) -> None:
    choices = choices_of([source], _settings_of(source), ["Zoé <zoe@example.com>"])
    file = tmp_path / "hub.yaml"
    file.write_text(render(choices), encoding="utf-8")
    settings = load(file, {})
    assert settings.sources.configured() == [source]
    assert [(p.email, p.name) for p in settings.people] == [("zoe@example.com", "Zoé")]
    (variable,) = secrets_of(choices)
    assert variable in file.read_text()
    assert variable.startswith(f"HUB_SOURCES__{source.upper()}__")
    assert load(file, {variable: "s3cret"}).sources.configured() == [source]


def test_every_commented_setting_holds_when_its_mark_is_taken_away(tmp_path: Path) -> None:
    words = render(choices_of(SOURCES, SETTINGS, []))
    file = tmp_path / "hub.yaml"
    file.write_text(re.sub(r"(?m)^    # (?!needs )", "    ", words))
    settings = load(file, {})
    assert settings.sources.configured() == sorted(SOURCES)
    assert settings.sources.salesforce
    assert settings.sources.salesforce.client_id == "no", "a word that YAML takes for another"


def test_samples_are_comments(tmp_path: Path) -> None:
    file = tmp_path / "hub.yaml"
    file.write_text(render(Choices({"typeform": {}}, samples=("salesforce", "zendesk"))))
    assert load(file, {}).sources.configured() == ["typeform"]
    assert "# zendesk:" in file.read_text()


def test_a_login_by_name_and_password_asks_for_the_name() -> None:
    assert asked("salesforce", {"auth": "soap"}) == ["domain", "auth", "username"]
    choices = choices_of(
        ["salesforce"],
        ["salesforce.domain=a", "salesforce.auth=soap", "salesforce.username=u@example.com"],
        [],
    )
    assert secrets_of(choices) == ["HUB_SOURCES__SALESFORCE__PASSWORD"]


@pytest.mark.parametrize(
    ("sources", "settings", "owners", "words"),
    [
        (["zendsk"], [], [], "no source 'zendsk'"),
        (["zendesk"], ["zendesk.email=a@b.example"], [], "zendesk.subdomain is missing"),
        (["typeform"], ["typeform.token=tfp_1"], [], "is a secret"),
        (["typeform"], ["typeform.page_size=many"], [], "typeform.page_size: "),
        (["typeform"], ["typeform.page=1"], [], "no setting 'page'"),
        (["typeform"], ["hubspot.api_version=v3"], [], "of the chosen sources"),
        (["typeform"], ["typeform.forms"], [], "of the chosen sources"),
        (["typeform"], [], ["Ada"], "not an address"),
    ],
)
def test_a_choice_that_does_not_fit_is_told(
    sources: list[str], settings: list[str], owners: list[str], words: str
) -> None:
    with pytest.raises(ConfigError, match=words):
        choices_of(sources, settings, owners)
