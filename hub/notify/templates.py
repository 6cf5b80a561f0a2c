"""The words of an alert or an e-mail.

In: the facts of one event and a language. Out: subject, plain text, HTML, links. `render` is pure; a
language is a data file, `templates/<language>.yaml`, read once. Not here: the recipients,
how mail is sent, and how the HTML looks (`html`).

Facts come from strangers: every value is made one line without control characters before it
is put into a template, and a question is quoted line by line. So a stranger can write neither
headers nor sentences of the mail.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import resources
from string import Formatter

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from hub.errors import ConfigError
from hub.model.events import EventKind
from hub.notify.html import page

Line = str | tuple[str, ...]

_SUBJECT_MAX_N = 160
_VALUE_MAX_N = 200
_QUESTION_MAX_N = 4000
_SENTENCE_MAX_N = 2000
_PHONE_MIN_N = 5
_PLACEHOLDERS = frozenset(
    {"who", "company", "source", "email", "phone", "tel", "rule", "group"}
    | {"topic", "question", "link", "record", "many", "counts", "given_by", "records"}
    | {"subjects", "sentence", "sentences", "other", "failed_since", "at"}
    | {"tickets", "relatives", "waiting"}
)
# Null, Nan and None are people's names as well: only the spellings machines write are dropped.
_NOTHING = frozenset({"null", "NULL", "none", "None", "NONE", "undefined", "NaN", "(null)", "N/A"})


@dataclass(frozen=True, slots=True)
class Notice:
    """The facts of one event, as they are known; anything may be missing.

    `counts` are records by source or kind, of an event that is of no single one. `record` is the
    kind of record it is of, and `record_id` which one; of a lead the latter is `lead_id`. `records` are
    the first names of many, `given_by` is the user who gave them.

    `tickets` are the person's open tickets, `relatives` records that are likely of the same person or
    company, each as one line; `waiting` is the ticket of a chat in which the visitor waits.

    An alert has `subjects` (sources), `sentences` that say what is wrong, whether the source fails for
    another reason than before (`is_other`), and moments in words: `failed_since`, `at`.
    """

    event: str
    lead_id: int | None
    public_url: str
    first_name: str | None = None
    last_name: str | None = None
    company: str | None = None
    email: str | None = None
    phone: str | None = None
    source: str | None = None
    rule: str | None = None
    group: str | None = None
    topic: str | None = None
    question: str | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    record: str = "lead"
    record_id: int | None = None
    given_by: str | None = None
    records: Sequence[str] = ()
    subjects: Sequence[str] = ()
    sentences: Sequence[str] = ()
    is_other: bool = False
    failed_since: str = ""
    at: str = ""
    tickets: Sequence[str] = ()
    relatives: Sequence[str] = ()
    waiting: str | None = None


@dataclass(frozen=True, slots=True)
class Rendered:
    """What a person reads: a mail in two forms, and the line of an alert. `tel` is a `tel:` link or empty."""

    subject: str
    text: str
    link: str
    tel: str
    alert: str = ""
    html: str = ""


class EventWords(BaseModel):
    """Sentences for one event; the line of an alert is the subject, where `alert` gives no other."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    subject: tuple[str, ...]
    alert: tuple[str, ...] = ()
    lines: tuple[Line, ...]


