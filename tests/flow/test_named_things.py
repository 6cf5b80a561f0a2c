"""Rename, removal and replacement of every named thing, in every place that can name it.

One table of things, one of places. A list follows a rename. A removal of a used thing is refused with the
place, or replaced. No list becomes empty without a message.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, text

from hub.actions.activities import activity
from hub.actions.context import Context
from hub.actions.deals import deal
from hub.actions.deals.move_deal import move
from hub.actions.leads import status
from hub.actions.people.add_person import add
from hub.actions.people.edit import edit
from hub.actions.report import Asked, report
from hub.actions.setup import (
    criteria,
    custom_field,
    groups,
    layout,
    meant_thing,
    name_history,
    naming,
    notifications,
    pipeline,
    smart_link,
    smart_list,
    team,
)
from hub.actions.setup.yaml_names import Written, unknown
from hub.crm import owners, words
from hub.crm.custom_fields import CustomField
from hub.crm.owners import Person
from hub.crm.smart_links import SmartLink
from hub.db.embedded import Server
from hub.errors import ActionError
from hub.etl import load
from hub.lists.document import read
from hub.notify.preferences import Mode
from hub.records import entities
from hub.settings.managed import Managed, managed
from tests.acting import by
from tests.conftest import three_people
from tests.db.conftest import seed_leads
from tests.flow.conftest import World, new_world
from tests.prepared import fresh_database

WHO = "operator"
_LEAD, _DEAL = "SELECT {} FROM crm.lead WHERE id = 1", "SELECT {} FROM crm.deal WHERE id = 2"
ANN, BOB = "annika@acme.example.com", "robin@acme.example.com"


@dataclass(frozen=True)
class Thing:
    """A kind of thing with two of it: one that is renamed and removed, one that takes its place.

    Args:
        name: what is renamed and removed; each is on one record at least.
        other: what takes its place; on other records.
        object: of the lists that can name it.
        field: of these lists.
        scope: as the actions want it.
        rule: the field of a routing rule that can name it.
    """

    name: str
    other: str
    object: str
    field: str
    scope: str = ""
    rule: str | None = None


THINGS: Mapping[str, Thing] = {
    "status": Thing("Working", "New", "lead", "status", rule="status"),
    "lead_reason": Thing("Too far", "Too small", "lead", "unqualified_reason", rule="unqualified_reason"),
    "source": Thing("Fair", "Web", "lead", "source", rule="lead_source"),
    "tag": Thing("vip", "gold", "lead", "tags", rule="tags"),
    "choice": Thing("Gold", "Silver", "lead", "custom_fields.tier", "lead.tier", "custom_fields.tier"),
    "loss_reason": Thing("Dear", "Late", "deal", "loss_reason"),
    "deal_reason": Thing("No budget", "No need", "deal", "unqualified_reason"),
    "outcome": Thing("Reached", "Voicemail", "lead", "outcome"),
    "stage": Thing("Quote", "Qualified", "deal", "stage"),
    "pipeline": Thing("Sales", "Partners", "deal", "pipeline"),
}  # fmt: skip
REMOVABLE = [kind for kind in THINGS if kind not in {"stage", "pipeline"}]
_ROWS = """
UPDATE crm.lead SET status = 'Working', lead_source = 'Fair', tags = '["vip", "x"]',
  custom_fields = '{"tier": "Gold", "size": 5}', unqualified_reason = 'Too far' WHERE id % 2 = 0;
UPDATE crm.lead SET status = 'New', lead_source = 'Web', tags = '["gold"]',
  custom_fields = '{"tier": "Silver", "size": 7}', unqualified_reason = 'Too small' WHERE id % 2 = 1;
UPDATE crm.lead SET archived_at = now() WHERE id = 4;
INSERT INTO crm.reason (kind, name) VALUES ('lead_unqualified', 'Too far'),
  ('lead_unqualified', 'Too small'), ('loss', 'Dear'), ('loss', 'Late'),
  ('deal_unqualified', 'No budget'), ('deal_unqualified', 'No need') ON CONFLICT DO NOTHING;
