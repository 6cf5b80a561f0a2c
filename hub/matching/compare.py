"""How two records compare: one level per comparison, symmetric, of their values and the facts.

In: the normal forms of two records and the model. Out: `Levels`, with the bits of those whose
weight depends on the value. Not here: the judgement of the pair (`hub.matching.scoring`).
"""

from functools import lru_cache

from hub.frozen import dataclass
from hub.matching import names, normal
from hub.matching.distances import edits, likeness
from hub.matching.keys import MatchView, Traits
from hub.matching.model import Facts, Model
from hub.matching.normal import Mailbox
from hub.model.verdicts import Trust

_NO_FACTS = Facts(n=0)
_SAME_FIRM = frozenset({"company", "domain", "company_is_domain", "company_similar"})
_MIN_LOCAL = 6
_MIN_PART = 3
_MIN_DOMAIN = 7
_MIN_DIGITS = 3  # fewer digits after a name may be a year, which many share
_SIMILAR_STREET = 0.9
_SIMILAR_PLACE = 0.88
_SAME_PARTS = 2


@dataclass(frozen=True, slots=True)
class Levels:
    """The levels of a pair, and the input of gates.

    Args:
        is_claim: an open record gives the number of a person with another name and company.
        is_numbered: mailboxes of two namesakes at one domain, j.smith@ and j.smith2@.
        generations: how many suffixes (junior, senior …) one of the two has and the other has not.
        bits: weights of name, email, phone and context for these values.
    """

    name: str
    email: str
    phone: str
    context: str
    birth: str
    identifier: str
    is_claim: bool
    is_numbered: bool
    generations: int
    bits: dict[str, float]


def compare(x: MatchView, y: MatchView, model: Model) -> Levels:
    """Return the levels of two records."""
    a, b = x.traits, y.traits
    facts = model.facts or _NO_FACTS
    email = _email(a, b, facts)
    name = names.level(a.first, a.last, b.first, b.last)
    birth, identifier = _birth(a.birth, b.birth), _identifier(a.identifier, b.identifier)
    is_firm = email == "same" or identifier in _CONFIRMED or birth == "same"
    if is_firm and (
        (name == "near" and email == "same")
        or (name in _DOUBTFUL and names.is_alike(a.first, a.last, b.first, b.last))
    ):
        name = "typo" if name == "near" else "typo_both"
    if email == "near" and name not in names.AGREES:
        email = "differs"
    phone, phone_bits = _phone(a, b, facts, model)
    context, context_bits = _context(a, b, facts, model)
    first, last = _commonest(a, b, model)
    return Levels(
        name=name, email=email, phone=phone, context=context,
        birth=birth, identifier=identifier,
        is_claim=phone == "same" and name == "conflict" and Trust.OPEN in (x.trust, y.trust)
        and context not in _SAME_FIRM,
        is_numbered=email not in {"same", "near"} and _is_numbered(a, b),
        generations=0 if a.generation == b.generation else bool(a.generation) + bool(b.generation),
        bits={
            "name": model.weights["name"][name] + model.name_bonus(name, first, last),
            "email": model.weights["email"][email]
            + (model.size_bonus if email in {"same", "near"} else 0.0),
            "phone": phone_bits,
            "context": context_bits,
        },
    )  # fmt: skip


_CONFIRMED = frozenset({"same", "near"})
_DOUBTFUL = frozenset({"conflict", "first_differs", "last_differs"})


def _commonest(a: Traits, b: Traits, model: Model) -> tuple[str, str]:
    """Return the first and the last name by which the pair's frequency counts."""
    first, last = a.first_text, a.last_text
    if first != b.first_text:
        first = min((model.rarity("first", v), v) for v in (first, b.first_text))[1]
    if last != b.last_text:
        last = min((model.rarity("last", v), v) for v in (last, b.last_text))[1]
    return first, last


def _email(a: Traits, b: Traits, facts: Facts) -> str:
    common = a.personal & b.personal
    if common - facts.shared_mailboxes:
        return "same"
    if a.role & b.role or common:
        return "role_same"
    if not (a.personal and b.personal):
        return "missing"
    pairs = [(x, y) for x in a.mailboxes for y in b.mailboxes if not x.is_role and not y.is_role]
    if any(is_slip(x.address, y.address) for x, y in pairs):
        return "near"
    if any(x.local == y.local and _is_distinctive(x, a, b) for x, y in pairs):
        return "same_local"
    corporate = a.corporate & b.corporate - facts.public_domains
    return "same_domain_differs" if corporate else "differs"


@lru_cache(maxsize=4_096)
def is_slip(one: str, two: str) -> bool:
    """Tell whether one of two addresses is mistyped: one letter, never a digit, in a long one."""
    local_a, domain_a = one.rsplit("@", 1)
    local_b, domain_b = two.rsplit("@", 1)
    if (local_a != local_b and domain_a != domain_b) or min(
        len(local_a), len(local_b)
    ) < _MIN_LOCAL:
        return False
    if _digits(one) != _digits(two):
        return False
    if local_a == local_b:
        is_long = min(len(domain_a), len(domain_b)) >= _MIN_DOMAIN
        return is_long and edits(domain_a, domain_b, 1) <= 1
    if _bare(local_a) == _bare(local_b):
        return False  # with and without a dot: two mailboxes
    return edits(local_a, local_b, 1) <= 1


def _bare(text: str) -> str:
    return "".join(c for c in text if c.isalnum())


def _digits(text: str) -> str:
    return "".join(c for c in text if c.isdigit())


