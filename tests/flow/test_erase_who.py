"""An erasure removes one person completely and no other person; and what a killed erasure leaves."""

import pytest
from sqlalchemy import text

from hub.actions.identity.erase import erase, erase_again, erasures
from hub.actions.identity.merge import merge, unmerge
from hub.actions.people.add_person import add
from hub.erase import erasure as steps
from hub.erase import files, take_out
from hub.erase.find import find
from hub.erase.receipt import Receipt
from hub.errors import ActionError
from hub.etl import flow
from hub.records import batches, erasure_list
from hub.records.erasure_key import make_key, work_file
from hub.records.tombstones import Tombstone
from tests.acting import SYSTEM, acting, by
from tests.flow.conftest import STREAMS, World, prepared, salesforce_lead, typeform_answer
from tests.flow.selling import WHO, act
from tests.flow.test_erase import hits, lead_named, sf_id

PEOPLE = (
    {"FirstName": "Paul", "LastName": "Roux", "Email": "family@roux.example.com"},
    {"FirstName": "Anna", "LastName": "Roux", "Email": "family@roux.example.com", "Phone": "+33699887766"},
    {"FirstName": "Carl", "LastName": "Berg", "Email": "info@berg.example.com", "Company": "Berg"},
    {"FirstName": "Nora", "LastName": "Lind", "Email": "nora@lind.example.com"},
    {"FirstName": "Nora", "LastName": "Lind", "Email": "nora+two@lind.example.com"},
    {"FirstName": "Jean", "LastName": "Martin", "Email": "jean@one.example.com"},
    {"FirstName": "Jean", "LastName": "Martin", "Email": "jean@two.example.com",
     "Description": "Not the Jean Martin of jean@one.example.com"},
)  # fmt: skip


def erased(world: World, said: str) -> Receipt:
    return erase(world.db.engine, acting(), said, home=world.hub.settings.home, region="FR")


def standing(world: World) -> list[str]:
    rows = world.rows(
        "SELECT first_name, email FROM crm.lead WHERE archived_at IS NULL AND merged_into IS NULL "
        "ORDER BY first_name, email"
    )
    return [f"{row.first_name} {row.email}" for row in rows]


@prepared
def people(world: World) -> World:
    world.add(
        "salesforce", "leads", *(salesforce_lead(n, **one) for n, one in enumerate(PEOPLE, 1))
    )
    world.add("typeform", "responses", typeform_answer("q1", remark="nina@quarantine.example.com"))
    assert flow.sync(world.hub, list(STREAMS)).holds
    return world


def read_again(world: World) -> None:
    assert flow.sync(world.hub, list(STREAMS), full=True).holds
    flow.run_stages(world.hub)


def test_one_person_goes_and_nobody_beside(people: World) -> None:
    with pytest.raises(ActionError, match="several people have this address") as several:
        erased(people, "Family@roux.example.com")
    assert len(several.value.others) == 2
    receipt = erased(people, lead_named(people, sf_id(1)))
    assert set(receipt.tombstones) == {"named", "record", "shared"}, (
        "a shared address is none by itself"
    )
    erased(people, "info@berg.example.com")
    assert "Anna family@roux.example.com" in standing(people)
    assert erased(people, "06 99 88 77 66").people == 1, "by number, as people write it"
    erased(people, "jean@one.example.com")
    (other,) = people.rows("SELECT description FROM crm.lead WHERE email = 'jean@two.example.com'")
    assert other.description == "Not the Jean Martin of [erased]", "somebody else has the name"
    assert erased(people, "nina@quarantine.example.com").people == 0, "in quarantine only"
    dora = {"FirstName": "Dora", "LastName": "Holm", "Email": "info@berg.example.com"}
    eve = {"FirstName": "Eve", "LastName": "Roux", "Email": "family@roux.example.com"}
    people.add("salesforce", "leads", salesforce_lead(20, **dora), salesforce_lead(21, **eve))
    read_again(people)
    gone = ("paul", "carl", "anna", "699887766", "nina@", "jean@one")
    assert hits(people, gone) == {}
    expected = {"Dora info@berg.example.com", "Eve family@roux.example.com"}
    assert expected <= set(standing(people)), "others may have a shared address, now and later"
    with people.db.engine.begin() as conn:
        assert all(one.blocked for one in erasures(by(conn))), "each is kept out, and counted"


def test_people_who_were_parted_are_found_by_their_address(people: World) -> None:
    one, other = lead_named(people, sf_id(4)), lead_named(people, sf_id(5))
    if one != other:
        act(people, merge, WHO, one, other)
    act(people, unmerge, WHO, f"salesforce/leads/{sf_id(5)}")
    assert sum(name.startswith("Nora") for name in standing(people)) == 2
    assert erased(people, "NORA@lind.example.com").objects == {"salesforce/leads": 2}
    read_again(people)
    assert hits(people, ("nora", "lind.example.com")) == {}


