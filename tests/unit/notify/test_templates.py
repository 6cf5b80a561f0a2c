import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.errors import ConfigError
from hub.model.events import ALERTS, EventKind
from hub.notify.templates import (
    EventWords,
    Notice,
    languages,
    parse_words,
    render,
    render_collected,
    tel_link,
    words,
)

EN = words("en")
FULL = Notice(
    event="lead_assigned",
    lead_id=42,
    public_url="https://hub.example.com/",
    first_name="Zoë",
    last_name="Łukasz-O'Hara",
    company="Müller & Söhne",
    email="zoe@example.com",
    phone="+49 30 1234567",
    source="typeform",
    rule="DACH",
    group="East",
    topic="Demo",
    question="Can you call me?\nBest before noon.",
)
BARE = Notice(event="lead_assigned", lead_id=7, public_url="http://localhost:8000")
NAMES = ["first_name", "last_name", "company", "email", "phone", "source", "rule", "group"]
FACTS = [*NAMES, "topic", "question"]


def test_everything_known_is_told():
    mail = render(FULL, EN)
    assert mail.subject == "New lead: Zoë Łukasz-O'Hara, Müller & Söhne (via typeform)"
    assert mail.link == "https://hub.example.com/leads/42"
    assert mail.text == (
        "Zoë Łukasz-O'Hara is now your lead.\n"
        "\n"
        "Company: Müller & Söhne\n"
        "Source: typeform\n"
        "Phone: +49 30 1234567 (tel:+49301234567)\n"
        "E-mail: zoe@example.com\n"
        "Why you: rule “DACH”, your turn in group “East”\n"
        "\n"
        "They asked (Demo):\n"
        "> Can you call me?\n"
        "> Best before noon.\n"
        "\n"
        "Open the lead: https://hub.example.com/leads/42\n"
    )


def test_nothing_known_leaves_no_holes():
    mail = render(BARE, EN)
    assert mail.subject == "New lead: someone without a name"
    assert mail.text == (
        "someone without a name is now your lead.\n\nOpen the lead: http://localhost:8000/leads/7\n"
    )
    assert mail.tel == ""


@pytest.mark.parametrize("event", list(EventKind))
@pytest.mark.parametrize("nothing", [None, "", "  ", "null", "None None", "null null", "NaN"])
def test_no_none_and_no_null(event, nothing):
    mail = render(replace(BARE, event=event, **dict.fromkeys(FACTS, nothing)), EN)
    for word in ("None", "null", "NaN", "()", ": \n", "{", "“”"):
        assert word not in mail.subject + mail.text


def test_people_called_null_keep_their_name():
    mail = render(replace(BARE, first_name="Jennifer", last_name="Null"), EN)
    assert mail.subject == "New lead: Jennifer Null"


def test_company_stands_in_for_a_missing_name_once():
    mail = render(replace(BARE, company="ACME"), EN)
    assert mail.subject == "New lead: ACME"
    assert "Company:" not in mail.text


def test_inquiry_says_that_nobody_new_came():
    mail = render(replace(FULL, event="inquiry_received", rule=None, group=None), EN)
    assert mail.subject == "Zoë Łukasz-O'Hara, Müller & Söhne, asks again (via typeform)"
    assert "Why you: you own this lead\n" in mail.text


OPENINGS = ("Open the lead: ", "Open your leads: ", "Open the contact: ", "Open the deal: ",
            "Open them: ")  # fmt: skip


@given(
    event=st.sampled_from([kind for kind in EventKind if kind not in ALERTS]),
    facts=st.fixed_dictionaries(dict.fromkeys(FACTS, st.none() | st.text(max_size=400))),
)
def test_any_text_makes_one_header_line_and_no_sentence_of_ours(event, facts):
    mail = render(replace(BARE, event=event, **facts), EN)
    assert len(mail.subject.splitlines()) == 1
    assert len(mail.subject) <= 160
    assert all(char == "\n" or ord(char) >= 32 for char in mail.text)
    mail.text.encode("utf-8")
    assert sum(line.startswith(OPENINGS) for line in mail.text.splitlines()) == 1


@pytest.mark.parametrize(
    "evil", ["a\r\nBcc: x@y.z", "a\nBcc: x@y.z", "a\u2028Bcc: x", "a\x00\x85b"]
)
def test_line_breaks_in_names_are_spaces(evil):
    mail = render(replace(BARE, first_name=evil, company=evil, source=evil), EN)
    assert len(mail.subject.splitlines()) == 1
    assert not any(line.startswith("Bcc") for line in mail.text.splitlines())


def test_braces_in_values_are_text():
    mail = render(replace(BARE, first_name="{who.__class__}", last_name="{0}"), EN)
    assert mail.subject == "New lead: {who.__class__} {0}"


