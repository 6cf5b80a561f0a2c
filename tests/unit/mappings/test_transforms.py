"""Each transform by table; all of them total, clean and (where they say so) idempotent."""

import json
from pathlib import Path
from typing import Any

import phonenumbers
import pytest
from email_validator import EmailNotValidError, validate_email
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hub.errors import RecordError
from hub.mappings import phone_numbers, phones
from hub.mappings.registry import Ctx, Remark
from hub.mappings.transforms import REGISTRY, apply, catalogue
from hub.model import addresses

BLNS = Path(__file__).with_name("blns.json")
NEEDED: dict[str, dict[str, Any]] = {
    "picklist": {"map": {"Open": "New", "Élevé": "High"}},
    "split_name": {"part": "last_name"},
    "template": {"text": "{0}!"},
    "const": {"value": 1},
    "divide": {"by": 1000},
    "has_prefix": {"prefixes": ["00G"]},
    "has_any": {"values": ["Hot"]},
    "entries": {"prefix": "hs_"},
    "texts": {"paths": ["a.b"], "text": "{0}"},
    "objects": {"keys": {"stage": "StageName", "at": "When.At"}, "with": {"at": "datetime"}},
}

TABLE: list[tuple[str, Any, dict[str, Any], Any]] = [
    ("text", "  a \u200b b\t c\x00 ", {}, "a b c"),
    ("text", "", {}, None),
    ("text", 12, {}, "12"),
    ("text", 12.0, {}, "12"),
    ("text", "e\u0301", {}, "\xe9"),
    ("multiline", "a \r\n\r\n\r\n b", {}, "a\n\nb"),
    ("street", "1 rue X\r\n\r\nBât. B", {}, "1 rue X\nBât. B"),
    ("street", ["1 rue X", None, "Bât. B"], {}, "1 rue X\nBât. B"),
    ("postal", "01000", {}, "01000"),
    ("postal", "sw1a 1aa", {}, "SW1A 1AA"),
    *[("company", v, {}, None) for v in ("[not provided]", "N/A", "Self", "-", " ", "n/a")],
    ("company", "Self Storage SA", {}, "Self Storage SA"),
    ("recase_name", "JEAN-PIERRE", {}, "Jean-Pierre"),
    ("recase_name", "DE LA TOUR", {}, "de la Tour"),
    ("recase_name", "o'brien", {}, "O'Brien"),
    ("recase_name", "MCDONALD", {}, "McDonald"),
    ("recase_name", "DeVito", {}, "DeVito"),
    ("recase_name", "JP", {}, "JP"),
    ("split_name", "Dr. Jean van der Berg Jr", {"part": "last_name"}, "van der Berg"),
    ("split_name", "Dr. Jean van der Berg Jr", {"part": "salutation"}, "Dr."),
    ("split_name", "Dr. Jean van der Berg Jr", {"part": "suffix"}, "Jr"),
    ("split_name", "Dupont, Jean", {"part": "first_name"}, "Jean"),
    ("split_name", "Madonna", {"part": "last_name"}, "Madonna"),
    ("split_name", "Madonna", {"part": "first_name"}, None),
    ("name_from_email", "jean.dupont+x@example.com", {}, "dupont"),
    ("email", " mailto:Jean@Ex.fr ", {}, "Jean@Ex.fr"),
    ("email", "Jean <jean@ex.fr>", {}, "jean@ex.fr"),
    ("email", "a@shop.test", {}, "a@shop.test"),
    ("email", "josé@exämple.de", {}, "josé@exämple.de"),
    ("emails", "a@x.com; b@x.com, c@x.com", {}, ["b@x.com", "c@x.com"]),
    ("phone", "01 23 45 67 89", {}, "+33123456789"),
    ("phone", "+33 (0)1 23 45 67 89", {}, "+33123456789"),
    ("phone", "0033 1 23 45 67 89", {}, "+33123456789"),
    ("phone", "+1 555 010 0199", {}, "+15550100199"),
    ("phone_extension", "+33 1 23 45 67 89 x12", {}, "12"),
    ("phone_extension", "+33 1 23 45 67 89", {}, None),
    ("label", "COMPUTER_SOFTWARE", {}, "Computer Software"),
    ("label", "BANKING", {}, "Banking"),
    ("label", "IT", {}, "IT"),
    ("label", "Food & Beverage", {}, "Food & Beverage"),
    ("label", " ", {}, None),
    ("second_mobile", "01 23 45 67 89 / 06 39 98 00 01", {}, "+33639980001"),
    ("second_mobile", "06 39 98 00 01 / 01 23 45 67 89", {}, None),
    ("other_phones", ["01 23 45 67 89 / 06 39 98 00 01", None], {}, None),
    ("other_phones", ["01 23 45 67 89 / 06 39 98 00 01", "06 39 98 00 02"], {}, ["+33639980001"]),
    ("other_phones", "06 39 98 00 01 ou 01 23 45 67 89", {}, ["+33123456789"]),
    ("phone_region", ["Europe/Paris", "en-US"], {}, "FR"),
    ("phone_region", ["America/Los_Angeles", "en-US"], {}, "US"),
    ("phone_region", [None, "nl-BE", "Brussels"], {}, "BE"),
    *[("country", v, {}, "GB") for v in ("UK", "gbr", "Royaume-Uni", "United Kingdom")],
    *[("country", v, {}, "US") for v in ("U.S.A.", "États-Unis", "Vereinigte Staaten")],
    *[("country", v, {}, "CH") for v in ("Suisse", "Schweiz", "ch")],
    *[("is_refusal", v, {}, True) for v in (True, "Y", "yes, please", 1, "unsubscribed", "maybe")],
    *[("is_refusal", v, {}, False) for v in (False, "0", "No", "false", 0, "nein", "N")],
    *[("is_refusal", v, {}, None) for v in ("", " ", "-", "N/A", "null", "none")],
    ("entries", {"hs_a": "x", "hs_": 1, "b": 2, "hs_c": ""}, {"prefix": "hs_"}, [{"name": "a", "value": "x"}]),
    ("permits_email", [{"text": "Email", "enabled": False}, {"text": "Direct Mail", "enabled": True}], {}, False),
    ("permits_email", [{"text": "Direct Mail", "enabled": True}], {}, True),
    ("permits_email", [{"text": "Par e-mail", "enabled": True}], {}, True),
    ("permits_email", [], {}, None),
    ("legal_basis", "Freely given consent from contact", {}, "consent"),
    ("legal_basis", "Legitimate interest – prospect/lead", {}, "legitimate interest"),
    ("legal_basis", "Performance of a contract", {}, "contract"),
    ("legal_basis", "Not applicable", {}, "unknown"),
    ("state", "Bretagne", {}, "Bretagne"),
    ("url", "example.com/a", {}, "https://example.com/a"),
    ("url", "http://example.com", {}, "http://example.com"),
    ("picklist", "eleve", {"map": {"Élevé": "High"}}, "High"),
    ("picklist", "odd", {"map": {}, "on_unknown": "create"}, "odd"),
    ("multi", "a; b;a;;", {}, ["a", "b"]),
    ("multi", "a|b", {"sep": "|"}, ["a", "b"]),
    *[("bool", v, {}, True) for v in (True, 1, "Yes", "oui", "VRAI", "x", "1")],
    *[("bool", v, {}, False) for v in (False, 0, "no", "Non", "faux", "0")],
    ("money", "1 234,56 €", {}, "1234.56"),
    ("money", "1,234.56", {}, "1234.56"),
    ("money", "(1,234)", {}, "-1234"),
    ("money", "1.234.567,8", {}, "1234567.8"),
    ("money", 1500000.0, {}, "1500000"),
    ("money", 0.1, {}, "0.1"),
    ("currency", "12 €", {}, "EUR"),
    ("currency", "USD 12", {}, "USD"),
    ("number", "12", {}, 12),
    ("divide", 61_500, {"by": 1_000}, 62), ("divide", 0, {"by": 1_000}, 0), ("divide", -1_200.0, {"by": 1_000}, -1),
    ("number", 1.5, {}, 1.5),
    ("date", "2024-02-29", {}, "2024-02-29"),
    ("date", "2024-02-29T23:30:00-05:00", {}, "2024-02-29"),
    ("date", "29/02/2024", {"format": "%d/%m/%Y"}, "2024-02-29"),
    ("datetime", "2024-01-02T03:04:05.000+0000", {}, "2024-01-02T03:04:05Z"),
    ("datetime", "2024-01-02T03:04:05.120+02:00", {}, "2024-01-02T01:04:05.12Z"),
    ("datetime", "2024-01-02T03:04:05", {}, "2024-01-02T03:04:05Z"),
    ("datetime", 1704164645, {}, "2024-01-02T03:04:05Z"),
    ("datetime", "1704164645000", {}, "2024-01-02T03:04:05Z"),
    ("html_to_text", '<p>Hi <a href="https://x.y">you</a></p><ul><li>a<li>b</ul><script>x</script>', {}, "Hi you (https://x.y)\n\n- a\n- b"),
    ("concat", ["Ann", None, " ", "Lee"], {}, "Ann Lee"),
    ("coalesce", [None, "", "b"], {}, "b"),
    ("template", ["f1", "t"], {"text": "{0}:{1}"}, "f1:t"),
    ("template", ["f1", None], {"text": "{0}:{1}"}, None),
    ("const", None, {"value": "x"}, "x"),
    ("sf_id", "00Q5g00000ABCDE", {}, "00Q5g00000ABCDEEA5"),
    ("sf_id", "001Da00000xnAk6IAE", {}, "001Da00000xnAk6IAE"),
    ("sf_id", "001Da00000xnAk6", {}, "001Da00000xnAk6IAE"),
    ("tags", "Hot, hot; b", {}, ["Hot", "b"]),
    ("lines", ["Call", None, "two\r\nlines"], {}, "Call\ntwo\nlines"),
    ("end_of_day", ["2026-03-01", "Europe/Paris"], {}, "2026-03-01T22:59:00Z"),
    ("end_of_day", ["2026-07-01", "America/New_York"], {}, "2026-07-02T03:59:00Z"),
    ("end_of_day", ["2026-03-01", None], {}, "2026-03-01T23:59:00Z"),
    ("end_of_day", ["2026-03-01", "../../etc/passwd"], {}, "2026-03-01T23:59:00Z"),
    ("from_base64", "PHA+SGVsbG88L3A+", {}, "Hello"),
    ("names", [{"id": 1, "name": "Hot"}, "b", {"name": "Hot"}, {}], {}, ["Hot", "b"]),
    ("names", {"name": "a"}, {}, ["a"]),
    ("option_label", ["7", [{"value": "7", "label": "In talks"}]], {}, "In talks"),
    ("option_label", ["8", [{"value": "7", "label": "In talks"}]], {}, "8"),
    ("option_label", ["7", None], {}, "7"),
    ("has_any", ["Démo", "b"], {"values": ["demo"]}, True),
    ("has_any", ["b"], {"values": ["demo"]}, False),
    ("identifier", " 12 ", {}, "12"),
    ("has_prefix", "00G1", {"prefixes": ["00G"]}, True),
    (
        "objects",
        [{"StageName": " Open ", "When": {"At": "2024-03-01T11:00:00+01:00"}, "x": 1}, 3, {}],
        {
            "keys": {"stage": "StageName", "at": "When.At"},
            "with": {"at": "datetime"},
            "maps": {"stage": {"open": "Incoming"}},
        },
        [{"stage": "Incoming", "at": "2024-03-01T10:00:00Z"}],
    ),
    (
        "texts",
        [{"a": {"b": " X "}, "n": 2.0}, {"a": None, "n": 3}, {"a": {"b": "Y"}}],
        {"paths": ["a.b", "n"], "text": "{0} ({1})"},
        ["X (2)", "Y"],
    ),
    ("objects", [{"StageName": None}], {"keys": {"stage": "StageName"}}, None),
    ("plain", {"a": [" x\x00", float(2)]}, {}, {"a": ["x", 2.0]}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value", "args", "expected"), TABLE)
def test_transform_gives(name, value, args, expected):
    assert apply(name, value, args) == expected


def test_every_transform_has_a_row_and_a_line():
    assert {row[0] for row in TABLE} == set(REGISTRY)
    assert all(doc.endswith(".") for _, doc, _ in catalogue())


def test_state_is_a_code_where_addresses_use_codes():
    assert apply("state", "california", ctx=Ctx("US")) == "CA"
    assert apply("state", "ca", ctx=Ctx("US")) == "CA"
    assert apply("state", "Bretagne", ctx=Ctx("FR")) == "Bretagne"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("text", []), ("text", {}), ("text", True), ("email", "nobody"), ("email", "a@localhost"), ("url", "no site"),
        ("bool", "maybe"), ("money", "free"), ("number", "x"), ("number", 1e300), ("date", "2024-02-30"),
        ("datetime", "0000-00-00"), ("datetime", "31/12/2024"), ("sf_id", "nope"),
        ("plain", ["x" * 1_000_001]),
    ],
)  # fmt: skip
def test_unusable_value_is_refused(name, value):
    with pytest.raises(RecordError):
        apply(name, value)


