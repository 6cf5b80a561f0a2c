"""The moves of a play, and those for which today's code is known to be wrong.

A move appends steps to a play. `known_broken` names the line of DESIGN.md § 7's issue that a move
breaks (`A1`, …): `make test` draws from the moves without one. Whoever mends a line clears its flags
here, and the mark of its tests in `test_lines.py`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from tests.plays.vendors import SOURCE, SOURCES, key_of, kind_of

Step = list[Any]
_PEOPLE = (
    {"first": "Lea", "last": "Moreau", "email": "lea@moreau.example.com", "phone": "+33145670001"},
    {
        "first": "Noah",
        "last": "Brandt",
        "email": "noah@brandt.example.com",
        "phone": "+33145670002",
    },
    {"first": "Eva", "last": "Roth", "email": "eva@roth.example.com", "phone": "+33145670003"},
    {
        "first": "Lena",
        "last": "Moreau",
        "email": "lena@moreau.example.com",
        "phone": "+33145670001",
    },
)
_SECOND = tuple(p["email"].replace("@", ".private@") for p in _PEOPLE)
_FIRMS = ("Acme", "Bolt", "Cobalt", "Delta")  # too short and plain to be found by their names
_CITIES = ("Lyon", "Oslo", "Turin", "Ghent")
_SF_STATUS = ("Open - Not Contacted", "Working - Contacted", "Closed - Not Converted")
_STATUS = (("Working", None), ("New", None), ("Unqualified", "Not interested"))


@dataclass
class Draft:
    """A play while it is made: the steps so far, and the slots that they name."""

    rng: Random
    steps: list[Step] = field(default_factory=list)
    slots: list[str] = field(default_factory=list)
    who: dict[str, int] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)

    def add(self, *step: Any) -> None:
        self.steps.append(list(step))

    def some(self, kinds: str, *, gone: bool = False) -> str | None:
        """Draw a slot of the kinds, of those that are there or of those that are gone."""
        fit = [s for s in self.slots if kind_of(s) in kinds.split() and (s in self.gone) == gone]
        return self.rng.choice(fit) if fit else None

    def new(self, kind: str) -> str:
        slot = f"{kind}{1 + sum(1 for s in self.slots if kind_of(s) == kind)}"
        self.slots.append(slot)
        self.who[slot] = self.rng.randrange(len(_PEOPLE))
        return slot

    def person(self, slot: str) -> dict[str, Any]:
        """Return a vendor's values of the slot's person: all, or a part."""
        known: dict[str, Any] = dict(_PEOPLE[self.who[slot]])
        if self.rng.random() < 0.25:
            del known["phone"]
        if self.rng.random() < 0.15:
            known["email"] = _SECOND[self.who[slot]]
        if self.rng.random() < 0.4:
            known["city"] = self.rng.choice(_CITIES)
        return known


Make = Callable[[Draft], None]


@dataclass(frozen=True)
class Move:
    """One kind of thing that happens; `weight` is how often it is drawn."""

    name: str
    make: Make
    weight: int = 2
    known_broken: str | None = None


def _create(kind: str, **fixed: Any) -> Make:
    def make(d: Draft) -> None:
        slot = d.new(kind)
        d.add("put", slot, {**d.person(slot), **fixed})

    return make


def _change(kinds: str, choose: Callable[[Draft, str], dict[str, Any]]) -> Make:
    def make(d: Draft) -> None:
        if (slot := d.some(kinds)) is not None:
            d.add("put", slot, choose(d, slot))

    return make


def _pick(name: str, *values: Any) -> Callable[[Draft, str], dict[str, Any]]:
    return lambda d, _slot: {name: d.rng.choice(values)}


def _other_email(d: Draft, slot: str) -> dict[str, Any]:
    own = (_PEOPLE[d.who[slot]]["email"], _SECOND[d.who[slot]])
    stranger = d.rng.choice(_PEOPLE)["email"]
    return {"email": d.rng.choice((*own, stranger))}


def _company(d: Draft) -> None:
    slot = d.new("hc")
    number = int(slot[2:])
    d.add("put", slot, {"name": f"{_FIRMS[number % len(_FIRMS)]} {number}"})


def _employed(d: Draft) -> None:
    if (slot := d.some("hs")) is not None:
        d.add("put", slot, {"firm": d.some("hc"), "company": "Acme"})


def _delete(kinds: str) -> Make:
    def make(d: Draft) -> None:
        if (slot := d.some(kinds)) is not None:
            d.gone.add(slot)
            d.add("delete", slot)

    return make


def _undelete(kinds: str) -> Make:
    def make(d: Draft) -> None:
        if (slot := d.some(kinds, gone=True)) is not None:
            d.gone.discard(slot)
            d.add("put", slot, {})

    return make


def _vendor_merge(kind: str) -> Make:
    def make(d: Draft) -> None:
        slot, into = d.some(kind), d.some(kind)
        if slot and into and slot != into:
            d.gone.add(slot)
            d.add("delete", slot, into)

    return make


def _ticket(*, is_sales: bool) -> Make:
    def make(d: Draft) -> None:
        if (requester := d.some("zu")) is not None:
            slot = d.new("zt")
            subject = f"A demo, please ({slot})" if is_sales else f"It broke ({slot})"
            d.add("put", slot, {"subject": subject, "requester": requester})

    return make


def _sync(*, is_crash: bool = False, is_full: bool = False) -> Make:
    def make(d: Draft) -> None:
        few = d.rng.sample(SOURCES, d.rng.randint(1, 3))
        sources = sorted(few) if d.rng.random() < 0.6 else list(SOURCES)
        d.add("sync", sources, d.rng.randint(1, 25) if is_crash else None, is_full)

    return make


def _on(kinds: str, verb: str, *choices: Any) -> Make:
    """Something that a person does to whom a record is."""

    def make(d: Draft) -> None:
        if (slot := d.some(kinds)) is not None:
            d.add(verb, slot, *(d.rng.choice(choices) if choices else ()))

    return make


def _merge(d: Draft) -> None:
    slot, other = d.some(_PERSONS), d.some(_PERSONS)
    if slot and other and key_of(slot) != key_of(other):
        d.add("merge", slot, other)


def _review(*, accept: bool) -> Make:
    return lambda d: d.add("review", d.rng.randrange(4), accept)


def _undo(*sources: str, is_crash: bool = False) -> Make:
    def make(d: Draft) -> None:
        d.add("undo", d.rng.choice(sources), d.rng.randint(1, _LATEST) if is_crash else None)

    return make


def _undo_in_traffic(d: Draft) -> None:
    """An undo is killed, a lead of another source comes in, and the undo goes on."""
    source, kind = d.rng.choice(_SILENT), d.rng.choice(("sf", "hs", "mc", "zu", "tf"))
    if SOURCE[kind][0] == source:
        return
    d.add("sync", [other for other in SOURCES if other != source], None, False)
    slot = d.new(kind)
    d.add("put", slot, d.person(slot))
    d.add("undo", source, d.rng.randint(_FIRST_CHUNK, _LATEST), SOURCE[kind][0])


def _remap(d: Draft) -> None:
    d.add("remap", d.rng.choice(("sf", "hs", "mc", "zu", "tf")))


_FIRST_CHUNK = 5  # an undo commits so many times until its first chunk, of one object, is done
_LATEST = 12


def _rederive(*, is_crash: bool = False) -> Make:
    def make(d: Draft) -> None:
        name = d.rng.choice(("mapping", "keys", "model", "links", "fold"))
        d.add("rederive", name, d.rng.randint(1, 25) if is_crash else None)

    return make


_SILENT = ("hubspot", "salesforce", "typeform", "zendesk")  # they say no yes
_PERSONS = "sf hs mc zu tf"
_LEADS = "sf hs mc tf zt"
MOVES: tuple[Move, ...] = (
    # the vendors
    Move("salesforce: new lead", _create("sf"), 4),
    Move("salesforce: update", _change("sf", lambda d, _: {"city": d.rng.choice(_CITIES)}), 3),
    Move("salesforce: e-mail", _change("sf", _other_email)),
    Move("salesforce: status", _change("sf", _pick("status", *_SF_STATUS))),
    Move("salesforce: opt-out", _change("sf", _pick("optout", True, False))),
    Move("salesforce: converted", _change("sf", _pick("converted", True)), 1),
    Move("salesforce: delete", _delete("sf")),
    Move("salesforce: undelete", _undelete("sf")),
    Move("salesforce: merge", _vendor_merge("sf")),
    Move("hubspot: new lead", _create("hs"), 3),
    Move("hubspot: new customer", _create("hs", stage="customer"), 2),
    Move("hubspot: update", _change("hs", lambda d, _: {"city": d.rng.choice(_CITIES)}), 3),
    Move("hubspot: e-mail", _change("hs", _other_email)),
    Move("hubspot: stage", _change("hs", _pick("stage", "lead", "customer"))),
    Move("hubspot: opt-out", _change("hs", _pick("optout", True, False))),
    Move("hubspot: delete", _delete("hs")),
    Move("hubspot: undelete", _undelete("hs")),
    Move("hubspot: merge", _vendor_merge("hs")),
    Move("hubspot: new company", _company, 1),
    Move("hubspot: company of a contact", _employed, 1),
    Move("hubspot: delete company", _delete("hc"), 1),
    Move("hubspot: undelete company", _undelete("hc"), 1),
    Move("hubspot: merge companies", _vendor_merge("hc"), 1),
    Move("mailchimp: new lead", _create("mc"), 3),
    Move("mailchimp: new member", _create("mc", rating=2), 2),
    Move("mailchimp: noted", _create("mc", note="Met at the fair"), 1),
    Move("mailchimp: note", _change("mc", _pick("note", None, "Called back", "Met again")), 1),
    Move("mailchimp: update", _change("mc", lambda d, _: {"city": d.rng.choice(_CITIES)}), 2),
    Move("mailchimp: e-mail", _change("mc", _other_email)),
    Move("mailchimp: rating", _change("mc", _pick("rating", 2, 5))),
    Move(
        "mailchimp: status",
        _change("mc", _pick("status", "subscribed", "unsubscribed", "pending")),
    ),
    Move("mailchimp: leaves by a link", _change("mc", lambda *_: {
        "status": "unsubscribed", "reason": "No longer interested"}), 1),
    Move("mailchimp: confirms", _change("mc", lambda *_: {
        "status": "subscribed", "reason": None, "opted": True}), 2),
    Move("mailchimp: no address", _change("mc", lambda *_: dict.fromkeys(
        ("email", "phone", "first", "last"))), 1),
    Move("mailchimp: archive", _delete("mc")),
    Move("mailchimp: back", _undelete("mc")),
    Move("zendesk: new user", _create("zu"), 3),
    Move("zendesk: user's e-mail", _change("zu", _other_email)),
    Move("zendesk: delete user", _delete("zu")),
    Move("zendesk: undelete user", _undelete("zu")),
    Move("zendesk: ticket", _ticket(is_sales=False), 2),
    Move("zendesk: sales ticket", _ticket(is_sales=True), 2),
    Move("zendesk: subject", _change("zt", _pick("subject", "A demo", "It broke")), 1),
    Move(
        "zendesk: requester",
        _change("zt", lambda d, s: {"requester": d.some("zu")}),
    ),
    Move("zendesk: delete ticket", _delete("zt")),
    Move("typeform: answer", _create("tf", message="Call me"), 3),
    # the hub
    Move("sync", _sync(), 10),
    Move("sync with a crash", _sync(is_crash=True), 3),
    Move("full sync", _sync(is_full=True), 1),
    # people
    Move("edit", _on(_PERSONS, "edit", *(("city", c) for c in (*_CITIES, None)),
                     ("title", "CEO"), ("email", "typed@x.example.com")), 4),
    Move("status", _on(_LEADS, "status", *_STATUS), 3),
    Move("assign", _on(_LEADS, "assign", ("ann",), ("bob",)), 2),
    Move("note", _on(_LEADS, "write", ("note", "Called"), ("task", "Call"), ("call", "Spoke")), 3),
    Move("consent: correct", _on("sf hs mc", "correct"), 1),
    Move("consent: refuse", _on(_LEADS, "refuse"), 1),
    Move("convert", _on(_LEADS, "convert"), 1),
    Move("reopen", _on(_LEADS, "reopen"), 1),
    Move("merge", _merge, 2),
    Move("unmerge", _on(_PERSONS, "unmerge"), 2),
    Move("review: one person", _review(accept=True), 1),
    Move("review: two people", _review(accept=False), 1),
    Move("undo", _undo(*_SILENT), 1),
    Move("undo with a crash", _undo(*_SILENT, is_crash=True), 1),
    Move("undo in traffic", _undo_in_traffic, 1),
    Move("undo of consents", _undo("mailchimp"), 1),
    Move("remap", _remap, 1),
    Move("older rules", _rederive(), 1),
    Move("older rules, and a crash", _rederive(is_crash=True), 1),
)  # fmt: skip


def moves(*, with_broken: bool) -> list[Move]:
    """The moves that today's code is right about, or all."""
    return [move for move in MOVES if with_broken or move.known_broken is None]


def play_of(seed: int, *, with_broken: bool = False, length: int = 16) -> list[Step]:
    """Make the play of a seed: a few objects first, then moves, up to `length` steps."""
    draft = Draft(Random(seed))
    drawn = moves(with_broken=with_broken)
    weights = [move.weight for move in drawn]
    for _ in range(draft.rng.randint(2, 5)):
        _create(draft.rng.choice(("sf", "hs", "mc", "zu", "tf")))(draft)
    steps = draft.rng.randint(length // 2, length)
    while len(draft.steps) < steps:
        draft.rng.choices(drawn, weights)[0].make(draft)
    return draft.steps
