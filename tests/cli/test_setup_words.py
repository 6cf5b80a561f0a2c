"""A team's set-up as typed by hand: custom fields, smart lists, links, layouts."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from hub.views.lists import ListPage
from tests.processes import House, fits, house

TEAM = """
people:
  - {email: ann@acme.example.com, name: Ann Lee, role: admin}
  - {email: bob@acme.example.com, name: Bob Roy, role: rep}
groups:
  - {name: sales, members: [bob@acme.example.com]}
routing:
  fallback: group:sales
"""
BILLING = "https://billing.example.com/find?mail={email}&tier={Tier}"


@pytest.fixture(scope="module")
def team() -> Iterator[House]:
    """A house of a team, with a lead that was typed in, its server running."""
    with house({"HUB_ACTOR": "ann@acme.example.com"}, migrated=True) as made:
        made.config.write_text(TEAM)
        with made.served():
            assert made.run("check").returncode == 0
            made.document(
                "field", "add", "lead", "Tier", "list", "--choice", "Gold", "--choice", "Iron"
            )
            made.document("lead", "add", "--last-name", "Olsen", "--email", "max@olsen.example.com",
                          "--set", "custom_fields.Tier=gold")  # fmt: skip
            yield made


def refused(team: House, *arguments: str) -> str:
    """Return the message of a mistake; nothing else is printed."""
    done = team.run(*arguments)
    assert (done.returncode, done.stdout) == (2, ""), (arguments, done)
    assert done.stderr.startswith("error: "), done.stderr
    return done.stderr


def test_a_field_is_defined_shown_changed_used_and_forgotten(team: House) -> None:
    made = team.document(
        "field", "add", "person", "Level", "list", "--choice", "A", "--choice", "B"
    )
    assert (made["key"], made["type"], made["choices"]) == ("level", "list", ["A", "B"])
    changed = team.document("field", "edit", "person", "level", "--name", "Rank", "--choice", "C",
                            "--not-filterable")  # fmt: skip
    assert (changed["name"], changed["choices"], changed["is_filterable"]) == ("Rank", ["C"], False)
    assert team.document("field", "list", "person") == [changed]
    assert "custom_fields" not in str(team.document("field", "list", "deal"))
    added = team.document("contact", "add", "--last-name", "Dahl", "--set", "custom_fields.rank=c")
    (kept,) = team.document(
        "sql", f"SELECT custom_fields FROM crm.contact WHERE id = {added['name'].split('/')[1]}"
    )
    assert kept == {"custom_fields": {"level": "C"}}
    assert "Rank" in team.run("field", "list").stdout

    assert "is not a type of field" in refused(team, "field", "add", "lead", "Size", "money")
    assert "have choices" in refused(team, "field", "add", "lead", "Size", "list")
    assert "is no kind of record" in refused(team, "field", "list", "ticket")
    assert "a lead has no custom field" in refused(
        team, "field", "edit", "lead", "no", "--name", "x"
    )
    wrong = refused(team, "edit", "lead/1", "custom_fields.tier=Bronze")
    assert "hint: one of: Gold, Iron" in wrong
    assert "hint: fields: tier" in refused(team, "edit", "lead/1", "custom_fields.teir=Gold")
    assert "a rep may not" in refused(
        team, "field", "remove", "person", "level", "--as", "bob@acme.example.com"
    )
    assert team.document("field", "remove", "person", "level")["removed"]
    assert team.document("field", "list", "person") == []


def test_a_list_is_kept_shown_run_counted_shared_and_removed(team: House) -> None:
    made = team.document("list", "add", "Gold ones", "--where", "custom_fields.tier is Gold",
                         "--sort", "-created_at", "--column", "last_name")  # fmt: skip
    assert (made["name"], made["shared"], made["columns"]) == ("Gold ones", False, ["last_name"])
    assert team.document("list", "show", "Gold ones") == made
    page = fits(team.document("list", "run", "Gold ones"), ListPage)
    assert [row["last_name"] for row in page["rows"]] == ["Olsen"]
    assert team.document("list", "count", "gold ones") == {"count": 1, "exact": True}
    assert team.document("list", "count", "--where", "custom_fields.tier is Iron")["count"] == 0
    hidden = refused(team, "list", "run", "Gold ones", "--as", "bob@acme.example.com")
    assert "there is no list 'Gold ones'" in hidden
    assert team.document("list", "share", "Gold ones")["shared"]
    shown = team.document("list", "run", "Gold ones", "--as", "bob@acme.example.com")
    assert shown["rows"] == page["rows"]
    assert team.document("list", "share", "Gold ones", "--off")["shared"] is False

    assert "no field 'colour'" in refused(team, "list", "run", "--where", "colour is red")
    assert "custom_fields.tier" in refused(
        team, "list", "count", "--where", "custom_fields.tier > 3"
    )
    assert "already" in refused(team, "list", "add", "Gold ones", "--where", "status is New")
    assert "a file and conditions" in refused(
        team, "list", "add", "x", "--where", "status is New", "--file", str(team.config)
    )
    assert team.document("list", "remove", "Gold ones")["name"] == "Gold ones"
    assert "Gold ones" not in str(team.document("list", "show"))


def test_a_link_is_kept_shown_opened_and_removed(team: House) -> None:
    made = team.document("link", "add", "lead", "Billing", BILLING)
    assert team.document("link", "list", "lead") == [made]
    assert team.document("link", "list", "deal") == []
    opened = team.document("link", "open", "billing", "1")
    assert (
        opened["url"] == "https://billing.example.com/find?mail=max%40olsen.example.com&tier=Gold"
    )
    assert team.run("link", "open", "Billing", "lead/1").stdout.strip() == opened["url"]

    for address in ("javascript:alert(1)", "https://{email}/x", "ftp://files.example.com/{email}"):
        assert "that is not a template" in refused(team, "link", "add", "lead", "Bad", address)
    assert "no field 'nothing'" in refused(
        team, "link", "add", "lead", "Bad", "https://a.example.com/{nothing}"
    )
    assert "already" in refused(team, "link", "add", "lead", "billing", BILLING)
    assert "is no kind of record" in refused(team, "link", "list", "ticket")
    assert "there is no lead/99" in refused(team, "link", "open", "Billing", "99")
    assert team.document("link", "remove", "lead", "Billing")["removed"]
    assert "has no link" in refused(team, "link", "open", "Billing", "1")


def test_a_layout_is_set_shown_and_given_back(team: House, tmp_path: Path) -> None:
    house_s = team.document("layout", "show", "lead")
    own = {"name": "Custom fields", "fields": ["custom_fields.tier"], "missing": []}
    assert own in house_s["sections"]
    wanted = [{"name": "Money", "fields": ["custom_fields.tier", "status"], "missing": []}]
    page = tmp_path / "layout.yaml"
    page.write_text(str(wanted))
    assert team.document("layout", "set", "lead", str(page))["sections"] == wanted
    assert "Money" in team.run("layout", "show", "lead").stdout

    for sections, why in (
        ([{"name": "Money", "fields": ["colour"]}], "'colour' is not a field of a lead"),
        ([{"name": "A", "fields": ["status"]}, {"name": "B", "fields": ["status"]}], "twice"),
        ([{"title": "Money", "fields": []}], "a section has a name and fields"),
        ([], "a layout is a list of sections"),
    ):
        page.write_text(str(sections))
        assert why in refused(team, "layout", "set", "lead", str(page))
    assert "name a file, or --default" in refused(team, "layout", "set", "lead")
    assert "is no kind of record" in refused(team, "layout", "show", "ticket")
    assert team.document("layout", "show", "lead")["sections"] == wanted, "as it was"
    assert team.document("layout", "set", "lead", "--default") == house_s


def test_groups_and_users_are_set_up_and_what_hub_yaml_manages_is_refused(team: House) -> None:
    bob = "bob@acme.example.com"
    made = team.document("group", "add", "East", "--kind", "deal", "--member", bob)
    assert (made["kind"], made["next"], made["managed_by"]) == ("deal", bob, "commands")
    changed = team.document(
        "group", "member", "edit", "East", bob, "--weight", "2", "--capacity", "9"
    )
    assert {k: changed["members"][0][k] for k in ("weight", "capacity", "open", "state")} == {
        "weight": 2, "capacity": 9, "open": 0, "state": "available",
    }  # fmt: skip
    assert "9" in team.run("group", "show", "East").stdout
    assert [g["name"] for g in team.document("group", "list")] == ["East", "sales"]
    said = refused(team, "group", "member", "add", "sales", "ann@acme.example.com")
    assert "edit hub.yaml:6" in said
    away = team.run("user", "away", bob, "--from", "2030-01-02", "--until", "2030-01-03")
    assert away.stdout == f"{bob}: away from 2030-01-02 until 2030-01-03\n"
    assert team.document("user", "back", bob)["state"] == "active"
    assert "hub.yaml says that" in refused(team, "user", "deactivate", bob, "--keep")
    added = team.document("user", "add", "eve@acme.example.com", "--name", "Eve")
    assert added["managed_by"] == "commands"
    done = team.run("user", "deactivate", "eve@acme.example.com")
    assert done.stdout == "eve@acme.example.com is deactivated\n"
    assert "eve@acme.example.com" in team.run("user", "list").stdout
    assert team.document("group", "remove", "East") == {"removed": "East"}


def test_names_and_tags_are_shown_renamed_merged_and_removed(team: House) -> None:
    team.document("edit", "lead/1", "tags=vip,big")
    assert {t["name"]: t["records"] for t in team.document("tag", "list")} == {"big": 1, "vip": 1}
    made = team.document("list", "add", "Big ones", "--where", "tags any of big")
    assert "list 'Big ones'" in refused(team, "tag", "remove", "big")
    assert team.document("tag", "rename", "vip", "VIP")["rows"] == 1
    assert "--into" in refused(team, "tag", "rename", "big", "VIP")
    merged = team.document("tag", "merge", "big", "VIP")
    assert (merged["into"], merged["uses"]) == ("VIP", ["list 'Big ones'", "1 lead"])
    shown = team.document("list", "show", "Big ones")
    assert shown == made | {"filter": {"all": [{**made["filter"]["all"][0], "value": ["VIP"]}]}}
    assert team.document("list", "count", "Big ones")["count"] == 1
    assert "did you mean 'VIP'" in refused(team, "list", "run", "--where", "tags any of VIQ")
    assert "did you mean 'Working'" in refused(team, "list", "run", "--where", "status is Workign")

    assert "Working" in team.run("name", "list", "status").stdout
    renamed = team.document("name", "rename", "status", "Working", "Contacted")
    assert (renamed["old"], renamed["new"]) == ("Working", "Contacted")
    assert team.document("lead", "status", "lead/1", "contacted")["changed"] == 1
    assert team.document("name", "uses", "status", "Contacted")["uses"] == ["1 lead"]
    assert "is in use: 1 lead" in refused(team, "name", "remove", "status", "Contacted")
    assert "a rep may not" in refused(
        team, "tag", "rename", "VIP", "vip", "--as", "bob@acme.example.com"
    )
    edited = team.document("list", "edit", "Big ones", "--where", "status is Contacted")
    assert edited["filter"]["all"][0]["value"] == "Contacted"


def test_many_records_are_changed_at_once_and_a_user_sees_what_there_is_to_hear(
    team: House,
) -> None:
    done = team.document("bulk", "tag", "fair", "--ids", "lead/1,lead/999")
    assert (done["changed"], done["refused"], list(done["reasons"].values())) == (1, 1, [1])
    assert done["refused_records"][0]["record"] == "lead/999"
    shown = team.run(
        "bulk", "set-status", "Qualified", "--where", "tags any of fair", "--dry-run"
    ).stdout
    assert shown.startswith("1 lead would be changed, 0 unchanged, 0 refused")
    assert "the records are missing" in refused(team, "bulk", "tag", "x")
    assert team.document("undo", str(done["batch"])) == {
        "batch": done["batch"], "restored": 1, "kept": [], "dry_run": False,
    }  # fmt: skip
    assert team.document("bulk", "resume", str(done["batch"]))["changed"] == 1
    choices = team.document("notify", "show")["choices"]
    assert {
        "event": "deal_assigned",
        "alert": "instant",
        "email": "instant",
        "apprise": "off",
        "set_by": "default",
    } in choices
    said = team.run("notify", "set", "deal_assigned", "--no-email").stdout
    assert said == "deal_assigned: alert on, e-mail off\n"
    assert "did you mean deal_assigned" in refused(team, "notify", "set", "deal_asigned", "--email")
    assert team.document("alerts", "--unread") == []
    assert team.document("alerts", "read", "--all") == {"read": 0}
    assert team.document("report", "activity")["total"]["activities"] == 0
    assert "did you mean" in refused(team, "report", "activty")