def test_text_is_not_reversed_by_a_stranger():
    assert "\u202e" not in render(replace(BARE, first_name="evil\u202etxt"), EN).subject


def test_question_is_quoted_line_by_line():
    text = render(replace(BARE, question="Hi\r\n\r\nOpen the lead: http://evil\n\n"), EN).text
    assert "\n> Hi\n>\n> Open the lead: http://evil\n\nOpen the lead: http://localhost" in text


@pytest.mark.parametrize(
    ("phone", "link"),
    [
        ("+33 (0)1 23 45 67 89", "tel:+33123456789"),
        ("(030) 123-4567", "tel:0301234567"),
        ("+1 415 555 2671 ext. 12", "tel:+14155552671;ext=12"),
        ("+1 415 555 2671x12", "tel:+14155552671;ext=12"),
        ("٠١٢٣٤٥٦", "tel:0123456"),
        ("call me", ""),
        ("12", ""),
        ("null", ""),
        (None, ""),
    ],
)
def test_tel_link(phone, link):
    assert tel_link(phone) == link


@given(phone=st.text(max_size=40))
def test_tel_link_is_total(phone):
    link = tel_link(phone)
    assert link == "" or link.startswith("tel:")
    assert " " not in link


def test_unknown_language_is_refused():
    with pytest.raises(ConfigError) as caught:
        words("../en")
    assert caught.value.hint == "known: en, fr"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "unnamed: x",
        "unnamed: x\nevents: {}",
        "unnamed: [",
        "unnamed: x\nevents: {lead_assigned: {subject: ['{whom}'], lines: []}}",
    ],
)
def test_broken_language_file_is_refused(text):
    with pytest.raises(ConfigError, match=r"fr\.yaml"):
        parse_words(text, "fr.yaml")


def test_misspelt_placeholder_is_refused():
    one = "{subject: ['{whom}'], lines: []}"
    head = f"language: fr\nunnamed: x\nmore: x\nkinds: {{}}\ncollected: {one}\nevents:\n"
    text = head + "".join(f"  {event}: {one}\n" for event in EventKind)
    with pytest.raises(ConfigError, match="whom"):
        parse_words(text, "fr.yaml")


@given(st.lists(st.text(min_size=1, max_size=300).filter(str.strip), min_size=1, max_size=3))
def test_an_alert_says_each_sentence_on_a_line_of_its_own(sentences):
    notice = replace(BARE, event="source_failed", subjects=["zendesk"], sentences=sentences)
    mail = render(replace(notice, failed_since="2026-03-01 10:00 (UTC)"), EN)
    lines = mail.text.rstrip("\n").splitlines()
    assert len(mail.subject.splitlines()) == 1
    assert len(lines) <= len(sentences) + 3
    assert lines[-2].startswith("Failing since 2026-03-01 10:00 (UTC).")


def test_an_alert_says_the_sentence_whole_and_a_recovery_from_when_to_when():
    sentence = "zendesk/tickets: the source counted 3; next: hub sync zendesk " + 40 * "again "
    notice = replace(
        BARE, event="source_failed", subjects=["zendesk"], sentences=[sentence.strip()]
    )
    failed = render(notice, EN)
    assert failed.text.splitlines()[0] == failed.alert == sentence.strip()
    assert failed.subject.startswith("Failed: zendesk/tickets: the source counted 3")
    other = render(replace(notice, is_other=True), EN)
    assert other.subject.startswith("Still failing, for another reason: zendesk/tickets")
    over = replace(notice, event="source_recovered", sentences=[], failed_since="10:00", at="11:00")
    assert render(over, EN).text == (
        "zendesk works again: its last run ended well.\n\nIt failed from 10:00 to 11:00.\n"
    )


AROUND = replace(
    FULL,
    tickets=["#7 Where is it? (open, email)", "#9 (new, chat)"],
    relatives=["contact/5 Ann Lee, Müller & Söhne (bob@acme.example.com)"],
)


def test_open_tickets_and_relatives_are_listed():
    text = render(AROUND, EN).text
    assert "\nOpen tickets:\n#7 Where is it? (open, email)\n#9 (new, chat)\n" in text
    assert (
        "\nLikely the same person or company:\ncontact/5 Ann Lee, Müller & Söhne (bob@acme.example.com)\n"
        in text
    )


def test_a_visitor_who_waits_is_said_first():
    mail = render(replace(AROUND, waiting="9"), EN)
    assert mail.subject == "Chat now: Zoë Łukasz-O'Hara, Müller & Söhne (ticket 9)"
    assert mail.text.splitlines()[1].startswith("The visitor waits in the chat.")