# the last: each reading takes another 0 for a trunk prefix
@pytest.mark.parametrize("typed", ["call me", "12", "+999 12", "n/a", "+98000000"])
def test_phone_that_cannot_be_read_is_kept_as_typed(typed):
    kept = apply("phone", typed)
    assert isinstance(kept, Remark)
    assert (kept.value, kept.kind) == (typed, "problem")


def test_unknown_words_are_drift():
    assert apply("country", "Atlantis") == Remark("Atlantis", "unknown country", "unknown")
    for args, kept in (({}, "odd"), ({"on_unknown": "default", "default": "d"}, "d")):
        told = apply("picklist", "odd", {"map": {}, **args})
        assert told == Remark(kept, "unknown list value", "unknown")
    with pytest.raises(RecordError):
        apply("picklist", "odd", {"map": {}, "on_unknown": "quarantine"})


def test_lone_surrogate_is_replaced_and_told():
    told = apply("text", "Jos\ud83d")
    assert isinstance(told, Remark)
    assert told.value == "Jos\ufffd"


SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(st.characters()),
    st.text("aAéß0123456789 @.,;:-+()/<>€$'\u2019İ\u0130ǆ\u200b\n\x00", max_size=30),
    st.from_regex(r"\+?[0-9 ()./-]{3,18}", fullmatch=True),
    st.from_regex(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9:]{5,8}(Z|[+-][0-9]{4})?)?", fullmatch=True),
)
JSON = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)


