"""The weight of a pair: how many bits speak for one person, and which facts forbid it.

In: two views. Out: judgement, weight, reasons that add up to the weight, and a veto. Symmetric; a
function of the two records and of the model (`weights.yaml`, `names.yaml`, `words.yaml`) only.
"""

from dataclasses import dataclass

from hub.matching import names, normal
from hub.matching.keys import MatchView, Traits
from hub.matching.model_files import load
from hub.model.verdicts import Judgement, Trust

_MODEL = load("weights.yaml")
MODEL_VERSION: str = _MODEL["version"]
SAME_AT: float = _MODEL["same"]
UNSURE_AT: float = _MODEL["unsure"]
_PRIOR: float = _MODEL["prior"]
_NAME: dict[str, float] = _MODEL["name"]
_EMAIL: dict[str, float] = _MODEL["email"]
_PHONE: dict[str, float] = _MODEL["phone"]
_CONTEXT: dict[str, float] = _MODEL["context"]
_DOUBT = SAME_AT - 0.1  # the highest weight of a pair that a gate sends to review
_SAME_FIRM = frozenset({"company", "domain", "company_is_domain", "company_similar"})


@dataclass(frozen=True, slots=True)
class Scored:
    """The answer about a pair.

    Args:
        judgement: same, different, unsure.
        weight: bits; at least `SAME_AT` is same, at least `UNSURE_AT` is unsure.
        reasons: what added how much, in a fixed order; they sum up to `weight`.
        veto: why the two may not share a cluster even through others, if so.
    """

    judgement: Judgement
    weight: float
    reasons: tuple[tuple[str, float], ...]
    veto: str | None


@dataclass(frozen=True, slots=True)
class _Levels:
    name: str
    email: str
    phone: str
    context: str
    is_claim: bool  # an open record gives the number of someone of another name and company
    is_numbered: bool  # mailboxes of two namesakes at one domain: j.smith@ and j.smith2@


def score(a: MatchView, b: MatchView) -> Scored:
    """Judge a pair."""
    levels = _levels(a, b)
    bits = [
        ("prior", _PRIOR),
        (f"name:{levels.name}", _NAME[levels.name]),
        (f"email:{levels.email}", _EMAIL[levels.email]),
        (f"phone:{levels.phone}", _PHONE[levels.phone]),
        (f"context:{levels.context}", _CONTEXT[levels.context]),
    ]
    weight = sum(b for _, b in bits)
    gate = _gate(levels, weight)
    if gate is not None:
        name, bound = gate
        bits.append((f"gate:{name}", round(bound - weight, 4)))
        weight = bound
    reasons = tuple((r, b) for r, b in bits if b)
    return Scored(_judge(weight), round(weight, 4), reasons, _veto(levels))


def _judge(weight: float) -> Judgement:
    if weight >= SAME_AT:
        return Judgement.SAME
    return Judgement.UNSURE if weight >= UNSURE_AT else Judgement.DIFFERENT


def _gate(levels: _Levels, weight: float) -> tuple[str, float] | None:
    """Return the gate that moves this pair towards review and the weight it gets there."""
    if levels.email == "same":
        if levels.name in {"conflict", "first_differs"}:
            return ("shared_mailbox", min(max(weight, UNSURE_AT), _DOUBT))
        return ("same_mailbox", SAME_AT) if weight < SAME_AT else None
    if levels.is_claim and weight < UNSURE_AT:
        return ("claimed_phone", UNSURE_AT)
    if weight < SAME_AT:
        return None
    doubts = {
        "surname": levels.name not in names.SURNAME_AGREES,  # neither phone nor company speaks
        "two_given_names": levels.name == "near",
        "numbered_mailbox": levels.is_numbered,
        "two_mailboxes": _are_two_mailboxes(levels),
    }
    return next(((doubt, _DOUBT) for doubt, holds in doubts.items() if holds), None)


