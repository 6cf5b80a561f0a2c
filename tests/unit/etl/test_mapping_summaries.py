"""A status reads summaries of the mappings: they are those of the documents, also after a document changed."""

import json
from pathlib import Path

import pytest

from hub.errors import ConfigError
from hub.etl import mapping_summaries
from hub.etl.mapping_summaries import summaries
from hub.mappings.loader import load_all, path_of

NAME = "typeform/responses"


def test_summaries_are_those_of_the_documents_and_follow_a_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, own = tmp_path / "home", tmp_path / "own"
    home.mkdir()
    (own / "typeform").mkdir(parents=True)
    shipped = {name: (d.version, d.filled) for name, d in load_all().items()}

    def found(folder: Path | None) -> dict[str, tuple[str, tuple[str, ...]]]:
        return {n: (s.version, s.fields) for n, s in summaries(folder, home).items()}

    assert found(None) == shipped
    with monkeypatch.context() as kept_alone:  # the second time no document is checked
        kept_alone.setattr(mapping_summaries, "_made", lambda _folder: {})
        assert found(None) == shipped

    file = own / f"{NAME}.yaml"
    words = path_of(NAME).read_text()
    file.write_text(words)
    assert found(own) == shipped
    file.write_text(words.replace("trust: open", "trust: trusted"))
    changed = found(own)
    assert [name for name in shipped if changed[name] != shipped[name]] == [NAME]
    assert changed[NAME][0] == load_all(own)[NAME].version
    file.write_text("source: typeform\n")
    with pytest.raises(ConfigError, match=r"responses\.yaml"):
        found(own)
    assert found(None) == shipped

    kept = home / "cache" / "mappings.json"
    for broken in ("", "[]", "{}", json.dumps({"digest": json.loads(kept.read_text())["digest"]})):
        kept.write_text(broken)
        assert found(None) == shipped
    assert [path.name for path in kept.parent.iterdir()] == ["mappings.json"]
    kept.unlink()
    kept.parent.rmdir()
    kept.parent.write_text("no folder")  # nothing can be kept there
    assert found(None) == shipped
