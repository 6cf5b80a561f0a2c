"""`hub dedupe`: the matcher alone, on any table, as a process."""

import csv
import json
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

from bench.people import csv_headers, people, write_csv
from bench.scoring import quality


def dedupe(folder: Path, *args: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a folder without home or configuration."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("HUB_")}
    return subprocess.run(
        [sys.executable, "-c", "from hub.cli.app import main; main()", "dedupe", *args],
        cwd=folder, env={**env, "PYTHONPATH": str(Path.cwd())}, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


def _table(folder: Path, text: str | bytes) -> str:
    raw = text if isinstance(text, bytes) else text.encode()
    (folder / "people.csv").write_bytes(raw)
    return "people.csv"


def _read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


@pytest.mark.parametrize("locale", ["fr", "de", "es"])
def test_strangers_table_is_matched(tmp_path: Path, locale: str) -> None:
    made = people(81, 500, locales=[locale], with_birth=True)
    write_csv(tmp_path / "p.csv", made.rows, headers=csv_headers(locale))
    done = dedupe(tmp_path, "p.csv", "--out", "c.csv", "--report", "r.html", "--json")
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    found = _read(tmp_path / "c.csv")
    assert list(found[0]) == ["row", "cluster", "score", "decision"]
    assert [int(line["row"]) for line in found] == list(range(len(made.rows)))
    score = quality(made.person, [line["cluster"] for line in found])
    assert score.precision >= 0.99
    assert score.f1 >= 0.94
    assert summary["rows"] == len(made.rows)
    assert summary["clusters"] == len({line["cluster"] for line in found})
    assert {line["decision"] for line in found} <= {"same", "unsure", "alone"}
    assert all(line["score"] for line in found if line["decision"] == "same")
    assert not (tmp_path / ".hub").exists()


SMALL = Path("tests/data/matching")


@pytest.mark.parametrize("size", [3, 10, 22, 42, 400])
def test_identical_rows_are_one_person_however_small_the_table(tmp_path: Path, size: int) -> None:
    """Rows with only a name and a number, written in two ways, are joined; no other rows are."""
    *strangers, one, two = _read(SMALL / "small-table-22-rows.csv")
    more = people(5, 400, locales=["fr"]).rows[: max(size - 22, 0)]
    rows = [one, two, *strangers, *more][:size]
    with (tmp_path / "p.csv").open("w", encoding="utf-8", newline="") as out:
        table = csv.DictWriter(out, list(one), extrasaction="ignore")
        table.writeheader()
        table.writerows(rows)
    done = dedupe(tmp_path, "p.csv", "--out", "c.csv", "--json")
    assert done.returncode == 0, done.stderr
    found = _read(tmp_path / "c.csv")[:22]
    assert [line["decision"] for line in found[:2]] == ["same", "same"]
    assert [line["decision"] for line in found[2:]] == ["alone"] * (min(size, 22) - 2)


def test_three_rows_are_enough_to_see_two_identical_ones(tmp_path: Path) -> None:
    table = _table(tmp_path, (SMALL / "small-table.csv").read_bytes())
    done = dedupe(tmp_path, table, "--out", "c.csv")
    assert done.returncode == 0, done.stderr
    assert [one["decision"] for one in _read(tmp_path / "c.csv")] == ["same", "same", "alone"]


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []
        self.links: list[str | None] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        self.links += [v for k, v in attrs if k in {"src", "href"}]


def test_report_is_one_file_and_escapes(tmp_path: Path) -> None:
    name = "<script>alert(1)</script>"
    file = _table(tmp_path, f"first_name,last_name,email,phone\nEva,{name},eva@free.fr,\nEva,{name},eva@free.fr,\nAnna,Karl,,0612345678\nAnna,Berg,,0612345678\n")  # fmt: skip
    done = dedupe(tmp_path, file, "--report", "r.html")
    assert done.returncode == 0, done.stderr
    text = (tmp_path / "r.html").read_text()
    tags = _Tags()
    tags.feed(text)
    assert "script" not in tags.seen
    assert tags.links == []
    assert not re.search(r"url\(|@import|https?://", text)
    assert "&lt;script&gt;" in text


def test_unsure_pairs_show_their_weights(tmp_path: Path) -> None:
    made = people(82, 400, locales=["fr"])
    write_csv(tmp_path / "p.csv", made.rows)
    done = dedupe(tmp_path, "p.csv", "--report", "r.html", "--json")
    text = (tmp_path / "r.html").read_text()
    assert json.loads(done.stdout)["pairs_to_review"] > 0
    assert text.count("<svg") == json.loads(done.stdout)["pairs_to_review"]
    assert "name:full" in text
    assert (tmp_path / "clusters.csv").exists(), "the default of --out"


def test_mapping_names_the_columns(tmp_path: Path) -> None:
    file = _table(tmp_path, "a;b;c\neva@free.fr;Eva;Roux\nEVA@free.fr;Eva;Roux\n")
    (tmp_path / "m.yaml").write_text("email: a\nfirst_name: b\nlast_name: c\n")
    done = dedupe(tmp_path, file, "--mapping", "m.yaml", "--json")
    assert json.loads(done.stdout)["clusters"] == 1
    assert [line["cluster"] for line in _read(tmp_path / "clusters.csv")] == ["0", "0"]


MISTAKES = [
    (b"", "is empty"),
    (b"  \n\n", "is empty"),
    (b"a\x00b,c\n1,2\n", "not a text file"),
    (b"first_name,last_name,last_name\na,b,c\n", "twice"),
    (b"eva@free.fr,Eva,Roux\nkarl@free.fr,Karl,Berg\n", "no header"),
    (b"price,colour\n1,red\n", "no usable column"),
    (b"first_name,last_name\n", "no rows"),
]


@pytest.mark.parametrize(("raw", "message"), MISTAKES, ids=[m for _, m in MISTAKES])
def test_mistake_is_one_line(tmp_path: Path, raw: bytes, message: str) -> None:
    done = dedupe(tmp_path, _table(tmp_path, raw))
    assert done.returncode == 2
    assert message in done.stderr
    first, *rest = done.stderr.strip().splitlines()
    assert first.startswith("error:")
    assert len(rest) <= 1
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "clusters.csv").exists()


@pytest.mark.parametrize(
    "args",
    [("nowhere.csv",), (".",), ("ok.csv", "--mapping", "nowhere.yaml"), ("ok.csv", "--out", "no/where.csv"), ("ok.csv", "--report", "no/where.html")],
)  # fmt: skip
def test_what_cannot_be_read_or_written_is_said(tmp_path: Path, args: tuple[str, ...]) -> None:
    (tmp_path / "ok.csv").write_text("email\na@b.fr\n")
    done = dedupe(tmp_path, *args)
    assert done.returncode == 2
    assert done.stderr.startswith("error: cannot")


@pytest.mark.parametrize("encoding", ["cp1252", "utf-16", "utf-8-sig"])
def test_the_encoding_of_a_table_is_found(tmp_path: Path, encoding: str) -> None:
    text = "prénom;nom;société\nZoé;Lefèvre;Générale\nZOÉ;Lefèvre;Générale\nÉmile;Brûlé;Forêt\n"
    done = dedupe(tmp_path, _table(tmp_path, text.encode(encoding)), "--json")
    assert json.loads(done.stdout)["clusters"] == 2


def test_odd_tables_are_survived(tmp_path: Path) -> None:
    text = (
        '\ufeffName\tE-Mail\n"Roux, Eva"\teva@free.fr\nshort\n\nEva\u2028Roux\tEVA@free.fr\textra\n'
    )
    done = dedupe(tmp_path, _table(tmp_path, text), "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["rows"] == 3
    assert [line["cluster"] for line in _read(tmp_path / "clusters.csv")] == ["0", "1", "0"]