def test_html_says_what_the_text_says():
    mail = render(AROUND, EN)
    assert mail.html.startswith("<!doctype html>")
    assert (
        "<title>New lead: Zoë Łukasz-O&#x27;Hara, Müller &amp; Söhne (via typeform)</title>"
        in mail.html
    )
    for said in (
        "Müller &amp; Söhne</td>",
        '<a href="tel:+49301234567"',
        '<a href="mailto:zoe@example.com"',
        "Can you call me?<br>Best before noon.</div>",
        "<li>#9 (new, chat)</li>",
        '<a href="https://hub.example.com/leads/42"',
        ">Open the lead</a>",
        "rule “DACH”, your turn in group “East”</td>",
    ):
        assert said in mail.html, said


EVIL = st.text(alphabet="<>&\"'= /scriptonload{}\n", min_size=1, max_size=60)
TAGS = {
    "html",
    "head",
    "meta",
    "title",
    "body",
    "div",
    "p",
    "a",
    "table",
    "tr",
    "td",
    "ul",
    "li",
    "br",
}


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.names: set[str] = set()
        self.links: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.names |= {name for name, _ in attrs}
        self.links += [value for name, value in attrs if name == "href"]


@given(
    event=st.sampled_from(list(EventKind)),
    language=st.sampled_from(languages()),
    facts=st.fixed_dictionaries(dict.fromkeys(FACTS, EVIL)),
    lists=st.fixed_dictionaries(
        dict.fromkeys(["tickets", "relatives", "sentences"], st.lists(EVIL))
    ),
)
def test_values_are_no_mark_up(event, language, facts, lists):
    seen = _Tags()
    seen.feed(render(replace(BARE, event=event, **facts, **lists), words(language)).html)
    assert seen.tags <= TAGS
    assert seen.names <= {
        "lang",
        "charset",
        "name",
        "content",
        "style",
        "href",
        "role",
        "cellspacing",
        "cellpadding",
    }
    assert all(
        link.startswith(("http://localhost:8000/", "tel:", "mailto:")) for link in seen.links
    )


def test_a_script_in_every_value_is_shown_as_text():
    evil = '<script>alert(1)</script><img src=x onerror="x">'
    values = {**dict.fromkeys(FACTS, evil), "tickets": [evil], "relatives": [evil]}
    html = render(replace(BARE, **values), EN).html
    assert "<script" not in html
    assert "<img" not in html
    assert "&lt;script&gt;" in html


@pytest.mark.parametrize("language", languages())
@pytest.mark.parametrize("event", list(EventKind))
def test_no_text_lacks_a_language(event, language):
    ours, english = words(language), EN
    assert ours.language == language
    assert set(ours.kinds) == set(english.kinds)
    for found, said in (
        (ours.events[event], english.events[event]),
        (ours.collected, english.collected),
    ):
        assert shape(found) == shape(said), "the same sentences with the same placeholders"
        if language != "en":
            assert not set(texts(found)) & set(texts(said)) - SAME


SAME = {
    "",
    "{sentence}",
    "{sentences}",
    "{counts}",
    "\n{records}",
    "Source: {source}",
    "{many} notifications",
}


def texts(wording: EventWords) -> list[str]:
    lines = [*wording.subject, *wording.alert]
    for line in wording.lines:
        lines += [line] if isinstance(line, str) else line
    return lines


def shape(wording: EventWords) -> list[list[str]]:
    return [sorted(re.findall(r"\{(\w+)\}", text)) for text in texts(wording)]


def test_french_mail():
    mail = render(AROUND, words("fr"))
    assert mail.subject == "Nouveau prospect : Zoë Łukasz-O'Hara, Müller & Söhne (via typeform)"
    assert "Pourquoi vous : règle « DACH », votre tour dans le groupe « East »\n" in mail.text
    assert '<html lang="fr">' in mail.html
    assert ">Ouvrir le prospect</a>" in mail.html
    bulk = replace(
        BARE, event="bulk_assigned", counts={"leads": 42}, records=["lead/1 A"], record="lead"
    )
    assert "prospects: 42\n" in render(bulk, words("fr")).text
    assert "\net 41 de plus\n" in render(bulk, words("fr")).text


@pytest.mark.parametrize("language", languages())
def test_several_events_are_one_message(language):
    items = [
        render(replace(FULL, lead_id=n, last_name=f"<N{n}>"), words(language)) for n in (1, 2, 3)
    ]
    mail = render_collected(items, words(language), "https://hub.example.com/leads")
    assert mail.subject == "3 notifications"
    assert mail.text.count("https://hub.example.com/leads/") == 3
    assert mail.html.count("<li>") == 3
    assert "&lt;N2&gt;" in mail.html
