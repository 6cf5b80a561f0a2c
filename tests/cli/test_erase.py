"""`hub erase` as a command: what it prints, how it ends, and that a backup does not bring anybody back."""

from tests.processes import House


def test_erase_from_the_dry_run_to_the_restored_backup(loaded: House) -> None:
    made = loaded.copy_to(loaded.root.parent / "erase")
    with made.served():
        (lead,) = made.document(
            "sql",
            "SELECT l.email FROM reporting.leads l WHERE l.email LIKE '%@%' AND l.email NOT LIKE 'info@%' "
            "AND (SELECT count(*) FROM reporting.leads o WHERE o.email = l.email) = 1 "
            "AND l.phone IS NULL ORDER BY l.id LIMIT 1",
        )  # fmt: skip
        email = lead["email"]
        said = made.document("erase", email, "--dry-run")
        assert (said["dry_run"], said["batch"]) == (True, None)
        backup = made.document("backup")["file"]
        shown = made.run("erase", email.upper())
        assert shown.returncode == 0, shown.stderr
        assert max(map(len, shown.stdout.splitlines())) <= 80
        assert "Tombstones" in shown.stdout
        assert backup in "".join(shown.stderr.split()), "the backup of before is named"
        (kept,) = made.document("erase", "--list")
        assert kept["tombstones"] == sum(said["tombstones"].values())
        assert made.run("erase", email, "--list").returncode == 2
        again = made.document("restore", backup)
        assert again["erased_again"] == [kept["erasure"]]
        assert made.run("sync", "--full").returncode in {0, 3}
        assert _rows_that_say(made, email) == []
        assert made.document("erase", "--list")[0]["blocked"] >= 1


def _rows_that_say(made: House, email: str) -> list[object]:
    tables = (
        "landing.raw",
        "ops.source_record",
        "crm.lead",
        "crm.contact",
        "ops.outbox",
        "crm.alert",
    )
    parts = (
        f"SELECT CAST(t AS text) AS row FROM {table} t "
        f"WHERE strpos(lower(CAST(t AS text)), '{email.lower()}') > 0"
        for table in tables
    )
    rows: list[object] = made.document("sql", " UNION ALL ".join(parts))
    return rows