def _veto(levels: _Levels) -> str | None:
    shares_mailbox = levels.email == "same"
    vetoes = {
        "names": levels.name == "conflict",
        "first_name": levels.name == "first_differs",
        "last_name": levels.name == "last_differs" and not shares_mailbox,
        "numbered_mailbox": levels.is_numbered,
        "two_mailboxes": _are_two_mailboxes(levels),
    }
    return next((veto for veto, holds in vetoes.items() if holds), None)


def _are_two_mailboxes(levels: _Levels) -> bool:
    return levels.email == "same_domain_differs" and levels.name not in names.AGREES


def _levels(x: MatchView, y: MatchView) -> _Levels:
    a, b = x.traits, y.traits
    email, phone, context = _email(a, b), _phone(a, b), _context(a, b)
    name = names.level(a.first, a.last, b.first, b.last)
    if name == "near" and email == "same":
        name = "typo"
    return _Levels(
        name=name,
        email=email,
        phone=phone,
        context=context,
        is_claim=phone == "same"
        and name == "conflict"
        and Trust.OPEN in (x.trust, y.trust)
        and context not in _SAME_FIRM,
        is_numbered=email != "same" and _is_numbered(a, b),
    )


def _email(a: Traits, b: Traits) -> str:
    if a.personal & b.personal:
        return "same"
    if a.role & b.role:
        return "role_same"
    if not (a.personal and b.personal):
        return "missing"
    return "same_domain_differs" if _shared_domains(a) & _shared_domains(b) else "differs"


def _shared_domains(t: Traits) -> set[str]:
    return {m.domain for m in t.mailboxes if not m.is_role and not m.is_free}


def _is_numbered(a: Traits, b: Traits) -> bool:
    return any(
        x.domain == y.domain
        and x.local != y.local
        and x.local.rstrip("0123456789") == y.local.rstrip("0123456789")
        for x in a.mailboxes
        for y in b.mailboxes
        if not x.is_role and not y.is_role
    )


def _phone(a: Traits, b: Traits) -> str:
    if not (a.phones and b.phones):
        return "missing"
    is_same = any(normal.are_same_number(x, y) for x in a.phones for y in b.phones)
    return "same" if is_same else "differs"


def _context(a: Traits, b: Traits) -> str:
    """Return the best level: company, domain, switchboard, city are one piece of evidence."""
    found = [_organisation(a, b), _address(a, b)]
    best = max(found, key=lambda level: _CONTEXT[level])
    # A city two people share says nothing against their different companies.
    if "differs" in found and best != "address":
        return "differs"
    return best


def _organisation(a: Traits, b: Traits) -> str:
    if a.domains & b.domains:
        return "domain"
    if a.company and a.company == b.company:
        return "company"
    if _is_domain_of(a, b) or _is_domain_of(b, a):
        return "company_is_domain"
    if _are_similar(a, b):
        return "company_similar"
    a_known, b_known = a.company or a.domains, b.company or b.domains
    return "differs" if a_known and b_known else "missing"


def _is_domain_of(a: Traits, b: Traits) -> bool:
    return bool(a.company) and "".join(a.company) in {normal.stem(d) for d in b.domains}


def _are_similar(a: Traits, b: Traits) -> bool:
    if {normal.stem(d) for d in a.domains} & {normal.stem(d) for d in b.domains}:
        return True
    if not (a.company and b.company):
        return False
    if _numbers(a.company) != _numbers(b.company):
        return False  # Hotel 21 and Hotel 22
    one, two = set(normal.telling(a.company)), set(normal.telling(b.company))
    return one <= two or two <= one or names.is_typo("".join(a.company), "".join(b.company))


def _numbers(words: tuple[str, ...]) -> set[str]:
    return {w for w in words if w.isdigit()}


def _address(a: Traits, b: Traits) -> str:
    if a.postal_code and a.postal_code == b.postal_code:
        return "address" if a.street and a.street == b.street else "postal_code"
    return "city" if a.city and a.city == b.city else "missing"
