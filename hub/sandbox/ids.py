"""Make record ids in each vendor's own format from a running number.

The same seed and number give the same id. Not here: the counters (`world.py`).
"""

import hashlib
from collections.abc import Callable, Mapping

IdFactory = Callable[[str, int], str]
_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_BASE36 = "0123456789abcdefghijklmnopqrstuvwxyz"
_SUFFIX = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
_PREFIXES = {
    "leads": "00Q",
    "users": "005",
    "queues": "00G",
    "accounts": "001",
    "contacts": "003",
    "opportunities": "006",
    "opportunity_contact_roles": "00K",
    "opportunity_history": "008",
    "opportunity_stages": "01J",
    "record_types": "012",
    "campaigns": "701",
    "campaign_members": "00v",
    "account_contact_relations": "07k",
    "contracts": "800",
    "products": "01t",
    "opportunity_line_items": "00k",
    "event_relations": "0RE",
    "queue_sobjects": "03g",
    "tasks": "00T",
    "events": "00U",
    "notes": "002",
    "attachments": "00P",
    "content_versions": "068",
    "content_notes": "069",
    "content_document_links": "06A",
}
_SUFFIX_RUN = 5


def in_base(number: int, alphabet: str, length: int) -> str:
    """Return the last `length` digits of a number in the base of an alphabet."""
    digits = ""
    for _ in range(length):
        number, digit = divmod(number, len(alphabet))
        digits = alphabet[digit] + digits
    return digits


def salesforce_id(seed: int, stream: str, n: int) -> str:
    """Return an id of 18 characters; the last three encode the letter case of the others."""
    short = f"{_PREFIXES.get(stream, 'a0X')}9k{in_base(seed, _BASE62, 4)}{in_base(n, _BASE62, 6)}"
    suffix = ""
    for start in range(0, len(short), _SUFFIX_RUN):
        run = short[start : start + _SUFFIX_RUN]
        suffix += _SUFFIX[sum(1 << i for i, char in enumerate(run) if char.isupper())]
    return short + suffix


def typeform_id(seed: int, stream: str, n: int) -> str:
    """Return a response token: 32 letters and digits in no order."""
    return scrambled(f"typeform/{stream}/{seed}/{n}", 32)


def hubspot_id(seed: int, stream: str, n: int) -> str:
    """Return a number of eleven digits, which needs more than 32 bits."""
    return str(20_000_000_000 + _offset("hubspot", stream, seed, 10**6) * 10**4 + n * 7)


def mailchimp_id(seed: int, stream: str, n: int) -> str:
    """Return a contact id: 32 hexadecimal digits in no order."""
    text = f"mailchimp/{stream}/{seed}/{n}"
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def zendesk_id(seed: int, stream: str, n: int) -> str:
    """Return a number: a small one for a ticket, one of fourteen digits for other records."""
    if stream == "tickets":
        return str(_offset("zendesk", stream, seed, 10**3) + n)
    return str(10_000_000_000_000 + _offset("zendesk", stream, seed, 10**6) * 10**6 + n * 21)


def sell_id(seed: int, stream: str, n: int) -> str:
    """Return a number of nine or ten digits that grows with the records of a stream."""
    return str(100_000_000 + _offset("sell", stream, seed, 10**3) * 10**6 + n * 3)


def plain_id(seed: int, stream: str, n: int) -> str:
    """Return a number, for streams without a known id format."""
    start = int.from_bytes(hashlib.blake2b(f"{stream}/{seed}".encode(), digest_size=3).digest())
    return str(1_000_000_000 + start * 1_000 + n)


def _offset(source: str, stream: str, seed: int, below: int) -> int:
    digest = hashlib.blake2b(f"{source}/{stream}/{seed}".encode(), digest_size=8).digest()
    return int.from_bytes(digest) % below


def scrambled(text: str, length: int) -> str:
    """Return letters and digits that look random and are the same for the same text."""
    digest = hashlib.blake2b(text.encode(), digest_size=32).digest()
    return in_base(int.from_bytes(digest), _BASE36, length)


def _digits(text: str, length: int) -> str:
    """Return hexadecimal digits that look random, at most 128, the same for the same text."""
    return hashlib.blake2b(text.encode(), digest_size=64).hexdigest()[:length]


def default_id_factories(seed: int) -> Mapping[str, IdFactory]:
    """Return the function that makes ids, by source."""
    return {
        "salesforce": lambda stream, n: salesforce_id(seed, stream, n),
        "hubspot": lambda stream, n: hubspot_id(seed, stream, n),
        "typeform": lambda stream, n: typeform_id(seed, stream, n),
        "mailchimp": lambda stream, n: mailchimp_id(seed, stream, n),
        "zendesk": lambda stream, n: zendesk_id(seed, stream, n),
        "sell": lambda stream, n: sell_id(seed, stream, n),
    }


def secrets_of(seed: int) -> dict[str, str]:
    """Return the credentials that the emulated vendors accept, the same for the same seed."""

    def token(name: str, length: int) -> str:
        return scrambled(f"secret/{name}/{seed}", length)

    return {
        "client_id": f"3MVG9{token('client_id', 40)}",
        "client_secret": token("client_secret", 40).upper(),
        "username": "integration@acme.example.com",
        "password": token("password", 16),
        "security_token": token("security_token", 24),
        "refresh_token": f"5Aep861{token('refresh_token', 60)}",
        "hubspot_token": f"pat-eu1-{token('hubspot_token', 36)}",
        "hubspot_client_id": token("hubspot_client_id", 36),
        "hubspot_client_secret": token("hubspot_client_secret", 36),
        "hubspot_refresh_token": f"eu1-{token('hubspot_refresh_token', 36)}",
        "typeform_token": f"tfp_{token('typeform_token', 44)}",
        "typeform_secret": token("typeform_secret", 32),
        "mailchimp_key": f"{mailchimp_id(seed, 'secret', 0)}-us1",
        "mailchimp_secret": token("mailchimp_secret", 32),
        "zendesk_email": "integration@acme.example.com",
        "zendesk_token": token("zendesk_token", 40),
        "zendesk_secret": token("zendesk_secret", 44),
        "sell_email": "integration@acme.example.com",
        "sell_token": _digits(token("sell_token", 48), 64),
        "sell_client_id": _digits(token("sell_client_id", 40), 64),
        "sell_client_secret": _digits(token("sell_client_secret", 40), 64),
        "sell_refresh_token": _digits(token("sell_refresh_token", 40), 64),
    }