INSERT INTO crm.outcome (kind, name) VALUES ('call', 'Reached'), ('call', 'Voicemail')
  ON CONFLICT DO NOTHING;
INSERT INTO crm.call (entity_id, who, made_at, outcome_id)
  SELECT l.entity_id, 'ann', now(), o.id FROM crm.lead l JOIN crm.outcome o ON o.kind = 'call'
  AND o.name = CASE WHEN l.id % 2 = 0 THEN 'Reached' ELSE 'Voicemail' END;
INSERT INTO crm.contact (entity_id, last_name, batch_id)
  SELECT entity_id, last_name, batch_id FROM crm.lead WHERE id <= 4;
UPDATE crm.lead SET owner_id = (SELECT id FROM crm."user" WHERE name = CASE WHEN crm.lead.id % 2 = 0
  THEN 'Annika' ELSE 'Robin' END);
INSERT INTO crm.deal (name, contact_id, pipeline_id, stage_id, currency, loss_reason_id, unqualified_reason_id)
  SELECT 'Deal ' || c.id, c.id, s.pipeline_id, s.id, 'EUR', l.id, u.id
  FROM (SELECT id, id % 2 = 0 AS is_even FROM crm.contact) c
  JOIN crm.pipeline p ON p.name = CASE WHEN c.is_even THEN 'Sales' ELSE 'Partners' END
  JOIN crm.stage s ON s.pipeline_id = p.id
    AND s.name = CASE WHEN c.is_even THEN 'Quote' ELSE 'Qualified' END
  JOIN crm.reason l ON l.kind = 'loss' AND l.name = CASE WHEN c.is_even THEN 'Dear' ELSE 'Late' END
  JOIN crm.reason u ON u.kind = 'deal_unqualified'
    AND u.name = CASE WHEN c.is_even THEN 'No budget' ELSE 'No need' END
"""


@pytest.fixture(scope="module")
def set_up(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Six leads and four deals, half of them with one name of every kind, half with the other."""
    with fresh_database(server) as database:
        world = new_world(database, three_people(tmp_path_factory.mktemp("names")))
        _fill(world)
        yield world


def _fill(world: World) -> None:
    with world.db.engine.begin() as conn:
        seed_leads(conn, 6)
        owners.apply_people(
            conn, [Person(ANN, "Annika", True, "UTC", {}), Person(BOB, "Robin", True, "UTC", {})]
        )
        groups.add(by(conn, WHO), "East", "lead", [ANN, BOB])
        stages = [pipeline.NewStage("Qualified", 20), pipeline.NewStage("Offer", 60)]
        pipeline.add(by(conn, WHO), "Partners", stages, most=9)
        for name, type_, choices in (("Tier", "list", ("Gold", "Silver")), ("Size", "number", ()), ("Staff", "number", ())):  # fmt: skip
            custom_field.add(by(conn, WHO), CustomField("lead", "", name, type_, choices))
        custom_field.add(by(conn, WHO), CustomField("deal", "", "Size", "number"))
        custom_field.add(by(conn, WHO), CustomField("deal", "", "Staff", "number"))
        for statement in _ROWS.split(";"):
            conn.execute(text(statement))


@pytest.fixture
def conn(set_up: World) -> Iterator[Connection]:
    """A transaction that is rolled back."""
    with set_up.db.engine.connect() as conn, conn.begin() as transaction:
        yield conn
        transaction.rollback()


def ids(conn: Connection, name: str) -> set[int]:
    document = smart_list.find(by(conn, WHO), name).document
    return {row["id"] for row in smart_list.page(by(conn, WHO), document, limit=100).rows}


def keep(conn: Connection, name: str, object_: str, asked: Mapping[str, Any], **more: Any) -> None:
    smart_list.add(by(conn, WHO), name, read({"object": object_, "filter": asked, **more}))


