"""The fold: order-independent, humble towards open sources, obedient to people."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.golden.rules import By, SurvivorshipRules, overlaid
from hub.golden.survive import Edit, SourceVersion, survive
from hub.model.verdicts import Trust

T1, T2, T3 = "2026-01-01T00:00:00Z", "2026-02-01T00:00:00+00:00", "2026-03-01T00:00:00Z"


def version(
    source: str,
    at: str | None = T1,
    *,
    gone: bool = False,
    trust: Trust = Trust.TRUSTED,
    key: str = "1",
    **values: Any,
) -> SourceVersion:
    return SourceVersion(1, f"{source}/s/{key}", source, "s", trust, values, at, gone)


def test_precedence_beats_recency() -> None:
    g = survive([version("salesforce", T1, city="Lyon"), version("mailchimp", T3, city="Nice")])
    assert g.values == {"city": "Lyon"}


def test_newest_of_one_source_wins() -> None:
    g = survive([version("salesforce", T1, city="Lyon", key="1"), version("salesforce", T2, city="Nice", key="2")])  # fmt: skip
    assert g.values["city"] == "Nice"


def test_blank_never_overwrites() -> None:
    g = survive([version("salesforce", T3, city="  ", title=None), version("mailchimp", T1, city="Nice", title="CEO")])  # fmt: skip
    assert g.values == {"city": "Nice", "title": "CEO"}


def test_names_come_from_one_record() -> None:
    g = survive([version("salesforce", last_name="Smith"), version("hubspot", first_name="Jo", last_name="Smyth")])  # fmt: skip
    assert (g.values["first_name"], g.values["last_name"]) == ("Jo", "Smyth")


def test_open_full_name_does_not_replace_a_trusted_last_name() -> None:
    g = survive([version("salesforce", last_name="Smith"), version("typeform", trust=Trust.OPEN, first_name="Jo", last_name="Hack")])  # fmt: skip
    assert g.values["last_name"] == "Smith"
    assert g.values["first_name"] == "Jo"


def test_lists_unite_and_custom_fields_merge_per_key() -> None:
    g = survive([
        version("hubspot", email="b@x.com", tags=["vip", "b"], custom_fields={"a": 1, "b": 2}),
        version("salesforce", email="a@x.com", tags=["a", "VIP"], custom_fields={"b": 3, "c": ""}),
    ])  # fmt: skip
    assert g.values["emails"] == ["a@x.com", "b@x.com"]
    assert g.values["tags"] == ["a", "VIP", "b"]
    assert g.values["custom_fields"] == {"a": 1, "b": 3}


def test_earliest_creation_counts() -> None:
    g = survive([version("salesforce", created_at=T2), version("mailchimp", created_at=T1)])
    assert g.values["created_at"] == T1


def test_stranger_adds_no_address_to_a_known_person() -> None:
    g = survive([version("salesforce", email="a@x.com"), version("typeform", trust=Trust.OPEN, email="evil@x.com")])  # fmt: skip
    assert g.values["emails"] == ["a@x.com"]


def test_gone_value_stays_only_where_nobody_else_has_one() -> None:
    g = survive([version("salesforce", gone=True, city="Lyon", title="CEO"), version("mailchimp", city="Nice")])  # fmt: skip
    assert g.values == {"city": "Nice", "title": "CEO"}


def test_edit_of_one_custom_field_leaves_the_others() -> None:
    g = survive([version("hubspot", custom_fields={"a": 1, "b": 2})], [Edit("custom_fields.b", 9, T1, "u")])  # fmt: skip
    assert g.values["custom_fields"] == {"a": 1, "b": 9}


def test_edit_may_blank_a_field() -> None:
    g = survive([version("hubspot", city="Nice")], [Edit("city", None, T1, "u")])
    assert g.values["city"] is None


def test_explanation_names_winner_losers_and_rule() -> None:
    g = survive(
        [version("salesforce", city="Lyon", title="x"), version("hubspot", city="Nice", state="A")],
        [Edit("title", "CEO", T2, "ana")],
        explain=True,
    )
    assert g.explanation is not None
    city = g.explanation["city"]
    assert (city.rule, city.winner and city.winner.stable_key) == ("precedence", "salesforce/s/1")
    assert [c.value for c in city.losers] == ["Nice"]
    assert g.explanation["state"].rule == "only"
    assert g.explanation["title"].rule == "edit"
    assert g.explanation["title"].winner == g.explanation["title"].winner


_TEXT = st.sampled_from([None, "", " ", "x", "y", "z"])
_VALUES: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries({}, optional={
    "first_name": _TEXT, "last_name": _TEXT, "email": st.sampled_from([None, "a@x.com", "b@x.com", "A@x.com"]),
    "emails": st.lists(st.sampled_from(["a@x.com", "c@x.com"])), "city": _TEXT, "industry": _TEXT,
    "tags": st.lists(st.sampled_from(["t", "u", "T"])), "custom_fields": st.dictionaries(st.sampled_from("ab"), _TEXT),
    "created_at": st.sampled_from([None, T1, T2, "nonsense"]), "status": _TEXT,
})  # fmt: skip
_SPECS = st.lists(
    st.tuples(st.sampled_from(["salesforce", "hubspot", "mailchimp", "typeform", "elsewhere"]), st.sampled_from(list(Trust)),
              st.sampled_from([None, T1, T2, "?"]), st.booleans(), _VALUES), max_size=5)  # fmt: skip
RECORDS = _SPECS.map(
    lambda specs: [
        SourceVersion(i, f"{s}/x/{i}", s, "x", trust, dict(values), at, gone)
        for i, (s, trust, at, gone, values) in enumerate(specs)
    ]
)
EDITS = st.lists(
    st.builds(Edit, st.sampled_from(["city", "email", "tags", "custom_fields.a", "last_name"]),
              st.sampled_from(["p", "q", None]), st.sampled_from([T1, T3]), st.sampled_from(["u", "v"])), max_size=4)  # fmt: skip


def rules_by(by: By) -> SurvivorshipRules:
    groups = {name: {"by": by.value} for name in ("identity", "firmographics")}
    return SurvivorshipRules.bind(overlaid({"groups": groups}))


EVERY_RULE = pytest.mark.parametrize("by", list(By))
PLAIN = ("first_name", "last_name", "email", "city", "industry", "status")


@EVERY_RULE
@given(RECORDS, EDITS, st.randoms(use_true_random=False))
def test_order_does_not_matter(by: By, records: Any, edits: Any, shuffle: Any) -> None:
    expected = survive(records, edits, rules_by(by), explain=True)
    records, edits = list(records), list(edits)
    shuffle.shuffle(records)
    shuffle.shuffle(edits)
    found = survive(records, edits, rules_by(by), explain=True)
    assert found == expected
    assert list(found.values) == list(expected.values)


@EVERY_RULE
@given(RECORDS, EDITS)
def test_explaining_changes_nothing(by: By, records: Any, edits: Any) -> None:
    explained = survive(records, edits, rules_by(by), explain=True)
    assert survive(records, edits, rules_by(by)).values == explained.values
    assert explained.explanation is not None
    assert set(explained.explanation) == set(explained.values)


@EVERY_RULE
@given(RECORDS, EDITS)
def test_last_edit_wins(by: By, records: Any, edits: Any) -> None:
    values = survive(records, edits, rules_by(by)).values
    for name in ("city", "last_name"):
        own = [e for e in edits if e.field == name]
        newest = [e.value for e in own if e.at == max(o.at for o in own)]
        assert not own or values[name] in newest


@EVERY_RULE
@given(RECORDS)
def test_open_source_never_overwrites_a_trusted_value(by: By, records: Any) -> None:
    trusted = survive([r for r in records if r.trust is Trust.TRUSTED], rules=rules_by(by)).values
    both = survive(records, rules=rules_by(by)).values
    for name in (*PLAIN, "emails"):
        if name in trusted and name != "emails":
            assert both[name] == trusted[name]
    if "emails" in trusted:
        assert both["emails"] == trusted["emails"]


@EVERY_RULE
@given(RECORDS)
def test_any_value_fills_a_blank(by: By, records: Any) -> None:
    values = survive(records, rules=rules_by(by)).values
    for name in PLAIN:
        has = any((r.values.get(name) or "").strip() for r in records)
        assert (name in values) == has


@given(RECORDS)
def test_gone_record_stops_counting_where_a_trusted_one_has_a_value(records: Any) -> None:
    values = survive(records).values
    there = [r for r in records if r.trust is Trust.TRUSTED and not r.gone]
    for name in ("city", "industry", "email", "status"):
        having = {r.values[name] for r in there if (r.values.get(name) or "").strip()}
        if having:
            assert values[name] in having


def test_recent_takes_the_newest_whatever_its_source() -> None:
    records = [version("salesforce", T1, city="Lyon"), version("mailchimp", T3, city="Nice")]
    g = survive(records, rules=rules_by(By.RECENT), explain=True)
    assert g.values == {"city": "Nice"}
    assert g.explanation is not None
    assert (g.explanation["city"].rule, g.explanation["city"].by) == ("recency", "identity: recent")


def test_longest_takes_the_longest_of_equally_trusted_ones_and_of_custom_fields_each() -> None:
    records = [
        version("salesforce", T1, city="Lyon", title=" CEO          ", custom_fields={"a": "1", "b": "xx"}),
        version("mailchimp", T3, city="Lyon 3e", title="Chief", custom_fields={"a": "12", "b": "x"}),
        version("typeform", T3, trust=Trust.OPEN, city="Lyon, third district", title="x" * 20),
    ]  # fmt: skip
    g = survive(records, rules=rules_by(By.LONGEST), explain=True)
    assert g.values["city"] == "Lyon 3e"
    assert g.values["title"] == "Chief", "blanks around a value do not count"
    assert g.values["custom_fields"] == {"a": "12", "b": "xx"}
    assert g.explanation is not None
    assert (g.explanation["city"].rule, g.explanation["city"].by) == ("length", "identity: longest")


def test_longest_takes_a_whole_name_of_one_record() -> None:
    records = [version("salesforce", first_name="Jo", last_name="Smithson"), version("hubspot", first_name="Johanna", last_name="S")]  # fmt: skip
    g = survive(records, rules=rules_by(By.LONGEST), explain=True)
    assert (g.values["first_name"], g.values["last_name"]) == ("Jo", "Smithson")
    assert g.explanation is not None
    assert g.explanation["first_name"].rule == "unit"