class Words(BaseModel):
    """One language's data file."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    language: str
    unnamed: str
    more: str
    """What a list says of what it leaves out; `{n}` is the number."""
    kinds: Mapping[str, str]
    """Kinds of records, one and many, as the sentences name them."""
    collected: EventWords
    """A message of several events: `{many}` of them, one in each line of `{records}`."""
    events: Mapping[EventKind, EventWords]


def languages() -> tuple[str, ...]:
    """Return the languages that have a file, by their two letters."""
    folder = resources.files("hub.notify") / "templates"
    return tuple(sorted(f.name[:-5] for f in folder.iterdir() if f.name.endswith(".yaml")))


@lru_cache
def words(language: str = "en") -> Words:
    """Return a language's sentences, checked for placeholders that do not exist.

    Raises:
        ConfigError: there is no such language, or its file is broken.
    """
    folder = resources.files("hub.notify") / "templates"
    if language not in (known := languages()):
        raise ConfigError(f"no language {language!r}", hint=f"known: {', '.join(known)}")
    text = (folder / f"{language}.yaml").read_text(encoding="utf-8")
    return parse_words(text, f"{language}.yaml")


def parse_words(text: str, name: str) -> Words:
    """Read a language file's text; `name` is for the error.

    Raises:
        ConfigError: wrong shape, a missing event, or an unknown placeholder.
    """
    try:
        parsed = Words.model_validate(yaml.load(text, Loader=yaml.CSafeLoader))
        for wording in (parsed.collected, *(parsed.events[event] for event in EventKind)):
            for line in _every_line(wording):
                _slots(line)
    except (ValidationError, ValueError, KeyError, yaml.YAMLError) as exc:
        raise ConfigError(
            f"templates/{name} is not usable: {exc}",
            hint=f"placeholders are {', '.join(sorted(_PLACEHOLDERS))}; every event is needed",
        ) from exc
    return parsed


def render(notice: Notice, language: Words) -> Rendered:
    """Return the words for one event."""
    return _rendered(language.events[EventKind(notice.event)], _facts(notice, language), language)


def render_collected(items: Sequence[Rendered], language: Words, link: str) -> Rendered:
    """Return one message for several events: a line and a link for each.

    Args:
        items: what each event alone would say.
        language: of the message.
        link: the page that the message opens.
    """
    notice = Notice("", None, "", counts={"events": len(items)})
    lines = [f"{one.alert} - {one.link}" if one.link else one.alert for one in items]
    facts = {**_facts(notice, language), "records": "\n".join(lines), "link": link}
    return _rendered(language.collected, facts, language)


def _rendered(wording: EventWords, facts: Mapping[str, str], language: Words) -> Rendered:
    subject = _filled(_first_complete(wording.subject, facts), facts)
    lines = [_first_complete(_listed(line), facts) for line in wording.lines]
    chosen = [line for line in lines if line is not None]
    text = "\n".join(line.format_map(facts) for line in chosen).strip() + "\n"
    heading = _clip(_one_line(subject or facts["who"]), _SUBJECT_MAX_N)
    return Rendered(
        heading,
        re.sub(r"\n{3,}", "\n\n", text),
        facts["link"],
        facts["tel"],
        _filled(_first_complete(wording.alert, facts), facts) or heading,
        page(heading, chosen, facts, language.language),
    )


def _filled(line: str | None, facts: Mapping[str, str]) -> str:
    return "" if line is None else line.format_map(facts)


def tel_link(phone: str | None) -> str:
    """Return a `tel:` link (RFC 3966) for a number as a person writes it, or an empty text."""
    match = re.fullmatch(r"([^a-zA-Z;,#]*)(?:\s*(?:;|,|#|x|ext)\D*(\d{1,6}))?\D*", _value(phone))
    if match is None:
        return ""
    number, extension = match[1].replace("(0)", ""), match[2]
    digits = "".join(str(unicodedata.decimal(c)) for c in number if c.isdecimal())
    if len(digits) < _PHONE_MIN_N:
        return ""
    plus = "+" if number.lstrip(" (").startswith("+") else ""
    return f"tel:{plus}{digits}" + (f";ext={extension}" if extension else "")


def _facts(notice: Notice, language: Words) -> dict[str, str]:
    name = " ".join(filter(None, (_value(notice.first_name), _value(notice.last_name))))
    company, email, phone = _value(notice.company), _value(notice.email), _value(notice.phone)
    total = sum(notice.counts.values())
    place = f"{notice.public_url.rstrip('/')}/{notice.record}s"
    number = notice.lead_id if notice.record_id is None else notice.record_id
    sentences = [_clip(_one_line(said), _SENTENCE_MAX_N) for said in notice.sentences]
    return {
        "who": _clip(name or company or email or phone or language.unnamed, _VALUE_MAX_N),
        "company": company if name else "",
        "email": email,
        "phone": phone,
        "tel": tel_link(phone),
        "source": _value(notice.source),
        "rule": _value(notice.rule),
        "group": _value(notice.group),
        "topic": _value(notice.topic),
        "question": _quoted(notice.question),
        "many": f"{total:d}" if total > 1 else "",
        "counts": "\n".join(
            f"{language.kinds.get(name, _value(name))}: {n:d}"
            for name, n in sorted(notice.counts.items())
        ),
        "record": language.kinds.get(notice.record, notice.record),
        "given_by": _value(notice.given_by),
        "records": "\n".join(
            [*map(_value, notice.records), *_rest(total, notice.records, language.more)]
        ),
        "subjects": ", ".join(map(_value, notice.subjects)),
        "sentence": sentences[0] if sentences else "",
        "sentences": "\n".join(sentences),
        "other": sentences[0] if notice.is_other and sentences else "",
        "failed_since": notice.failed_since,
        "at": notice.at,
        "tickets": "\n".join(map(_value, notice.tickets)),
        "relatives": "\n".join(map(_value, notice.relatives)),
        "waiting": _value(notice.waiting),
        "link": place if number is None else f"{place}/{number:d}",
    }


def _rest(total: int, named: Sequence[str], more: str) -> list[str]:
    return [more.format(n=total - len(named))] if named and total > len(named) else []


def _value(text: str | None) -> str:
    plain = _one_line(text or "")
    return "" if set(plain.split()) <= _NOTHING else _clip(plain, _VALUE_MAX_N)


def _one_line(text: str) -> str:
    return " ".join("".join(c if _is_printed(c) else " " for c in text).split())


def _quoted(text: str | None) -> str:
    lines = [_one_line(line) for line in _clip((text or "").strip(), _QUESTION_MAX_N).splitlines()]
    if set(" ".join(lines).split()) <= _NOTHING:
        return ""
    return re.sub(r"(\n>)+$", "", "\n".join(f"> {line}".rstrip() for line in lines))


def _is_printed(char: str) -> bool:
    """Say no to controls, line separators, lone surrogates and marks that reverse the text."""
    if char in "\u200c\u200d":  # joiners: emoji, Persian, Indic
        return True
    return unicodedata.category(char) not in {"Cc", "Cf", "Cs", "Zl", "Zp"}


def _clip(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def _first_complete(lines: Sequence[str], facts: Mapping[str, str]) -> str | None:
    for line in lines:
        if all(facts[slot] for slot in _slots(line)):
            return line
    return None


def _every_line(wording: EventWords) -> list[str]:
    return [
        *wording.subject,
        *wording.alert,
        *(text for line in wording.lines for text in _listed(line)),
    ]


def _listed(line: Line) -> tuple[str, ...]:
    return (line,) if isinstance(line, str) else line


@lru_cache(maxsize=512)
def _slots(line: str) -> tuple[str, ...]:
    slots = tuple(slot for _, slot, _, _ in Formatter().parse(line) if slot is not None)
    if unknown := [slot for slot in slots if slot not in _PLACEHOLDERS]:
        raise ValueError(f"unknown placeholder {unknown[0]!r} in {line!r}")
    return slots