def said(conn: Connection, name: str) -> Any:
    (one,) = smart_list.shown(by(conn, WHO), [smart_list.find(by(conn, WHO), name)])
    assert one.broken == ()
    return one.saved.document


@pytest.mark.parametrize("op", ["is", "is not", "any of", "none of"])
@pytest.mark.parametrize("kind", THINGS)
def test_a_list_follows_a_renamed_thing(conn: Connection, kind: str, op: str) -> None:
    thing = THINGS[kind]
    value = [thing.name] if op.endswith("of") else thing.name
    keep(conn, "It", thing.object, {"field": thing.field, "op": op, "value": value})
    before = ids(conn, "It")
    assert before
    done = naming.rename(by(conn, WHO), kind, thing.name, "Brand new", scope=thing.scope)
    assert (done.old, done.new) == (thing.name, "Brand new")
    assert ids(conn, "It") == before
    assert "Brand new" in str(said(conn, "It").filter)
    assert thing.name not in str(said(conn, "It").filter)
    asked = {"object": thing.object, "filter": {"field": thing.field, "op": op, "value": value}}
    # the former name is understood: what is kept elsewhere, or is typed from memory, still finds them
    assert {r["id"] for r in smart_list.page(by(conn, WHO), read(asked)).rows} == before
    naming.rename(by(conn, WHO), kind, "Brand new", "Newer still", scope=thing.scope)
    assert {r["id"] for r in smart_list.page(by(conn, WHO), read(asked)).rows} == before


DEAL = "deal/2"  # in Sales, at Quote
# kind of thing → where a user types its name → what then has the name of today
TYPED: Mapping[str, Mapping[str, tuple[Callable[[Context, str], object], str]]] = {
    "status": {
        "lead status": (lambda c, n: status.set_status(c, ["lead/1"], n), _LEAD.format("status")),
    },
    "lead_reason": {
        "lead status": (
            lambda c, n: status.set_status(c, ["lead/1"], "Unqualified", reason=n),
            _LEAD.format("unqualified_reason"),
        ),
    },
    "source": {
        "lead edit": (lambda c, n: edit(c, "lead/1", {"source": n}), _LEAD.format("lead_source")),
        "deal edit": (lambda c, n: deal.edit(c, DEAL, {"source": n}), _DEAL.format("source")),
        "report": (lambda c, n: report(c, "leads", Asked(source=n)).filters["source"], ""),
    },
    "tag": {
        "lead edit": (lambda c, n: edit(c, "lead/1", {"tags": [n]}), _LEAD.format("tags ->> 0")),
        "deal edit": (lambda c, n: deal.edit(c, DEAL, {"tags": [n]}), _DEAL.format("tags ->> 0")),
        "contact add": (
            lambda c, n: add(c, "contact", {"last_name": "Ek", "tags": [n]}, region="FR"),
            "SELECT tags ->> 0 FROM crm.contact WHERE last_name = 'Ek'",
        ),
    },
    "choice": {
        "lead edit": (
            lambda c, n: edit(c, "lead/1", {"custom_fields.tier": n}),
            _LEAD.format("custom_fields ->> 'tier'"),
        ),
    },
    "loss_reason": {
        "deal move": (
            lambda c, n: move(c, DEAL, "Lost", reason=n),
            "SELECT r.name FROM crm.deal d JOIN crm.reason r ON r.id = d.loss_reason_id WHERE d.id = 2",
        ),
    },
    "deal_reason": {
        "deal move": (
            lambda c, n: move(c, DEAL, "Unqualified", reason=n),
            "SELECT name FROM crm.reason WHERE id = (SELECT unqualified_reason_id FROM crm.deal WHERE id = 2)",
        ),
    },
    "outcome": {
        "call log": (
            lambda c, n: activity.write(c, "call", "lead/1", {"outcome": n}),
            "SELECT o.name FROM crm.call a JOIN crm.outcome o ON o.id = a.outcome_id ORDER BY a.id DESC LIMIT 1",
        ),
        "report": (lambda c, n: report(c, "activity", Asked(outcome=n)).filters["outcome"], ""),
    },
    "stage": {
        "deal move": (
            lambda c, n: move(c, "deal/4", n, pipeline="Sales"),
            "SELECT s.name FROM crm.deal d JOIN crm.stage s ON s.id = d.stage_id WHERE d.id = 4",
        ),
    },
    "pipeline": {
        "deal move": (
            lambda c, n: move(c, "deal/1", "Closure", pipeline=n),
            "SELECT p.name FROM crm.deal d JOIN crm.pipeline p ON p.id = d.pipeline_id WHERE d.id = 1",
        ),
        "report": (lambda c, n: report(c, "pipeline", Asked(pipeline=n)).filters["pipeline"], ""),
    },
}  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "place"), [(kind, place) for kind, places in TYPED.items() for place in places]
)
def test_a_former_name_that_is_typed_is_taken_for_the_name_of_today(
    conn: Connection, kind: str, place: str
) -> None:
    thing, (act, written) = THINGS[kind], TYPED[kind][place]
    naming.rename(by(conn, WHO), kind, thing.name, "Brand new", scope=thing.scope)
    said = act(by(conn, WHO), thing.name)
    assert (conn.execute(text(written)).scalar_one() if written else said) == "Brand new"


