"""Recorded deals, meetings, e-mails, companies, owners and pipelines of HubSpot, as the hub maps them."""

import json

import pytest

from hub.connectors.answers import to_answer
from hub.connectors.hubspot.joins import Joiner
from hub.connectors.hubspot.kinds import KINDS
from hub.connectors.hubspot.objects import Found, Item
from hub.errors import ProtocolError
from tests.unit.connectors.test_recorded_all import DATA, exchanges, mapped

FOLDER = DATA / "hubspot"


def results(name):
    return [one for _, _, body in exchanges(FOLDER / name) for one in body.get("results", ())]


def values(stream, payloads):
    result = mapped(f"hubspot/{stream}", payloads)
    assert not result.rejected
    assert not result.problems
    return [one.values for one in result.records if one.primary]


@pytest.mark.parametrize("name", ["meetings_v3_paged.json", "meetings_v3_search.json"])
def test_a_recorded_meeting_is_a_visit_at_its_start(name):
    payloads = results(name)
    assert payloads
    for said, here in zip(payloads, values("meetings", payloads), strict=True):
        assert here["visited_at"][:19] == said["properties"]["hs_meeting_start_time"][:19]
        assert here["summary"].startswith(said["properties"]["hs_meeting_title"])
        assert "<" not in here["summary"]


def test_a_recorded_deal_has_the_stage_of_its_id_where_no_label_is_known():
    found = values("deals", results("v3_mock_deals_data.json"))
    assert [(one["stage"], one["value"]) for one in found] == [
        ("Qualified", "500"),
        ("Qualified", "3233"),
    ]
    assert not any("estimated_close_date" in one or "closed_at" in one for one in found)


def test_recorded_companies_and_owners_are_mapped():
    assert all(
        one["organization_name"]
        for one in values("companies", results("v3_mock_companies_data.json"))
    )
    owners = results("owners_v3.json")
    found = values("owners", owners)
    assert all(
        said["email"].endswith(here["email"]) and here["is_active"] is not said["archived"]
        for said, here in zip(owners, found, strict=True)
    )


def test_the_stages_of_a_recorded_pipeline_have_numbers_and_labels_that_the_mapping_knows():
    stages = [
        stage
        for _, _, body in exchanges(FOLDER / "deal_pipelines_v1.json")
        for pipeline in (body if isinstance(body, list) else [body])
        if isinstance(pipeline, dict)
        for stage in pipeline.get("stages", ())
    ]
    assert any(stage["stageId"].isdecimal() for stage in stages)
    labels = {stage["label"] for stage in stages}
    assert "Contract Sent" in labels
    for label in sorted(labels & DEFAULT):
        deal = {
            "id": "1",
            "properties": {"dealname": "D"},
            "dealStage": {"label": label, "isClosed": "false"},
        }
        (found,) = values("deals", [deal])
        assert found["stage"] in {"Incoming", "Qualified", "Quote", "Won", "Lost"}


DEFAULT = {
    "Appointment Scheduled", "Qualified To Buy", "Presentation Scheduled", "Decision Maker Bought-In",
    "Contract Sent", "Closed Won", "Closed Lost",
}  # fmt: skip


def test_two_moves_of_a_deal_in_one_second_keep_their_order():
    moves = [("closedwon", "09:00"), ("contractsent", "09:00"), ("qualifiedtobuy", "08:00")]
    history = [{"value": to, "timestamp": f"2026-01-01T{at}:00Z"} for to, at in moves]
    past = {"results": [{"id": "1", "propertiesWithHistory": {"dealstage": history}}]}

    class Client:
        def pipelines(self, _kind):
            return to_answer(b'{"results": []}', {}, where="GET a.example/x")

        associations = pipelines

        def batch(self, *_asked, history):
            assert history == ["dealstage"]
            return to_answer(json.dumps(past).encode(), {}, where="POST a.example/x")

    found = Found([Item(id="1")], [b'{"id": "1"}'], 1)
    joiner = Joiner(Client(), skip=("contacts", "companies"))  # type: ignore[arg-type]
    payload = json.loads(joiner.joined(KINDS["deals"], found).raws[0])
    stages = [one["stage"] for one in payload["stageHistory"]]
    assert stages == ["qualifiedtobuy", "contractsent", "closedwon"]


def test_a_recorded_error_among_associations_is_no_empty_list():
    (_, _, body), *_ = exchanges(FOLDER / "assoc_v4_invalid.json")

    class Client:
        def associations(self, *_asked):
            return to_answer(json.dumps(body).encode(), {}, where="POST a.example/x")

    found = Found([Item(id="1")], [b'{"id": "1"}'], 1)
    with pytest.raises(ProtocolError, match="associations"):
        Joiner(Client()).joined(KINDS["calls"], found)  # type: ignore[arg-type]
