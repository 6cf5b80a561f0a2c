"""A first load that was wrong is taken back, and comes again when it is wanted."""

from collections import Counter
from typing import Any

from tests.processes import House, SandboxProcess, house

_MADE = ("lead", "contact", "ticket", "inquiry", "note", "alert")


def _rows(made: House) -> dict[str, int]:
    (counts,) = made.document(
        "sql",
        "SELECT " + ", ".join(f"(SELECT count(*) FROM crm.{t}) AS {t}" for t in _MADE),
    )
    return dict(counts)


def _who_is_who(made: House) -> Counter[str]:
    rows = made.document(
        "sql",
        "SELECT string_agg(source || '/' || stream || '/' || source_id, ' ' ORDER BY source, "
        'stream, source_id COLLATE "C") AS records FROM ops.source_record '
        "WHERE target = 'person' AND withdrawn_by IS NULL GROUP BY entity_id",
    )
    return Counter(row["records"] for row in rows)


def test_a_first_load_is_undone_and_comes_again(vendors: SandboxProcess) -> None:
    with house(migrated=True) as empty, vendors.furnish(empty).served() as made:
        assert made.run("sync").returncode in {0, 3}
        before, people = _rows(made), _who_is_who(made)
        assert before["lead"]
        loads = made.document("batches")
        assert {b["state"] for b in loads} == {"done"}
        assert sum(loads[0]["verdicts"].values())

        said = made.document("undo", str(loads[0]["id"]), "--dry-run")
        assert said["dry_run"]
        assert _rows(made) == before, "a rehearsal changes nothing"
        for load in loads:
            report: dict[str, Any] = made.document("undo", str(load["id"]))
            assert report["blocked"] == report["edited"] == []
        assert _rows(made) == dict.fromkeys(_MADE, 0)
        states = Counter((b["kind"], b["state"]) for b in made.document("batches"))
        assert states == {("sync", "undone"): len(loads), ("undo", "done"): len(loads)}

        assert made.run("sync", "--full").returncode in {0, 3}
        assert _rows(made) == before
        assert _who_is_who(made) == people


def test_what_cannot_be_undone_is_exit_code_2(loaded: House) -> None:
    done = loaded.run("undo", "999999")
    assert done.returncode == 2
    assert done.stderr.startswith("error: there is no batch 999999"), done.stderr
    assert "Traceback" not in done.stderr
    shown = loaded.run("batches")
    assert "salesforce" in shown.stdout