def _result(name, value, region="FR"):
    try:
        got = apply(name, value, NEEDED.get(name, {}), Ctx(region))
    except RecordError:
        return None
    return got.value if isinstance(got, Remark) else got


def _assert_storable(value):
    text = json.dumps(value, allow_nan=False, ensure_ascii=False)
    assert "\x00" not in text
    assert "\\u0000" not in text
    text.encode()


@pytest.mark.parametrize("name", sorted(REGISTRY))
@settings(max_examples=25, deadline=None)
@given(value=JSON)
@example(value=") :A")
@example(value=':"A')
def test_transform_is_total_and_idempotent(name, value):
    once = _result(name, value)
    if name != "coalesce":  # it hands a part on, the engine cleans it
        _assert_storable(once)
    if REGISTRY[name].idempotent and once is not None:
        assert _result(name, once) == once


@pytest.mark.parametrize("name", sorted(REGISTRY))
def test_naughty_strings_do_no_harm(name):
    for value in json.loads(BLNS.read_text("utf-8")):
        once = _result(name, value)
        _assert_storable(once)
        if REGISTRY[name].idempotent and once is not None:
            assert _result(name, once) == once


@settings(max_examples=250, deadline=None)
@given(
    st.from_regex(
        r"[A-Za-z0-9_+.\-]{1,20}@([A-Za-z0-9\-]{1,9}\.){1,3}([A-Za-z]{2,10}|com|test|local|onion|arpa|invalid|localhost)",
        fullmatch=True,
    )
)
def test_quick_email_check_agrees_with_the_library(address):
    if addresses._ATOM.fullmatch(address):
        try:
            validate_email(address, check_deliverability=False, test_environment=True)
        except EmailNotValidError as exc:
            pytest.fail(f"{address}: {exc}")


