"""The role of a source is set in hub.yaml in place: one line changes, every other byte stays."""

import shutil
from pathlib import Path

import pytest

from hub.errors import ConfigError
from hub.settings.editing import write_role

HEAD = "people: []\nsources:\n"
EDITED = {
    "a new line, before the first setting": (
        "  salesforce:  # production\n    # My Domain\n    domain: acme.my\n  hubspot: {}\n",
        "  salesforce:  # production\n    # My Domain\n    role: retired\n    domain: acme.my\n  hubspot: {}\n",
        5,
    ),
    "the line that stands, with its comment": (
        "  salesforce:\n    domain: acme.my\n    role: migrate  # until Saturday\n    lag_s: 60\n",
        "  salesforce:\n    domain: acme.my\n    role: retired  # until Saturday\n    lag_s: 60\n",
        5,
    ),
    "quotes, and no end of the last line": (
        "  salesforce:\n      role: 'follow'\n      domain: acme.my",
        "  salesforce:\n      role: retired\n      domain: acme.my",
        4,
    ),
    "lines of Windows": (
        "  salesforce:\r\n    domain: acme.my\r\n",
        "  salesforce:\r\n    role: retired\r\n    domain: acme.my\r\n",
        4,
    ),
}
REFUSED = {
    "a block on one line": "  salesforce: {domain: acme.my}\n",
    "an empty block": "  salesforce:\n",
    "settings of another block": "  hubspot: &a\n    role: follow\n  salesforce: *a\n",
    "a block that another one shares": "  salesforce: &a\n    domain: x\n  hubspot: *a\n",
    "another source only": "  hubspot:\n    role: follow\n",
}


@pytest.mark.parametrize("name", EDITED)
def test_only_the_role_changes(tmp_path: Path, name: str) -> None:
    before, after, line = EDITED[name]
    path = tmp_path / "hub.yaml"
    path.write_bytes((HEAD + before).encode())
    path.chmod(0o640)
    link = tmp_path / "link.yaml"
    link.symlink_to(path)

    assert write_role(link, "salesforce", "retired") == f"{link}:{line}"

    assert path.read_bytes() == (HEAD + after).encode()
    assert (path.stat().st_mode & 0o777, link.is_symlink()) == (0o640, True)
    assert sorted(one.name for one in tmp_path.iterdir()) == ["hub.yaml", "link.yaml"]


@pytest.mark.parametrize("name", REFUSED)
def test_another_form_is_left_to_the_user(tmp_path: Path, name: str) -> None:
    path = tmp_path / "hub.yaml"
    path.write_text(HEAD + REFUSED[name])
    with pytest.raises(ConfigError, match="was not changed") as refused:
        write_role(path, "salesforce", "retired")
    assert "role: retired" in (refused.value.hint or "")
    assert path.read_text() == HEAD + REFUSED[name]


def test_a_file_that_cannot_be_written_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "hub.yaml"
    path.write_text(HEAD + EDITED["lines of Windows"][0])

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shutil, "copymode", full)
    with pytest.raises(ConfigError, match="No space left on device"):
        write_role(path, "salesforce", "retired")
    assert [one.name for one in tmp_path.iterdir()] == ["hub.yaml"]