@pytest.mark.parametrize("kind", ["tag", "source"])
def test_a_removed_word_that_is_typed_is_refused_and_not_dropped(
    conn: Connection, kind: str
) -> None:
    thing = THINGS[kind]
    words.rename(conn, kind, "", thing.name, None)
    value: Any = [thing.name] if kind == "tag" else thing.name
    field = "tags" if kind == "tag" else "source"
    for act in (
        lambda: edit(by(conn, WHO), "lead/1", {field: value}),
        lambda: deal.edit(by(conn, WHO), DEAL, {field: value}),
        lambda: add(by(conn, WHO), "lead", {"last_name": "Ek", field: value}, region="FR"),
    ):
        with pytest.raises(ActionError, match=f"the {kind} '{thing.name}' was removed") as caught:
            act()
        assert caught.value.code == "conflict"


def test_a_thing_is_renamed_by_its_name_of_today_alone(conn: Connection) -> None:
    naming.rename(by(conn, WHO), "outcome", "Reached", "Talked")
    with pytest.raises(ActionError, match="there is no") as caught:
        naming.rename(by(conn, WHO), "outcome", "Reached", "Spoke")
    assert caught.value.code == "not_found"


@pytest.mark.parametrize("kind", THINGS)
def test_an_unknown_name_is_refused_with_the_nearest_one(conn: Connection, kind: str) -> None:
    thing = THINGS[kind]
    wrong = thing.name[:-1] + "zz"
    asked = read(
        {"object": thing.object, "filter": {"field": thing.field, "op": "is", "value": wrong}}
    )
    for act in (
        lambda: smart_list.page(by(conn, WHO), asked),
        lambda: smart_list.add(by(conn, WHO), "It", asked),
        lambda: naming.rename(by(conn, WHO), kind, wrong, "Brand new", scope=thing.scope),
    ):
        with pytest.raises(ActionError) as caught:
            act()
        assert caught.value.code == "not_found"
        assert thing.name in (caught.value.hint or "")


@pytest.mark.parametrize("kind", REMOVABLE)
def test_a_thing_in_use_is_not_removed_and_the_places_are_named(
    conn: Connection, kind: str
) -> None:
    thing = THINGS[kind]
    keep(conn, "It", thing.object, {"field": thing.field, "op": "is", "value": thing.name})
    with pytest.raises(ActionError, match="list 'It'") as caught:
        naming.remove(by(conn, WHO), kind, thing.name, scope=thing.scope)
    assert (caught.value.code, "--into" in (caught.value.hint or "")) == ("conflict", True)
    assert any(
        "list 'It'" in use
        for use in naming.uses(by(conn, WHO), kind, thing.name, scope=thing.scope)
    )
    assert ids(conn, "It")