@settings(max_examples=250, deadline=None)
@given(
    st.from_regex(
        r"(\+33|\+1|\+44|\+34 ?[67]|\+49 ?1[567]|0|\(0|00)? ?[(]?[0-9][0-9 ().\-/]{7,14}",
        fullmatch=True,
    ),
    st.sampled_from(["FR", "US", "GB", "DE", "ES"]),
)
def test_quick_phone_agrees_with_the_library(typed, region):
    quick = phones._quick(typed, region)
    if quick:
        number = phone_numbers.parsed(typed.replace("(0)", " "), region)
        assert number is not None
        assert phonenumbers.is_possible_number(number)
        assert phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164) == quick


@pytest.mark.parametrize(("name", "longest"), [("text", 65_536), ("multiline", 1_000_000)])
def test_text_is_kept_to_the_longest_that_a_vendor_allows_and_then_cut(name, longest):
    assert apply(name, "x" * longest) == "x" * longest
    cut = apply(name, "x" * (longest + 1))
    assert cut == Remark("x" * longest, f"cut after {longest} characters")


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("R&amp;D", "R&D"),
        ("L&#39;Or&eacute;al", "L'Oréal"),
        ("AT&T", "AT&T"),
        ("a=1&copy=2", "a=1&copy=2"),
        ("x < y > z", "x < y > z"),
        ("Jane <jane@acme.example>", "Jane <jane@acme.example>"),
        ("<name>", "<name>"),
        ("&amp;amp;", "&"),
        ("<b>Hot</b> lead", "Hot lead"),
        ("<p>One</p><p>Two</p>", "One\n\nTwo"),
        ("a<br/>b<BR>c", "a\nb\nc"),
        ("<ul><li>a</li><li>b</li></ul>", "- a\n- b"),
        ('<a href="https://x.example">here</a>', "here (https://x.example)"),
        ('<a href="mailto:a@x.example">a@x.example</a>', "a@x.example"),
        ('<a href="javascript:alert(1)">x</a>', "x"),
        ("<table><tr><td>a</td><td>b</td></tr></table>", "a b"),
        ("<style>p{}</style><!-- x -->Hi<script>alert(1)</script>", "Hi"),
        ("5 &lt; 6 &amp;&amp; 7 &gt; 6", "5 < 6 && 7 > 6"),
        ("\u0645\u06cc\u200c\u062e", "\u0645\u06cc\u200c\u062e"),
        ("क\u094d\u200dष", "क\u094d\u200dष"),
        ("👩\u200d💻", "👩\u200d💻"),
        ("Ja\u200cn\u200de", "Jane"),
    ],
)
def test_tags_and_entities_become_text_and_joiners_stay(typed, read):
    assert apply("multiline", typed) == read


def test_text_of_which_only_markup_is_left_is_told():
    assert apply("text", "<script>alert(1)</script>") == Remark(None, "nothing but markup")
    assert apply("text", "<p> </p>") is None
