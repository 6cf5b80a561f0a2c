"""The employer of a record as one number, which proves without the record that two people work elsewhere.

Keys of name and place bring namesakes together, and there are more of them in a larger base. Nearly all of
these pairs are judged different because their companies differ. `ops.match_key` has the number with such a
key. If it shows that two records differ in the context and share no mailbox, the pair is different under a
model that `needs_context`. The number can miss such a pair, but it never sets apart a pair that may be one
person.
"""

from collections.abc import Iterable
from functools import lru_cache
from zlib import crc32

from hub.frozen import dataclass
from hub.matching import normal
from hub.matching.keys import MatchView, Traits
from hub.matching.letters import letters_of
from hub.matching.model import Model
from hub.matching.normal import Mailbox

_LETTERS = (1 << 34) - 1
_STEM_AT, _STEM = 34, (1 << 13) - 1
_STREET_AT, _STREET = 47, (1 << 6) - 1
_FREE_AT, _FREE = 53, (1 << 3) - 1
_SEVERAL = _FREE  # addresses at more than one provider
_NUMBERS_AT, _NUMBERS = 56, (1 << 3) - 1
_HAS_COMPANY, _IS_SET = 1 << 59, 1 << 60
_LONG = 8  # from here on two letters may be mistyped


def outline(v: MatchView) -> int | None:
    """Return the number of a record's employer; None if its pairs must always be compared.

    This is so if it names no company and no domain, or domains of several names. It is also so if a birth
    date, an identifier or an edit may weigh more than the employer.
    """
    t = v.traits
    if v.typed is not None or t.birth or t.identifier or len(t.stems) > 1:
        return None
    if not (t.company or t.stems) or "" in t.stems:
        return None
    found = _IS_SET | _free(t.mailboxes) << _FREE_AT
    for stem in t.stems:
        found |= _hash(stem, _STEM) << _STEM_AT
    if t.street:
        found |= _hash(_digits(t.street), _STREET) << _STREET_AT
    if t.company:
        found |= letters_of(t.company_text) | _numbers(t.company) << _NUMBERS_AT | _HAS_COMPANY
    return found


@dataclass(frozen=True, slots=True)
class Employer:
    """The employer of a record for the comparison with the outlines of others.

    Args:
        company: letters of the company's name, and how many may be mistyped; None without one.
        words: letters of each word that distinguishes the company.
        numbers: of the numbers in the company's name: Hotel 21 is not Hotel 22.
        names: letters of the names in its domains: another company may be called so.
        stems: hashes of these names, and of the company's name.
        street: of its number in the street; 0 without a street.
        free: of the provider of its mailbox.
        domain_is_enough: a domain without a company proves where another record works.
    """

    company: tuple[int, int] | None
    words: tuple[int, ...]
    numbers: int
    names: frozenset[int]
    stems: frozenset[int]
    street: int
    free: int
    domain_is_enough: bool

    def is_another(self, other: int | None) -> bool:
        """Tell whether another record, with this outline, surely works elsewhere."""
        if other is None or not (other & _HAS_COMPANY or self.domain_is_enough):
            return False
        stem = other >> _STEM_AT & _STEM
        street = other >> _STREET_AT & _STREET
        return not (
            (stem and stem in self.stems)
            or (other & _HAS_COMPANY and self._may_be(other))
            or (street and street == self.street)
            or _may_be_one_provider(self.free, other >> _FREE_AT & _FREE)
        )

    def _may_be(self, other: int) -> bool:
        """Tell whether the company with this outline may be this one."""
        theirs = other & _LETTERS
        if theirs in self.names:
            return True
        if self.company is None or other >> _NUMBERS_AT & _NUMBERS != self.numbers:
            return False
        own, slips = self.company
        if (own & ~theirs).bit_count() <= slips and (theirs & ~own).bit_count() <= slips:
            return True
        return any(not word & ~theirs for word in self.words)


def employer_of(v: MatchView, model: Model) -> Employer | None:
    """Return the employer of a record; None if its pairs must always be compared."""
    t = v.traits
    public = model.facts.public_domains if model.facts else frozenset[str]()
    if v.typed is not None or not (t.company or t.domains - public) or "" in t.stems:
        return None
    return Employer(
        (letters_of(t.company_text), _slips(t.company_text)) if t.company else None,
        tuple(letters_of(word) for word in normal.distinctive_words(t.company)),
        _numbers(t.company),
        frozenset(letters_of(stem) for stem in t.stems),
        frozenset(_hash(name, _STEM) for name in (*t.stems, *_company(t))),
        _hash(_digits(t.street), _STREET) if t.street else 0,
        _free(t.mailboxes),
        not public,
    )


def _company(t: Traits) -> tuple[str, ...]:
    return (t.company_text,) if t.company else ()


def _numbers(company: tuple[str, ...]) -> int:
    """Return the words of digits only; 0 without one."""
    found = sorted({word for word in company if word.isdigit()})
    return _hash(" ".join(found), _NUMBERS) if found else 0


def _slips(text: str) -> int:
    return 2 if len(text) >= _LONG else 1


def _free(boxes: Iterable[Mailbox]) -> int:
    """Return the provider of the personal mailboxes: two of one provider may differ by a slip."""
    found = {box.address.rpartition("@")[2] for box in boxes if box.is_free and not box.is_role}
    if len(found) > 1:
        return _SEVERAL
    return _hash(found.pop(), _SEVERAL - 1) if found else 0


def _may_be_one_provider(a: int, b: int) -> bool:
    return bool(a and b) and (a == b or _SEVERAL in (a, b))


def _digits(text: str) -> str:
    return "".join([c for c in text if c.isdigit()])


@lru_cache(maxsize=4_096)
def _hash(text: str, most: int) -> int:
    """Return a number from 1 to `most`."""
    return 1 + crc32(text.encode("utf-8", "surrogatepass")) % most
