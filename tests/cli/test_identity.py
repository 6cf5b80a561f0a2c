"""Explain, decide and take back, as typed by hand."""

import os
import pwd

from tests.processes import House

LOGIN = pwd.getpwuid(os.getuid()).pw_name


def test_two_leads_are_merged_explained_and_parted_again(served: House) -> None:
    rows = served.document(
        "sql",
        "SELECT l.id, s.source || '/' || s.stream || '/' || s.source_id AS record "
        "FROM crm.lead l JOIN ops.source_record s USING (entity_id) "
        "WHERE s.target = 'person' AND l.merged_into IS NULL ORDER BY l.id, s.id",
    )
    one, two = ({**row} for row in (rows[0], rows[-1]))
    assert one["id"] != two["id"]
    done = served.run("edit", str(two["id"]), "city=Oslo")
    assert done.returncode == 0, done.stderr

    served.document("merge", str(one["id"]), str(two["id"]))
    explained = served.document("explain", one["record"])
    assert explained["fields"]["city"]["record"] == f"edit/{LOGIN}"
    assert explained["fields"]["city"]["value"] == "Oslo"
    assert two["record"] in [r["record"] for r in explained["records"]]
    assert any(link["made_by"].startswith("person:") for link in explained["links"])
    page = served.root / "person.html"
    shown = served.run("explain", str(one["id"]), "--html", str(page))
    assert "<svg" in page.read_text()
    assert "Oslo" in page.read_text()
    assert shown.returncode == 0
    assert "Oslo" in shown.stdout

    served.document("unmerge", str(max(one["id"], two["id"])))
    parted = served.document("explain", one["record"])
    assert two["record"] not in [r["record"] for r in parted["records"]]
    served.document("edit", str(two["id"]), "city", "--take-back")


def test_what_cannot_be_done_is_exit_code_2(served: House) -> None:
    for arguments in (
        ("explain", "999999"),
        ("merge", "999999", "999998"),
        ("unmerge", "nobody"),
        ("edit", "999999", "city=Oslo"),
        ("edit", "999999", "city"),
        ("review", "accept", "a/b/c", "a/b/d"),
    ):
        done = served.run(*arguments)
        assert done.returncode == 2, arguments
        assert done.stderr.startswith("error: "), arguments
        assert "Traceback" not in done.stderr
    assert served.document("review", "list") == served.document("review", "list")


def test_companies_by_command(served: House) -> None:
    """Two companies of one short name are a question; a person moves from one company to another."""

    def made(*more: str) -> str:
        name: str = served.document("company", "add", "Nordwind", *more)["name"]
        return name

    one, other = made("--city", "Kiel"), made("--city", "Lyon", "--force")
    refused = served.run("company", "add", "Nordwind")
    assert refused.returncode == 2
    assert one in refused.stderr
    third = made("--force")
    served.document("company", "edit", third, "company=Nordwand", "street=Hafen 1")
    assert served.document("company", "merge", other, one)["survivor"]
    assert served.run("company", "unmerge", other).stdout.strip() == f"{other} is separate again"
    person = served.document(
        "contact", "add", "--first-name", "Ida", "--last-name", "Moss", "--company", one
    )
    assert f"contact/{person['company_id']}" == one
    moved = served.run("contact", "link", person["name"], other)
    assert moved.stdout.strip() == f"{person['name']} now works for {other}; former company {one}"
    left = served.document("company", "unlink", person["name"])
    assert (left["company_id"], f"contact/{left['left_id']}") == (None, other)
    back = served.document("company", "unlink", person["name"], "--undo")
    assert f"contact/{back['company_id']}" == other
    assert served.run("review", "accept", "company/nordwind").returncode == 2, "nothing is asked"
