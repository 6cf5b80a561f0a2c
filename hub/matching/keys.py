"""A record as matching reads it, and the keys under which other records find it.

In: canonical lead values. Out: a `MatchView` and its keys (kind, value). Strong kinds (`email`,
`phone`) are evidence by themselves; the others only propose candidates. No key decides a pair:
`hub.matching.scoring` does.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import field, replace
from functools import lru_cache
from hashlib import blake2b
from itertools import combinations

import jellyfish
import msgspec

from hub.frozen import dataclass
from hub.matching import normal
from hub.matching.normal import Mailbox
from hub.model.records import JsonValue, texts
from hub.model.verdicts import Trust

CANDIDATE_LIMIT = 64
# Weak kinds get lower limits: a record that shares only its name with a hundred others is not one of them.
# At a million records these kinds give most of the pairs and few of the true ones.
LIMITS: Mapping[str, int] = {
    "name": 8,
    "sound_first": 8,
    "sound_city": 8,
    "street_initial": 8,
    "local": 8,
    "name_city": 16,
    "birth_initial": 32,
}
_MAX_FORMALS = 3
_MIN_TOKEN = 3
_MIN_LOCAL = 6
_LONGEST = 200


class Traits(msgspec.Struct, frozen=True, gc=False):
    """The normal forms of one record, computed once.

    A struct, because a dataclass of twenty fields takes twenty times as long to make.
    """

    first: tuple[str, ...]
    last: tuple[str, ...]
    personal: frozenset[str]
    role: frozenset[str]
    mailboxes: tuple[Mailbox, ...]
    domains: frozenset[str]
    phones: tuple[str, ...]
    company: tuple[str, ...]
    city: str
    street: str
    postal_code: str
    birth: str
    identifier: str
    generation: str
    # derived from the above, since every comparison asks for them
    first_text: str
    last_text: str
    company_text: str
    tails: frozenset[str]
    corporate: frozenset[str]
    address: str
    stems: frozenset[str]


@dataclass(frozen=True, slots=True)
class MatchView:
    """The values of one source record that matching reads.

    Args:
        record_id: id of the source record.
        stable_key: `source/stream/source_id`; breaks every tie.
        trust: an `open` record is a leaf in clustering.
        emails: every address, `email` included.
        phones: every number, best E.164.
        entity_id: the entity it belongs to now, if any; not evidence.
        typed: the same record with its edits, if it has any. It proposes questions
            (`scoring.asked`), and never joins records.
    """

    record_id: int
    stable_key: str
    trust: Trust
    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None
    organization_name: str | None = None
    emails: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()
    country: str | None = None
    city: str | None = None
    street: str | None = None
    postal_code: str | None = None
    birth_date: str | None = None
    national_id: str | None = None
    created_at: str | None = None
    entity_id: int | None = None
    typed: "MatchView | None" = None
    traits: Traits = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "traits", _traits(self))


def view(
    record_id: int,
    stable_key: str,
    trust: Trust,
    values: Mapping[str, JsonValue],
    entity_id: int | None = None,
) -> MatchView:
    """Return the view of one record from its canonical lead values."""
    get = values.get
    (
        first_name,
        last_name,
        email,
        organization_name,
        phone,
        mobile,
        country,
        city,
        street,
        postal_code,
        birth_date,
        national_id,
        created_at,
    ) = [
        v if isinstance(v := get(name), str) and v and not v.isspace() else None for name in _TEXTS
    ]
    further = texts(get("emails")) if "emails" in values else ()
    # by place: naming the fields takes twice as long
    return MatchView(
        record_id, stable_key, trust, first_name, last_name, email, organization_name,
        _distinct(email, *further), _distinct(phone, mobile, *_further(values)),
        country, city, street, postal_code, birth_date, national_id, created_at, entity_id,
    )  # fmt: skip


_TEXTS = (
    "first_name", "last_name", "email", "organization_name", "phone", "mobile",
    "country", "city", "street", "postal_code", "birth_date", "national_id", "created_at",
)  # fmt: skip
"""The fields of one text, in the order in which `view` names them."""
EVIDENCE = frozenset({
    "first_name", "last_name", "email", "emails", "organization_name", "phone", "mobile", "country",
    "city", "street", "postal_code",
})  # fmt: skip
"""The fields of a view that people type into."""


def with_typed(
    v: MatchView, values: Mapping[str, JsonValue], typed: Mapping[str, JsonValue]
) -> MatchView:
    """Return the view of a record of canonical `values` with edits."""
    said = {field: value for field, value in typed.items() if field in EVIDENCE}
    if not said:
        return v
    trust = v.trust
    return replace(v, typed=view(v.record_id, v.stable_key, trust, {**values, **said}, v.entity_id))


def _further(values: Mapping[str, JsonValue]) -> list[str]:
    """Return the numbers that followed another one in a field of the source."""
    custom = values.get("custom_fields")
    found = custom.get("other_phones") if isinstance(custom, Mapping) else None
    return texts(found) if isinstance(found, list) else []


Key = tuple[str, str]
"""Kind and value."""


def keys(v: MatchView) -> list[Key]:
    """Return the distinct keys of a record and of its edits, sorted."""
    return sorted(key_set(v))


def key_set(v: MatchView) -> set[Key]:
    """Return the same without an order."""
    found = _found(v.traits) if v.typed is None else _found(v.traits) | _found(v.typed.traits)
    return {(kind, bounded(value)) for kind, value in found}


def bounded(value: str) -> str:
    """Return a value that an index entry can hold; a name may have thousands of characters."""
    if len(value) <= _LONGEST:
        return value
    digest = blake2b(value.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
    return f"{value[:_LONGEST]}#{digest}"


def _found(t: Traits) -> set[Key]:
    found: set[Key] = {("email", box.address) for box in t.mailboxes}
    found.update([("phone", tail) for tail in t.tails])
    found.update(_own_keys(t))
    stems = {*t.stems}
    org = _company_token(t, stems)
    formals = _formals(t.first)
    if org:  # finds what a misspelt last name hides from the sound keys
        found.update([("first_company", f"{f}|{org}") for f in formals if len(f) > 1])
    if not t.last:
        return found
    if t.company:
        stems.add(t.company_text)  # acme.com and "Acme Ltd" meet here
    heard = sound(t.last_text)
    found.update([("phone_surname", f"{tail}|{heard}") for tail in t.tails])
    found.update([("surname_domain", f"{heard}|{stem}") for stem in stems])
    for first in formals:
        found.update(_name_keys(t, first, heard, stems, org))
    return found


def _own_keys(t: Traits) -> list[Key]:
    """Return the keys of what belongs to one person: number, birth date, an invented local part."""
    found = [("identifier", t.identifier)] if t.identifier else []
    if t.birth or t.street:
        initials = {w[0] for w in (*t.first, *t.last)}
        found += [("birth_initial", f"{t.birth}|{initial}") for initial in initials if t.birth]
        found += [("street_initial", f"{t.street}|{initial}") for initial in initials if t.street]
    return found + [
        ("local", box.local)
        for box in t.mailboxes
        if not box.is_role and len(box.local) >= _MIN_LOCAL
    ]


def _name_keys(t: Traits, first: str, heard: str, stems: set[str], org: str) -> list[Key]:
    full = "".join(sorted(first + t.last_text))  # letters: the parts may be swapped or split
    initial = f"{heard}|{first[0]}"
    found = [("name", full), ("sound_first", f"{heard}|{first[:3]}")]
    if org:
        found += (("name_company", f"{full}|{org}"), ("sound_company", f"{initial}|{org}"))
    found += [("name_domain", f"{full}|{stem}") for stem in stems]
    if t.postal_code:
        found.append(("sound_postal", f"{initial}|{t.postal_code}"))
    if t.city:
        found += (("name_city", f"{full}|{t.city}"), ("sound_city", f"{initial}|{t.city}"))
    return found


def _company_token(t: Traits, stems: Collection[str]) -> str:
    if t.company:
        token = normal.distinctive_words(t.company)[0]
        return token if len(token) >= _MIN_TOKEN else t.company_text
    return min(stems, default="")


def _formals(first: tuple[str, ...]) -> list[str]:
    if not first:
        return []
    joined = "".join(first)
    names = normal.formals(joined) if normal.is_known(joined) else normal.formals(first[0])
    return sorted(names)[:_MAX_FORMALS]


@lru_cache(maxsize=4_096)
def sound(name: str) -> str:
    """Return the sound of a name, for proposing candidates."""
    return str(jellyfish.metaphone(normal.umlaut(name))) or name


def limit(kind: str) -> int:
    """Return how many records may share a key of this kind before it stops proposing pairs."""
    return LIMITS.get(kind, CANDIDATE_LIMIT)


def candidates(views: Sequence[MatchView]) -> list[tuple[MatchView, MatchView]]:
    """Return the pairs worth scoring, each once, in order of their stable keys.

    A key that more records share than its limit is left out. People at one switchboard are still
    found by number and surname.
    """
    ordered = sorted(views, key=lambda v: v.stable_key)
    blocks: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for i, one in enumerate(ordered):
        for key in keys(one):
            blocks[key].append(i)
    pairs: set[tuple[int, int]] = set()
    for (kind, _), members in blocks.items():
        if 1 < len(members) <= limit(kind):
            pairs.update(combinations(members, 2))
    return [(ordered[i], ordered[j]) for i, j in sorted(pairs)]


def _traits(v: MatchView) -> Traits:
    boxes = _mailboxes(v.emails if v.email is None or v.email in v.emails else (v.email, *v.emails))
    first, last = normal.given(v.first_name), normal.family(v.last_name)
    if not first and len(last) == 1 and any(_is_local(last[0], b) for b in boxes):
        last = ()  # a last name that was made from the address is no evidence
    phones = tuple(sorted({p for p in map(normal.phone, v.phones) if p}))
    company, street = normal.company(v.organization_name), normal.place(v.street)
    postal_code, city = normal.place(v.postal_code), normal.place(v.city)
    place = postal_code or city
    personal = _set([b.address for b in boxes if not b.is_role])
    role = _set([b.address for b in boxes if b.is_role])
    domains = _set([b.domain for b in boxes if not b.is_free])
    corporate = _set([b.domain for b in boxes if not b.is_role and not b.is_free])
    tails = _set([normal.tail(p) for p in phones])
    birth = normal.birth(v.birth_date) if v.birth_date else ""
    identifier = normal.identifier(v.national_id) if v.national_id else ""
    generation = normal.generation(v.first_name, v.last_name)
    first_text, last_text, company_text = "".join(first), "".join(last), "".join(company)
    # by place: naming twenty fields takes twice as long
    return Traits(
        first, last, personal, role, boxes, domains, phones, company, city, street, postal_code,
        birth, identifier, generation, first_text, last_text, company_text, tails,
        domains if corporate == domains else corporate,
        f"{street}|{place}" if street and place else "",
        _set([normal.stem(d) for d in domains]),
    )  # fmt: skip


def _mailboxes(addresses: Sequence[str]) -> tuple[Mailbox, ...]:
    """Return the distinct mailboxes of some addresses, by address."""
    found = {box for address in addresses if address and (box := normal.mailbox(address))}
    return tuple(sorted(found, key=lambda box: box.address) if len(found) > 1 else found)


_NOTHING: frozenset[str] = frozenset()


def _set(values: Iterable[str]) -> frozenset[str]:
    """Return a set; all empty ones are one, since a million of them are 200 MB."""
    return frozenset(values) or _NOTHING


def _is_local(last: str, box: Mailbox) -> bool:
    return last == "".join(normal.tokens(box.local))


def _distinct(*values: str | None) -> tuple[str, ...]:
    return tuple(dict.fromkeys(v for v in values if v))
