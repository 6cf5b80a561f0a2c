import pytest

from hub.errors import ConfigError
from hub.model.entities import folded_names
from hub.model.records import JsonValue
from hub.routing.rules import Decision, RoutingRule, Target, bind, decide, fold

KNOWN = {*folded_names("lead"), "source"}
ANNA = Target("user", "anna@example.com")
EAST = Target("group", "East")
FALLBACK = Target("group", "Everybody")


def rule(when, target=EAST, name="r"):
    return RoutingRule(name, when, target)


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("user:anna@example.com", ANNA),
        ("group:East", EAST),
        (" Group : Île de France ", Target("group", "Île de France")),
    ],
)
def test_target_is_read(text, target):
    assert Target.parse(text) == target
    assert Target.parse(str(target)) == target


@pytest.mark.parametrize("text", ["", "anna@example.com", "user:anna", "group:", "team:East", ":x"])
def test_other_target_is_refused(text):
    with pytest.raises(ConfigError, match="neither"):
        Target.parse(text)


@pytest.mark.parametrize(
    ("when", "lead"),
    [
        ({}, {}),
        ({"country": "FRANCE"}, {"country": "france"}),
        ({"city": "orleans"}, {"city": "  Orléans "}),
        ({"city": "Ålesund  Øst"}, {"city": "alesund ost"}),
        ({"city": "STRASSE"}, {"city": "Straße"}),
        ({"country": ["DE", "AT", "CH"]}, {"country": "at"}),
        ({"tags": "VIP"}, {"tags": ["new", "vip"]}),
        ({"tags": ["gold", "vip"]}, {"tags": ["vip"]}),
        ({"source": "typeform", "country": "FR"}, {"source": "typeform", "country": "fr"}),
        ({"custom_fields.seats": "50"}, {"custom_fields": {"seats": 50.0}}),
        ({"custom_fields.demo": "true"}, {"custom_fields": {"demo": True}}),
        ({"custom_fields.a.b": "x"}, {"custom_fields": {"a.b": "x"}}),
    ],
)
def test_rule_holds(when, lead):
    rules = bind([rule(when)], KNOWN)
    assert decide(lead, rules, FALLBACK).rule_name == "r"


@pytest.mark.parametrize(
    ("when", "lead"),
    [
        ({"country": "FR"}, {}),
        ({"country": "FR"}, {"country": None}),
        ({"country": "None"}, {"country": None}),
        ({"country": "FR"}, {"country": "France"}),
        ({"tags": "vip"}, {"tags": ["vip2"]}),
        ({"tags": "vip"}, {"tags": []}),
        ({"source": "typeform", "country": "FR"}, {"source": "typeform", "country": "DE"}),
        ({"custom_fields.seats": "50"}, {"custom_fields": {"chairs": 50}}),
        ({"custom_fields.seats": "50"}, {"custom_fields": None}),
        ({"custom_fields": "50"}, {"custom_fields": {"seats": "50"}}),
    ],
)
def test_rule_does_not_hold(when, lead):
    assert decide(lead, bind([rule(when)], KNOWN), FALLBACK).rule_name is None


def test_first_rule_that_holds_wins_and_tells_why():
    rules = [
        rule({"country": "DE"}, EAST, "east"),
        rule({"source": ["hubspot", "typeform"]}, ANNA, "forms"),
        rule({}, EAST, "rest"),
    ]
    decision = decide({"source": "typeform", "country": "FR"}, rules, FALLBACK)
    assert decision == Decision(ANNA, "forms", ("rule forms: source is hubspot or typeform",))


def test_reasons_hold_the_rules_words_and_not_the_leads():
    rules = [rule({"emails": "boss@example.com"})]
    lead: dict[str, JsonValue] = {"emails": ["boss@example.com", "private@example.org"]}
    assert "private" not in str(decide(lead, rules, FALLBACK))


def test_no_rule_holds_means_fallback_with_a_reason():
    decision = decide({}, [rule({"country": "DE"})], FALLBACK)
    assert (decision.target, decision.rule_name) == (FALLBACK, None)
    assert decision.reasons == ("no rule of 1 holds: fallback group:Everybody",)


def test_unknown_field_is_refused_with_the_nearest_name():
    with pytest.raises(ConfigError, match="unknown field 'contry'") as caught:
        bind([rule({"contry": "FR"})], KNOWN)
    assert caught.value.hint == "did you mean 'country'?"


@pytest.mark.parametrize("field", ["custom_fields.", "city.x", "zzzzzz", ""])
def test_field_outside_the_model_is_refused(field):
    with pytest.raises(ConfigError):
        bind([rule({field: "x"})], KNOWN)


@pytest.mark.parametrize("wanted", [False, 12, None, [], ["a", 1], "", " ", [""], {"a": "b"}])
def test_value_that_is_no_text_is_refused(wanted):
    with pytest.raises(ConfigError, match="country must be"):
        bind([rule({"country": wanted})], KNOWN)


@pytest.mark.parametrize("names", [["a", "a"], [""], ["  "]])
def test_rule_without_a_name_of_its_own_is_refused(names):
    with pytest.raises(ConfigError, match="name of its own"):
        bind([rule({}, name=name) for name in names], KNOWN)


def test_folding_keeps_vowel_signs_of_other_scripts():
    assert fold("कि") != fold("का")


def test_the_accounts_owner_takes_the_lead_where_there_is_one():
    rules = bind(
        [rule({}, Target.parse("account:owner"), "account"), rule({}, EAST, "rest")], KNOWN
    )
    assert decide({"account_owner_id": 7}, rules, FALLBACK).target.kind == "account"
    assert decide({"account_owner_id": None}, rules, FALLBACK).rule_name == "rest"
    assert decide({}, rules, FALLBACK).rule_name == "rest"


@pytest.mark.parametrize(
    ("name", "wanted", "lead", "holds"),
    [
        ("company_size", ">= 50", {"custom_fields": {"employees": 50}}, True),
        ("company_size", ">= 50", {"custom_fields": {"employees": "49"}}, False),
        ("company_size", ">= 50", {"company": {"custom_fields": {"employees": 900}}}, True),
        ("company_size", "50..200", {"custom_fields": {"employees": 200}}, True),
        ("company_size", "50..200", {"custom_fields": {"employees": 201}}, False),
        ("company_size", "< 10", {"custom_fields": {}}, False),
        ("company_size", ["< 10", "> 100"], {"custom_fields": {"employees": 101}}, True),
        ("company.industry", "Retail", {"company": {"industry": "RETAIL"}}, True),
        ("company.industry", "Retail", {"company": None}, False),
        ("language", "fr", {"custom_fields": {"locale": "fr"}}, True),
        ("country", "!= FR", {"country": "DE"}, True),
        ("country", "!= FR", {"country": "FR"}, False),
        ("country", "!= FR", {"country": None}, True),
    ],
)
def test_numbers_and_other_values_are_compared(name, wanted, lead, holds):
    known = {"country", "custom_fields", "company"}
    rules = bind([RoutingRule("one", {name: wanted}, Target("group", "east"))], known)
    assert (decide(lead, rules, Target("group", "sales")).rule_name == "one") is holds
