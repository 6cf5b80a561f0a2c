"""E-mail addresses: the form that is compared, and the addresses that nobody reads.

In: one address. Out: its comparable form. Mapping, matching and look-ups use the same one. What does not
belong here: finding addresses in a text (`hub.mappings.emails`), what two addresses prove (`hub.matching`).
"""

import functools
import re
import unicodedata

import idna

_NOT_LETTER = re.compile(r"[^a-z0-9]+")
_NO_ADDRESS = frozenset((
    "noemail", "noemails", "nomail", "noaddress", "noemailaddress", "none", "nonegiven", "notprovided", "notgiven",
    "noreplyemail", "donotemail", "sansemail", "sansmail", "sansadresse", "pasdemail", "pasdemel", "pasdadresse",
    "keine", "keinemail", "keineemail", "keinemailadresse", "sincorreo", "sinemail", "nocorreo", "notiene",
    "semail", "sememail", "nessunaemail", "senzaemail", "geenemail", "geenmail",
))  # fmt: skip
"""Local parts, letters only, by which people say that there is no address."""
_INVENTED = frozenset((
    "test", "testing", "tester", "teste", "essai", "prueba", "prova", "asdf", "asdfgh", "qwerty", "azerty", "abc",
    "abcd", "foo", "fake", "dummy", "sample", "xyz", "blabla", "toto", "user",
))  # fmt: skip
_INVENTED_DOMAINS = _INVENTED | {"bar", "email", "mail", "domain", "domaine", "example", "none"}


@functools.lru_cache(maxsize=65_536)
def comparable(address: str) -> str:
    """Return an address without case, its domain in ASCII: josé@münchen.de is josé@xn--mnchen-3ya.de."""
    if address.isascii():
        return address.lower()
    local, at, domain = unicodedata.normalize("NFC", address).rpartition("@")
    return f"{local.casefold()}{at}{ascii_domain(domain)}"


def ascii_domain(domain: str) -> str:
    """Return a host name in lower case and ASCII (IDNA 2008, UTS 46); a name that has no such form stays."""
    if domain.isascii():
        return domain.lower()
    try:
        return idna.encode(domain, uts46=True).decode("ascii")
    except UnicodeError:  # idna.IDNAError is one
        return domain.casefold()


def readable_domain(domain: str) -> str:
    """Return a host name as people write it: xn--mnchen-3ya.de is münchen.de."""
    if "xn--" not in domain:
        return domain
    try:
        return idna.decode(domain)
    except UnicodeError:
        return domain


@functools.lru_cache(maxsize=65_536)
def is_invented(address: str) -> bool:
    """Tell whether an address was typed to fill a field: noemail@acme.com, test@test.com, a@a.fr."""
    local, _, domain = address.lower().rpartition("@")
    local = _NOT_LETTER.sub("", local)
    name = _NOT_LETTER.sub("", domain.partition(".")[0])
    if local in _NO_ADDRESS:
        return True
    if local in _INVENTED:
        return name in _INVENTED_DOMAINS
    return local == name and (len(set(local)) == 1 or local in _NO_ADDRESS)
