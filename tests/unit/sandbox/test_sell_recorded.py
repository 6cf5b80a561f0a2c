"""The emulator of Zendesk Sell beside recorded answers: the same keys with values of the same types.

What differs is named in `UNLIKE`, with the reason. The answers come from the vendor's own Zapier app.
"""

import json
from pathlib import Path

import pytest

from tests.unit.sandbox.running import FAST, running
from tests.unit.sandbox.test_sell import Sell

pytestmark = pytest.mark.timeout(60)
DATA = Path("tests/data/sell")
LISTS = {
    "leadStatusesResponse": "lead_statuses",
    "multipleCompanies": "contacts",
    "multipleContacts": "contacts",
    "multipleLeads": "leads",
    "multipleNotesResponse": "notes",
    "multipleStages": "stages",
    "multipleTasksResponse": "tasks",
    "pipelinesResponse": "pipelines",
    "sequences": "sequences",
    "singleDeal": "deals",
    "singleSourceResponse": "sources",
    "singleStageResponse": "stages",
    "sourcesResponse": "sources",
    "stagesResponse": "stages",
    "tagsResponse": "tags",
}
ERRORS = {
    "unprocessableLead": ("POST", "/v2/leads", {"last_name": "A", "invalid_field": 1}),
    "productsErrorResponse": ("POST", "/v2/products", {"name": "A", "max_discount": 101}),
    "errorResponse": ("GET", "/v2/leads?per_page=200", None),
}
# keys that the samples have and the reference of the API has not
UNLIKE = {
    ("contacts", "address.street"): "the reference calls it line1",
    ("deals", "state_id"): "the reference calls it stage_id",
}


@pytest.fixture(scope="module")
def sell():
    with running(org=40, org_of="sell", seed=5, time_scale=FAST) as client:
        one = Sell(client)
        yield one
        one.session.close()


def held(name):
    return json.loads((DATA / f"{name}.json").read_text(encoding="utf-8"))


def kind(value):
    return (
        "number" if isinstance(value, int | float) and not isinstance(value, bool) else type(value)
    )


def test_every_recorded_answer_is_compared():
    tokens = {"accessToken", "refreshToken"}
    assert {path.stem for path in DATA.glob("*.json")} == LISTS.keys() | ERRORS.keys() | tokens


@pytest.mark.parametrize("name", sorted(LISTS))
def test_a_recorded_object_has_no_key_that_the_emulator_lacks(sell, name):
    stream, body = LISTS[name], held(name)
    shown = sell.call(f"/v2/{stream}", params={"per_page": 100}).json()
    recorded = body.get("items", [body])
    types = {one["meta"]["type"] for one in recorded if "meta" in one}
    assert not types or types == {one["meta"]["type"] for one in shown["items"]}
    for one in recorded:
        for key, value in one["data"].items():
            if (stream, key) in UNLIKE:
                continue
            assert all(key in item["data"] for item in shown["items"]), key
            values = [item["data"][key] for item in shown["items"] if item["data"][key] is not None]
            if value is not None:
                assert values, key
                assert {kind(other) for other in values} == {kind(value)}, key
            if isinstance(value, dict) and key != "custom_fields":
                inner = {f for f in value if (stream, f"{key}.{f}") not in UNLIKE}
                assert inner <= values[0].keys(), key


@pytest.mark.parametrize("name", sorted(ERRORS))
def test_an_error_is_the_recorded_one(sell, name):
    method, path, data = ERRORS[name]
    answer = sell.call(path, method, json={"data": data} if data else None)
    said, recorded = answer.json(), held(name)
    assert said["errors"] == recorded["errors"]
    assert said["meta"]["logref"] == answer.headers["x-request-id"]
    assert str(answer.status_code) == said["meta"]["http_status"].split()[0]
    for key in ("http_status", "links"):
        assert said["meta"][key] == recorded["meta"][key]


def test_a_token_has_the_recorded_shape(sell):
    form = {"grant_type": "refresh_token", **sell.app}
    said = sell.call("/oauth2/token", "POST", data=form).json()
    for name in ("accessToken", "refreshToken"):
        recorded = held(name)
        assert said.keys() == recorded.keys()
        assert (said["expires_in"], said["token_type"]) == (3600, recorded["token_type"])
