"""A seeded account of Zendesk Sell: what it has, and that its emulator gives all of it."""

import csv
import io
import zipfile
from collections import Counter
from pathlib import Path

import pytest
import requests

from hub.sandbox.sell.objects import RESOURCES
from hub.sandbox.sell_org import generate_sell_org
from hub.sandbox.sell_org.setup import TYPES
from hub.sandbox.universe import check_universe
from tests.unit.sandbox.running import FAST, running
from tests.unit.sandbox.test_sell import Sell

pytestmark = pytest.mark.timeout(120)
LEADS = 60


def rows(universe, stream):
    return [one for one in universe["records"] if one["stream"] == stream]


@pytest.fixture(scope="module")
def sell():
    with running(org=LEADS, org_of="sell", seed=7, time_scale=FAST) as client:
        one = Sell(client)
        one.universe = client.sandbox.universe
        yield one
        one.session.close()


def test_an_account_is_the_same_for_the_same_seed_and_grows_with_one_number():
    one, again, bigger = (generate_sell_org(3, n) for n in (40, 40, 400))
    assert one == again
    check_universe(one)
    counts = Counter(record["stream"] for record in bigger["records"])
    assert (counts["leads"], counts["contacts"], counts["deals"]) == (400, 480, 200)
    done = ("tasks", "notes", "calls", "visits", "text_messages")
    assert sum(counts[name] for name in done) == 2_400


def test_an_account_has_the_difficulties_of_a_migration(sell):
    universe = sell.universe
    kinds = Counter(one["kind"] for one in universe["planted"])
    assert (kinds["circle"], kinds["bad_email"] > 0, kinds["duplicate"] > 0) == (3, True, True)
    circle = {one["id"] for one in universe["planted"] if one["kind"] == "circle"}
    parents = {str(one["values"]["parent_organization_id"]) for one in rows(universe, "contacts")
               if one["id"] in circle}  # fmt: skip
    assert parents == circle
    assert {one["values"]["status"] for one in rows(universe, "users")} == {"active", "inactive"}
    assert len({one["values"]["team_name"] for one in rows(universe, "users")}) > 1
    assert len({one["values"]["currency"] for one in rows(universe, "deals")}) == 3
    pipelines = {one["id"]: one["values"]["pipeline_id"] for one in rows(universe, "stages")}
    assert len({pipelines[str(one["values"]["stage_id"])] for one in rows(universe, "deals")}) == 3
    assert {one["values"]["type"] for one in rows(universe, "custom_fields")} == set(TYPES)
    assert any(one["values"]["recording_url"] for one in rows(universe, "calls"))
    for stream in set(RESOURCES) - {"custom_fields"}:
        assert rows(universe, stream), stream


def test_every_list_gives_each_record_with_each_of_its_values(sell):
    """Hold what the API shows, all pages of it, against the truth, field by field."""
    asked = requests.get(sell.control + "/truth", params={"source": "sell"}, timeout=10).json()
    whole = {(one["stream"], int(one["id"])): one for one in asked["records"]}
    paths = set(RESOURCES) - {"custom_fields", "associated_contacts", "line_items"}
    for path in sorted(paths):
        found, page = {}, 1
        while items := sell.items(f"/v2/{path}", page=page, per_page=100, sort_by="id"):
            found |= {one["id"]: one for one in items}
            page += 1
        wanted = {key[1]: one for key, one in whole.items()
                  if key[0] == path and not one.get("deleted")}  # fmt: skip
        assert found.keys() == wanted.keys(), path
        for id_, one in found.items():
            for name, value in wanted[id_]["values"].items():
                if value not in (None, [], {}):
                    assert one[name] == value, (path, id_, name)
            assert (one["created_at"], one["updated_at"]) == (
                wanted[id_]["at"], wanted[id_]["modified_at"],
            )  # fmt: skip


def test_the_rest_is_found_below_its_record(sell):
    orders = sell.items("/v2/orders", per_page=100)
    items = [one for order in orders
             for one in sell.items(f"/v2/orders/{order['id']}/line_items", per_page=100)]  # fmt: skip
    assert len(items) == len(rows(sell.universe, "line_items"))
    own = [one for owner in ("lead", "contact", "deal", "prospect_and_customer")
           for one in sell.items(f"/v2/{owner}/custom_fields", per_page=100)]  # fmt: skip
    assert len(own) == len(rows(sell.universe, "custom_fields"))
    for one in sell.items("/v2/documents", per_page=100):
        got = requests.get(one["download_url"], timeout=5)
        assert (got.status_code, len(got.content)) == (200, one["size"])


def test_deals_move_through_their_pipeline(sell):
    pipelines = {one["id"]: one["values"]["pipeline_id"] for one in rows(sell.universe, "stages")}
    deals = {one["id"]: one["values"] for one in rows(sell.universe, "deals")}
    moves = rows(sell.universe, "stage_changes")
    assert len(moves) > len(deals)
    last = {str(one["values"]["deal_id"]): one["values"] for one in moves}
    assert {key: one["stage_id"] for key, one in last.items()} == {
        key: one["stage_id"] for key, one in deals.items()
    }
    for move in moves:
        before, after = (move["values"][name] for name in ("previous_stage_id", "stage_id"))
        assert before is None or pipelines[str(before)] == pipelines[str(after)]


def test_the_export_has_the_same_records_under_the_columns_of_an_account_export(sell):
    packed = requests.get(sell.control + "/sell/export.zip", timeout=20).content
    archive = zipfile.ZipFile(io.BytesIO(packed))
    known = Path("tests/data/csv/sell")
    assert set(archive.namelist()) == {path.name for path in known.iterdir()}
    for name in archive.namelist():
        lines = list(csv.DictReader(io.StringIO(archive.read(name).decode())))
        live = [one for one in rows(sell.universe, name.split(".")[0]) if not one.get("deleted")]
        assert {one["id"] for one in lines} == {one["id"] for one in live}
        first = (known / name).read_text(encoding="utf-8").splitlines()[0].split(",")
        never = {"last_activity_date", "linkedin_display"} if name == "contacts.0.csv" else set()
        usual = {column for column in first if not column.startswith("custom")} - never
        assert usual <= set(lines[0]), name
    deals = {one["id"]: one for one in
             csv.DictReader(io.StringIO(archive.read("deals.0.csv").decode()))}  # fmt: skip
    for one in rows(sell.universe, "deals"):
        line, values = deals[one["id"]], one["values"]
        assert (line["scope"], line["currency"]) == (values["value"], values["currency"])
        assert line["main_contact_id"] == str(values["contact_id"])
        for field, value in values["custom_fields"].items():
            if isinstance(value, str):
                assert line[f"custom {field}"] == value