@pytest.mark.parametrize("kind", REMOVABLE)
def test_what_takes_the_place_of_a_thing_does_so_in_lists_and_records(
    conn: Connection, kind: str
) -> None:
    thing = THINGS[kind]
    keep(conn, "It", thing.object, {"field": thing.field, "op": "is", "value": thing.name})
    keep(conn, "Other", thing.object, {"field": thing.field, "op": "is", "value": thing.other})
    both = ids(conn, "It") | ids(conn, "Other")
    done = naming.remove(by(conn, WHO), kind, thing.name, into=thing.other, scope=thing.scope)
    assert done.into == thing.other
    (of_list,) = [use for use in done.uses if use.startswith("list 'It'")]
    assert all(use[0].isdigit() for use in done.uses if use != of_list), "numbers of records"
    assert len(done.uses) > 1
    assert ids(conn, "It") == ids(conn, "Other") == both
    assert thing.other in str(said(conn, "It").filter)
    if thing.scope:
        return
    with pytest.raises(ActionError, match="there is no"):
        meant_thing.find(conn, kind, thing.name, thing.scope)


@pytest.mark.parametrize("kind", [k for k, t in THINGS.items() if t.rule])
def test_hub_yaml_keeps_names_and_each_is_told_with_its_line(
    conn: Connection, kind: str, tmp_path: Path, set_up: World
) -> None:
    thing = THINGS[kind]
    path = tmp_path / "hub.yaml"
    path.write_text(
        f"routing:\n  rules:\n    - name: One\n      when:\n        {thing.rule}: {thing.name}\n"
        "      assign: group:sales\n"
    )
    rule = {"name": "One", "when": {thing.rule: thing.name}, "assign": "group:sales"}
    plain = set_up.hub.settings
    settings = plain.model_copy(update={"routing": plain.routing.model_copy(update={
        "rules": [type(plain).model_fields["routing"].annotation.model_validate({"rules": [rule]}).rules[0]]  # type: ignore[union-attr]
    })})  # fmt: skip
    written = Written(settings, path)
    assert unknown(conn, written) == []
    with pytest.raises(ActionError, match=r"named in hub\.yaml") as caught:
        naming.remove(
            by(conn, WHO), kind, thing.name, into=thing.other, scope=thing.scope, written=written
        )
    assert f"{path}:5" in (caught.value.hint or "")
    done = naming.rename(
        by(conn, WHO), kind, thing.name, "Brand new", scope=thing.scope, written=written
    )
    assert [f"{path}:5" in warning for warning in done.warnings] == [True]
    (found,) = unknown(conn, written)
    assert f"{path}:5" in found.where
    assert "Brand new" in found.message


FIELD_PLACES = ("filter", "column", "layout", "link", "criterion")


def _name_field(conn: Connection, place: str, object_: str) -> None:
    """Name the field Size in one place."""
    match place:
        case "filter":
            keep(conn, "It", object_, {"field": "Size", "op": "is not empty"})
        case "column":
            keep(conn, "It", object_, {}, columns=["name", "Size"])
        case "layout":
            sections = [{"name": "All", "fields": ["Size", "owner"]}]
            layout.set_(by(conn, WHO), object_, sections)
        case "link":
            template = "https://x.example.com/{Size}"
            smart_link.add(by(conn, WHO), SmartLink(object_, "It", template))
        case _:
            criteria.add_criterion(by(conn, WHO), ("Sales", "Quote"), "field", "custom_fields.size")