def test_a_member_of_the_team_and_a_stranger_are_refused(people: World) -> None:
    for said, why in (
        ("ann@owners.example.com", "a user of the hub"),
        ("stranger@nowhere.example.com", "no person and no record has"),
        ("no address", "neither an e-mail address nor a phone number"),
        ("lead/999", "no"),
    ):
        with pytest.raises(ActionError, match=why):
            erased(people, said)
    with pytest.raises(ActionError):
        erase(people.db.engine, acting("bob@owners.example.com"), "nora@lind.example.com",
              home=people.hub.settings.home, region="FR")  # fmt: skip
    assert not erasure_list.list_file(people.hub.settings.home).exists(), "nothing was written"


class KilledError(Exception):
    """The process ends here."""


POINTS = {
    "before the database knows": (batches, "open_erase"),
    "before the rows go": (steps.rows, "remove"),
    "in the middle of the mentions": (take_out, "_rewrite"),
    "before the files": (files, "rewrite"),
    "before it is closed": (batches, "close_erase"),
    "after it is closed": (steps.work, "drop"),
}


def test_a_killed_erase_goes_on_wherever_it_was(
    people: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = people.hub.settings.home
    (home / "dagster.log").write_text("jean@one.example.com\n")
    for point, (module, name) in POINTS.items():
        with monkeypatch.context() as patch:
            patch.setattr(module, name, _die)
            with pytest.raises(KilledError):
                go_on(people, "jean@one.example.com")
        assert work_file(home).stat().st_mode & 0o777 == 0o600, point
    erase_again(people.db.engine, acting(), home=home)
    assert not work_file(home).exists()
    assert hits(people, ("jean@one", sf_id(6).lower())) == {}
    (batch,) = people.rows(
        "SELECT state, ledger ->> 'complete' AS complete FROM ops.batch WHERE kind = 'erase'"
    )
    assert (batch.state, batch.complete) == ("done", "true")
    read_again(people)
    assert hits(people, ("jean@one",)) == {}


def go_on(world: World, said: str) -> None:
    """Erase, or go on with what was killed."""
    if work_file(world.hub.settings.home).exists():
        erase_again(world.db.engine, acting(), home=world.hub.settings.home)
    else:
        erased(world, said)


def _die(*_args: object, **_named: object) -> None:
    raise KilledError


def test_what_the_fold_of_an_erased_person_gives_is_nobody(people: World) -> None:
    erased(people, "nora@lind.example.com")
    before = people.rows("SELECT to_jsonb(l) - 'recorded_at' AS row FROM crm.lead l ORDER BY id")
    with people.db.engine.begin() as conn:
        conn.execute(text("UPDATE ops.entity SET version = version + 1"))
    flow.run_stages(people.hub)
    assert (
        people.rows("SELECT to_jsonb(l) - 'recorded_at' AS row FROM crm.lead l ORDER BY id")
        == before
    )
    assert not people.rows(
        "SELECT 1 FROM ops.entity WHERE version > folded_version AND merged_into IS NULL"
    )


def test_a_restored_backup_in_which_two_were_one_keeps_the_other(people: World) -> None:
    """Merged by mistake when the backup was written, parted since, and then one was erased."""
    home = people.hub.settings.home
    key = make_key(home)
    with people.db.engine.begin() as conn:
        person = find(conn, forms=[("email", "nora@lind.example.com")])
    assert person is not None
    digests = person.digests(key).items()
    erasure_list.append(
        home, [Tombstone(d, kind, "e1", key.id, SYSTEM.now()) for d, kind in digests]
    )
    act(people, merge, WHO, lead_named(people, sf_id(4)), lead_named(people, sf_id(6)))
    assert "Jean jean@one.example.com" not in standing(people) or "Nora" not in str(
        standing(people)
    )
    (receipt,) = erase_again(people.db.engine, acting(), home=home)
    assert receipt.erasure == "e1"
    assert "Jean jean@one.example.com" in standing(people)
    assert hits(people, ("nora", "lind.example.com")) == {}
    read_again(people)
    assert hits(people, ("nora", "lind.example.com")) == {}
    assert "Jean jean@one.example.com" in standing(people)


def test_who_is_typed_in_again_by_hand_can_be_erased_again(people: World) -> None:
    first = erased(people, "jean@one.example.com")
    given = {"first_name": "Jean", "last_name": "Martin", "email": "jean@one.example.com"}
    act(people, add, WHO, "lead", given, region="FR", force=True)
    assert "Jean jean@one.example.com" in standing(people), "a member of the team may do that"
    second = erased(people, "jean@one.example.com")
    assert second.erasure != first.erasure
    assert second.tombstones["email"] == 1
    assert hits(people, ("jean@one",)) == {}
    listed = {t.erasure for t in erasure_list.read(people.hub.settings.home)}
    assert listed == {first.erasure, second.erasure}