def _is_distinctive(box: Mailbox, a: Traits, b: Traits) -> bool:
    """Tell whether a local part does not follow from the name, so that agreement on it is evidence."""
    local = box.local
    if len(local) < _MIN_LOCAL:
        return False
    parts = {w for t in (a, b) for w in (*t.first, *t.last) if len(w) >= _MIN_PART}
    return len(_digits(local)) >= _MIN_DIGITS or not any(p in local for p in parts)


def _is_numbered(a: Traits, b: Traits) -> bool:
    if not a.personal or not b.personal:
        return False
    return any(
        x.domain == y.domain
        and x.local != y.local
        and x.local.rstrip("0123456789") == y.local.rstrip("0123456789")
        for x in a.mailboxes
        for y in b.mailboxes
        if not x.is_role and not y.is_role
    )


def _phone(a: Traits, b: Traits, facts: Facts, model: Model) -> tuple[str, float]:
    weights = model.weights["phone"]
    if not (a.phones and b.phones):
        return "missing", weights["missing"]
    if not a.tails & b.tails:
        return "differs", weights["differs"]
    same = {normal.tail(x) for x in a.phones for y in b.phones if normal.are_same_number(x, y)}
    own = same - facts.shared_phones
    if own:
        return "same", max(model.agreement("phone", "same", "phone", v) for v in own)
    level = "shared" if same else "differs"
    return level, weights[level]


def _context(a: Traits, b: Traits, facts: Facts, model: Model) -> tuple[str, float]:
    """Return the best level: company, domain, switchboard, city are one piece of evidence."""
    found = [_organisation(a, b, facts, model), _address(a, b, model)]
    best = max(found, key=lambda f: (f[1], f[0]))
    # A common city is no evidence against different companies.
    if found[0][0] == "differs" and best[0] not in {"address", "address_near"}:
        return found[0]
    return best


def _organisation(a: Traits, b: Traits, facts: Facts, model: Model) -> tuple[str, float]:
    public = facts.public_domains
    mine, yours = a.domains - public, b.domains - public
    company, other = a.company_text, b.company_text
    found = [("domain", model.agreement("context", "domain", "domain", d)) for d in mine & yours]
    if company and company == other:
        found.append(("company", model.agreement("context", "company", "company", company)))
    my_stems, your_stems = _stems(a, mine), _stems(b, yours)
    if company in your_stems or other in my_stems:
        level = "company_is_domain"
        found.append((level, model.agreement("context", level, "company", company or other)))
    if found:
        return max(found, key=lambda f: (f[1], f[0]))
    if my_stems & your_stems or are_similar(a.company, b.company):
        value = company or other
        return "company_similar", model.agreement("context", "company_similar", "company", value)
    level = "differs" if (company or mine) and (other or yours) else "missing"
    return level, model.weights["context"][level]


def _stems(of: Traits, own: frozenset[str]) -> frozenset[str]:
    """Return the stems of a record's own domains: nearly always of all its domains."""
    return of.stems if len(own) == len(of.domains) else frozenset(normal.stem(d) for d in own)


@lru_cache(maxsize=4_096)
def are_similar(one: tuple[str, ...], two: tuple[str, ...]) -> bool:
    """Tell whether two company names may be one company's."""
    if not (one and two):
        return False
    if {w for w in one if w.isdigit()} != {w for w in two if w.isdigit()}:
        return False  # Hotel 21 and Hotel 22
    a, b = set(normal.distinctive_words(one)), set(normal.distinctive_words(two))
    return a <= b or b <= a or names.is_typo("".join(one), "".join(two))


def _address(a: Traits, b: Traits, model: Model) -> tuple[str, float]:
    level = place_level((a.street, a.postal_code, a.city), (b.street, b.postal_code, b.city))
    if level in {"address", "address_near"}:
        return level, model.agreement("context", level, "address", min(a.address, b.address))
    if level in {"postal_code", "city"}:
        return level, model.agreement("context", level, level, getattr(a, level))
    return level, model.weights["context"][level]


@lru_cache(maxsize=4_096)
def place_level(a: tuple[str, str, str], b: tuple[str, str, str]) -> str:
    """Compare street, postal code and city; a street needs one of the others to agree."""
    codes = bool(a[1]) and a[1] == b[1]
    cities = bool(a[2]) and a[2] == b[2]
    if a[0] and b[0]:
        similar = _is_alike(a[0], b[0], _SIMILAR_STREET)
        if a[0] == b[0] and (codes or (cities and not (a[1] and b[1]))):
            return "address"
        near = codes or cities or _is_alike(a[2], b[2], _SIMILAR_PLACE)
        if similar and near and _digits(a[0]) == _digits(b[0]):
            return "address_near"
        if not similar:
            return "missing"  # two streets of one town
    if codes:
        return "postal_code"
    return "city" if cities else "missing"


def _is_alike(one: str, two: str, least: float) -> bool:
    return bool(one and two) and likeness(one, two) >= least


@lru_cache(maxsize=4_096)
def _birth(one: str, two: str) -> str:
    if not (one and two):
        return "missing"
    if one == two:
        return "same"
    parts = [(one[:4], two[:4]), (one[4:6], two[4:6]), (one[6:], two[6:])]
    swapped = one[:4] == two[:4] and one[4:6] == two[6:] and one[6:] == two[4:6]
    is_near = sum(x == y for x, y in parts) >= _SAME_PARTS or edits(one, two) == 1
    return "near" if swapped or is_near else "differs"


def _identifier(one: str, two: str) -> str:
    if not (one and two):
        return "missing"
    if one == two:
        return "same"
    return "near" if edits(one, two, 1) == 1 else "differs"