@pytest.mark.parametrize("place", FIELD_PLACES)
def test_a_custom_field_is_renamed_refused_and_replaced_wherever_it_is_named(
    conn: Connection, place: str
) -> None:
    object_ = "deal" if place == "criterion" else "lead"
    _name_field(conn, place, object_)
    naming.rename(by(conn, WHO), "field", "size", "Headcount", scope=object_)
    (use,) = naming.uses(by(conn, WHO), "field", "size", scope=object_)
    assert use.partition(" '")[0] in {"list", "layout", "link", "exit criterion"}
    if place in {"filter", "column"}:
        ids(conn, "It")
    with pytest.raises(ActionError, match="is in use"):
        naming.remove(by(conn, WHO), "field", "size", scope=object_)
    with pytest.raises(ActionError, match="is in use"):
        custom_field.remove(by(conn, WHO), object_, "size")
    naming.remove(by(conn, WHO), "field", "size", into="staff", scope=object_)
    assert len(naming.uses(by(conn, WHO), "field", "staff", scope=object_)) == 1
    if place in {"filter", "column"}:
        ids(conn, "It")
        assert "custom_fields.staff" in str(said(conn, "It"))


def test_sources_go_on_saying_the_former_words_and_records_have_those_of_today(
    conn: Connection,
) -> None:
    conn.execute(
        text(
            "UPDATE ops.source_record SET canonical = canonical || jsonb_build_object("
            "'status', 'Working', 'tags', jsonb_build_array('vip', 'x'), 'lead_source', 'fair', "
            "'unqualified_reason', 'Too far', 'custom_fields', jsonb_build_object('tier', 'Gold'))"
        )
    )
    for kind, new in (("status", "Contacted"), ("tag", "VIP"), ("source", "Trade fair"),
                      ("lead_reason", "Distance"), ("choice", "Top")):  # fmt: skip
        naming.rename(by(conn, WHO), kind, THINGS[kind].name, new, scope=THINGS[kind].scope)
    everybody = conn.execute(text("SELECT entity_id FROM crm.lead ORDER BY id")).scalars().all()
    entities.bump(conn, everybody)
    load.refold(conn, everybody)
    rows = conn.execute(
        text(
            "SELECT DISTINCT status, unqualified_reason, tags, lead_source, custom_fields FROM crm.lead"
        )
    ).all()
    assert [tuple(row) for row in rows] == [
        ("Contacted", "Distance", ["VIP", "x"], "Trade fair", {"tier": "Top"})
    ]
    naming.rename(by(conn, WHO), "tag", "VIP", "vip")  # and back
    assert words.today(conn, "tag", "", "VIP") == "vip"
    assert words.today(conn, "tag", "", "vip") is None


def test_a_lost_name_of_an_older_list_is_shown_and_refused_never_empty(conn: Connection) -> None:
    keep(conn, "It", "lead", {"field": "status", "op": "is", "value": "Working"})
    conn.execute(
        text(
            "UPDATE crm.smart_list SET filter = jsonb_set(filter, '{value}', "
            '\'{"kind": "status", "lost": "Nwe"}\') WHERE name = \'It\''
        )
    )
    with pytest.raises(ActionError, match="Nwe") as caught:
        ids(conn, "It")
    assert caught.value.code == "broken"
    (shown,) = smart_list.shown(by(conn, WHO), [smart_list.find(by(conn, WHO), "It")])
    assert shown.broken == ("Nwe in status",)
    assert "Nwe (not found)" in str(shown.saved.document.filter)
    smart_list.edit(
        by(conn, WHO), "It", read({"filter": {"field": "status", "op": "is", "value": "New"}})
    )
    assert ids(conn, "It")


USER_PLACES = ("list by name", "list by address", "private list", "group", "preference")
TEAM = f"""\
people:
  - {{email: {ANN}, name: Annika}}
groups:
  - {{name: West, members: [{ANN}]}}
routing:
  rules:
    - {{name: One, assign: group:East}}
    - {{name: Two, assign: user:{BOB}}}
  fallback: group:East
"""


