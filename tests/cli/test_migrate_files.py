"""`hub migrate FILE`: propose a mapping, try it, load it; every mistake is one sentence."""

import json
from pathlib import Path

from tests.processes import House


def test_a_file_is_proposed_tried_and_loaded(served: House, tmp_path: Path) -> None:
    file = tmp_path / "leads.csv"
    file.write_text(
        "Prénom;Nom;E-mail;Créé le;Budget\nZoé;Roux;zoe@roux.example;01/02/2025;5\nIda;Berg;no address;02/03/2025;\nx;y\n"
    )
    mapping = tmp_path / "m.yaml"
    proposed = served.run("migrate", str(file), "--propose", str(mapping))
    assert proposed.returncode == 0, proposed.stderr
    assert "--mapping" in proposed.stdout
    assert 'dates: "?"' in mapping.read_text()
    again = served.run("migrate", str(file), "--propose", str(mapping))
    assert again.returncode == 2
    assert "cannot write" in again.stderr

    mapping.write_text(mapping.read_text().replace('dates: "?"', "dates: day_first"))
    tried = served.run("migrate", str(file), "--mapping", str(mapping), "--dry-run", "--json")
    assert tried.returncode == 3, tried.stderr
    told = " ".join(tried.stderr.split())
    assert "1 row cannot be read (line 4" in told
    plan = json.loads(tried.stdout)
    assert served.run("lead", "list", "--json").stdout.count("zoe@roux.example") == 0

    loaded = served.run("migrate", "--apply", str(plan["batch"]), "--json")
    assert loaded.returncode == 3, loaded.stderr
    became = {r["source_id"]: r["verdict"] for r in json.loads(loaded.stdout)["records"]}
    assert sorted(became.values()) == ["created", "created", "rejected"]
    assert became["leads.csv:4"] == "rejected"

    missing = served.run("migrate", str(tmp_path / "none.csv"))
    assert missing.returncode == 2
    assert "is no configured source and no file" in " ".join(missing.stderr.split())
    for words, said in (
        (("salesforce", str(file)), "salesforce is a source: it is migrated alone"),
        ((str(file), "--at", "2036-12-06 06:00"), "files are loaded at once"),
        ((str(file), "--delta"), "--delta needs one configured source"),
    ):
        refused = served.run("migrate", *words)
        assert refused.returncode == 2, words
        assert said in " ".join(refused.stderr.split())
    answers = tmp_path / "answers.yaml"
    asked = served.run("migrate", str(file), "--mapping", str(mapping), "--inventory", "--questions", str(answers))  # fmt: skip
    assert asked.returncode == 0, asked.stderr
    _said(asked.stdout, answers, mapping)
    gone = served.run("undo", str(plan["batch"]))
    assert "hub migrate FILE … imports it again" in gone.stdout
    tried = served.document("migrate", str(file), "--mapping", str(mapping), "--dry-run", code=3)
    told = served.run("migrate", "--discard", str(tried["batch"])).stdout
    assert "discarded. Nothing of it was loaded." in told
    preview = served.run("mappings", "preview", "csv/leads", str(file))
    (first, *_) = json.loads(preview.stdout)["records"]
    assert first["values"]["last_name"] == "Roux"


def _said(told: str, answers: Path, mapping: Path) -> None:
    """Check what is told of the questions that were written."""
    assert f"--mapping {mapping} --dry-run tries the answers" in " ".join(told.split())
    assert answers.read_text().startswith("# Answers for csv.")