def _name_user(conn: Connection, place: str) -> None:
    """Name Bob in one place."""
    match place:
        case "list by name":
            keep(conn, "It", "lead", {"field": "owner", "op": "is", "value": "Robin"})
        case "list by address":
            keep(conn, "It", "lead", {"field": "owner", "op": "any of", "value": [BOB]})
        case "private list":
            asked = {"object": "lead", "filter": {"field": "owner", "op": "is", "value": "me"}}
            smart_list.add(by(conn, BOB), "It", read(asked))
        case "preference":
            notifications.set_(by(conn, WHO), "lead_assigned", mail=Mode.OFF, email=BOB)


def _found_by(conn: Connection, place: str) -> object:
    """Return what the place gives for Bob."""
    match place:
        case "group":
            return [m.email for m in groups.show(by(conn, WHO), "East").members]
        case "preference":
            return [c for c in notifications.show(by(conn, WHO), BOB).choices if c.email == "off"]
        case "private list":
            document = smart_list.find(by(conn, BOB), "It").document
            return {r["id"] for r in smart_list.page(by(conn, BOB), document).rows}
        case _:
            return ids(conn, "It")


@pytest.mark.parametrize("place", USER_PLACES)
def test_a_user_who_is_renamed_or_leaves_stays_in_every_place(conn: Connection, place: str) -> None:
    _name_user(conn, place)
    before = _found_by(conn, place)
    assert before
    assert team.edit(by(conn, WHO), BOB, name="Robert").name == "Robert"
    assert _found_by(conn, place) == before
    if place.startswith("list"):
        assert BOB in str(said(conn, "It").filter)
        asked = {"object": "lead", "filter": {"field": "owner", "op": "is", "value": "Robin"}}
        with pytest.raises(ActionError, match="there is no") as caught:
            smart_list.page(by(conn, WHO), read(asked))
        assert caught.value.code == "not_found"
    uses = naming.uses(by(conn, WHO), "user", "Robert")
    assert ("list 'It'" in uses, "group 'East'" in uses) == (place.startswith("list"), True)
    with pytest.raises(ActionError, match="owns open records"):
        team.deactivate(by(conn, WHO), BOB)
    if place == "private list":
        return  # a user who has left asks no list
    done = team.deactivate(by(conn, WHO), BOB, keep=True)
    assert list(done.lists) == (["It"] if place.startswith("list") else [])
    assert _found_by(conn, place) == before
    given = team.deactivate(by(conn, WHO), BOB, to=[ANN])  # now the records of Bob go to Ann
    assert list(given.lists) == (["It"] if place.startswith("list") else [])


def test_users_and_groups_that_hub_yaml_names_are_not_removed(
    conn: Connection, tmp_path: Path
) -> None:
    path = tmp_path / "hub.yaml"
    path.write_text(TEAM)
    file, ctx = managed(path), by(conn, WHO)
    for act, line in (
        (lambda: team.edit(ctx, ANN, name="Anna", managed=file), 2),
        (lambda: team.deactivate(ctx, ANN, keep=True, managed=file), 2),
        (lambda: team.deactivate(ctx, BOB, keep=True, managed=file), 8),
        (lambda: groups.rename(ctx, "East", "South", managed=file), 7),
        (lambda: groups.remove(ctx, "East", managed=file), 7),
        (lambda: naming.rename(ctx, "group", "East", "South"), None),
        (lambda: naming.remove(ctx, "user", BOB), None),
    ):
        with pytest.raises(ActionError) as caught:
            act()
        where = f"{path}:{line}" if line else "hub "
        assert where in (caught.value.hint or ""), caught.value.hint
    path.write_text("people: []\n")
    with pytest.raises(ActionError, match="routing names it") as caught:
        groups.remove(ctx, "sales", managed=managed(path))  # where hub.yaml names no fallback
    assert "routing.fallback" in (caught.value.hint or "")
    assert groups.remove(ctx, "sales", managed=Managed()).name == "sales"
    with pytest.raises(ActionError, match="there is no"):
        naming.uses(ctx, "group", "sales")


def history(conn: Connection, kind: str) -> list[tuple[str, str, str | None, str]]:
    found = name_history.newest(by(conn, WHO), kind)
    assert {one.who for one in found} <= {WHO, "hub.yaml"}
    return [(str(one.what), one.old, one.new, one.scope) for one in reversed(found)]


SCOPES = {"stage": "Sales", "outcome": "call", "choice": "person.tier"}


@pytest.mark.parametrize("kind", THINGS)
def test_each_change_of_a_name_is_kept(conn: Connection, kind: str) -> None:
    thing, within = THINGS[kind], SCOPES.get(kind, "")
    naming.rename(by(conn, WHO), kind, thing.name, "Brand new", scope=thing.scope)
    kept = [("renamed", thing.name, "Brand new", within)]
    if kind in REMOVABLE:
        naming.remove(by(conn, WHO), kind, "Brand new", into=thing.other, scope=thing.scope)
        kept.append(("replaced", "Brand new", thing.other, within))
    assert history(conn, kind) == kept


def test_changes_of_names_by_other_commands_are_kept_too(conn: Connection) -> None:
    ctx = by(conn, WHO)
    team.edit(ctx, BOB, name="Robert", role="manager")
    team.edit(ctx, BOB, name="Robert")
    team.deactivate(ctx, BOB, keep=True)
    team.activate(ctx, BOB)
    for person in (Person(BOB, "Bobby", True, "UTC", {}), Person(BOB, "Bobby", False, "UTC", {})):
        owners.apply_people(conn, [person])
    user = [("renamed", "Robin", "Robert"), ("removed", "Robert", None), ("restored", "Robert", None),
            ("renamed", "Robert", "Bobby"), ("removed", "Bobby", None)]  # fmt: skip
    assert history(conn, "user") == [(*one, BOB) for one in user]
    assert len(name_history.newest(ctx, name="robert")) == 4
    assert len(name_history.newest(ctx, name=BOB.upper(), limit=3)) == 3
    groups.rename(ctx, "East", "South")
    groups.remove(ctx, "south")
    assert history(conn, "group") == [
        ("renamed", "East", "South", ""), ("removed", "South", None, "")]  # fmt: skip
    pipeline.edit_stage(ctx, "Sales", "Quote", new_name="Offer", likelihood=50)
    pipeline.remove_stage(ctx, "Sales", "Offer", into="Qualified")
    assert history(conn, "stage") == [
        ("renamed", "Quote", "Offer", "Sales"), ("replaced", "Offer", "Qualified", "Sales")]  # fmt: skip
    pipeline.rename(ctx, "Partners", "Allies")
    pipeline.archive(ctx, "Allies", into="Sales")
    pipeline.restore(ctx, "Allies", most=9)
    assert history(conn, "pipeline") == [
        ("renamed", "Partners", "Allies", ""), ("replaced", "Allies", "Sales", ""),
        ("restored", "Allies", None, "")]  # fmt: skip
    custom_field.edit(ctx, "lead", "size", name="Seats")
    custom_field.remove(ctx, "lead", "size")
    assert history(conn, "field") == [
        ("renamed", "Size", "Seats", "lead"), ("removed", "Seats", None, "lead")]  # fmt: skip
    keep(conn, "It", "lead", {})
    keep(conn, "Other", "lead", {})
    with pytest.raises(ActionError, match="there is a list 'other'"):
        smart_list.rename(ctx, "It", "other")
    assert smart_list.rename(ctx, "It", "IT").name == "IT"
    smart_list.remove(ctx, "it")
    assert history(conn, "list") == [
        ("renamed", "It", "IT", "lead"), ("removed", "IT", None, "lead")]  # fmt: skip
    smart_link.add(ctx, SmartLink("lead", "Mail", "https://x.example.com/{email}"))
    smart_link.remove(ctx, "lead", "Mail")
    assert history(conn, "link") == [("removed", "Mail", None, "lead")]
    with pytest.raises(ActionError, match="there is no kind of name"):
        name_history.newest(ctx, "lists")
