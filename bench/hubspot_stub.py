"""A HubSpot that costs next to nothing: contacts made before the first request, sent as bytes.

`python -m bench.hubspot_stub N` prints its address as one line, then serves until it is ended. It
answers what a sync asks: owners, companies, definitions of properties, lists, and searches by a
span of modification times and an id beyond which to continue. Contacts are modified in the order of
their ids, so that every such search is a range. No limit, no fault: those are the sandbox's
business.
"""

import asyncio
import json
import random
import sys
from collections.abc import Mapping
from email.utils import formatdate
from typing import Any
from unicodedata import normalize
from urllib.parse import parse_qs, urlsplit

FIRST_ID = 10_000_001
BEGUN_MS = (
    1_700_000_000_000  # when the first contact was modified; the others a tenth of a second apart
)
STEP_MS = 100
TOKEN = "pat-eu1-bench"  # noqa: S105  # a stub's
_FIRST = [
    "Anna",
    "Jean",
    "Lukas",
    "Maria",
    "Pierre",
    "Sofia",
    "Thomas",
    "Élodie",
    "Nils",
    "Chiara",
    "Zoë",
    "Paul",
    "Inès",
    "Karl",
    "Léa",
]
_SYLLABLES = [
    "mar",
    "ten",
    "ber",
    "gau",
    "dur",
    "lin",
    "sch",
    "vel",
    "tor",
    "ris",
    "ko",
    "wal",
    "ner",
    "dis",
    "ham",
    "pet",
    "ros",
    "che",
    "fon",
    "bau",
]
_COMPANY = [
    "Consulting",
    "Industrie",
    "Logistik",
    "Systems",
    "Santé",
    "Conseil",
    "Energie",
    "Partners",
    "Group",
    "Bau",
]
_STAGES = ["subscriber", "lead", "lead", "marketingqualifiedlead", "salesqualifiedlead", "customer"]
_STATUS = ["NEW", "OPEN", "IN_PROGRESS", "CONNECTED", "UNQUALIFIED", None, None]
_ORIGINS = [
    "ORGANIC_SEARCH",
    "PAID_SEARCH",
    "DIRECT_TRAFFIC",
    "REFERRALS",
    "OFFLINE",
    "OTHER_CAMPAIGNS",
]
_PLACES = [
    ("FR", "Lyon", "69003", "+33 6 {:02d} {:02d} {:02d} {:02d}"),
    ("FR", "Lille", "59800", "03 20 {:02d} {:02d} {:02d}"),
    ("DE", "Hamburg", "20095", "+49 151 {:02d}{:02d}{:02d}{:02d}"),
    ("GB", "Leeds", "LS1 4DY", "07{:02d}1 {:02d}{:02d}{:02d}"),
    ("ES", "Sevilla", "41001", "+34 6{:02d} {:02d} {:02d} {:02d}"),
    ("US", "Austin", "78701", "(512) 2{:02d}-{:02d}{:02d}"),
]


def contact(n: int) -> dict[str, Any]:
    """Return the n-th contact, about 1.2 KB of JSON; the same one every time."""
    draw = random.Random(n)  # nothing secret
    first = draw.choice(_FIRST)
    last = "".join(draw.choices(_SYLLABLES, k=draw.randint(2, 4))).title()
    company = f"{''.join(draw.choices(_SYLLABLES, k=2)).title()} {draw.choice(_COMPANY)}"
    country, city, postal, phone = draw.choice(_PLACES)
    name, stamp = str(FIRST_ID + n), _iso(BEGUN_MS + n * STEP_MS)
    created = _iso(BEGUN_MS - draw.randrange(10**10))
    is_shouting = draw.random() < 0.1  # some type their name so
    number = phone.format(*(draw.randrange(100) for _ in range(4)))
    properties: dict[str, str | None] = {
        "address": f"{draw.randint(1, 200)} rue {draw.choice(_SYLLABLES).title()}",
        "annualrevenue": str(draw.randint(1, 900) * 10_000) if n % 3 else None,
        "associatedcompanyid": str(5_000_000 + n % 500) if n % 4 == 0 else None,
        "city": city,
        "company": company,
        "country": country,
        "createdate": created,
        "email": f"{_plain(first)}.{last}{n}@{company.partition(' ')[0]}-{draw.choice(_SYLLABLES)}.com".lower(),
        "favourite_product": draw.choice(("alpha", "beta", "gamma")),
        "firstname": first.upper() if is_shouting else first,
        "hs_additional_emails": None,
        "hs_analytics_source": draw.choice(_ORIGINS),
        "hs_analytics_source_data_1": draw.choice(("google", "newsletter", "direct")),
        "hs_analytics_source_data_2": None,
        "hs_country_region_code": country,
        "hs_email_optout": "true" if n % 20 == 0 else None,
        "hs_lead_status": draw.choice(_STATUS),
        "hs_merged_object_ids": None,
        "hs_object_id": name,
        "hubspot_owner_id": str(70 + n % 10),
        "hubspotscore": str(draw.randint(0, 100)),
        "industry": "COMPUTER_SOFTWARE",
        "jobtitle": draw.choice(("Directrice achats", "CTO", "Head of Sales", "Gérant")),
        "lastmodifieddate": stamp,
        "lastname": last.upper() if is_shouting else last,
        "lifecyclestage": draw.choice(_STAGES),
        "message": "Please call me back about an offer for our two sites." if n % 5 == 0 else None,
        "mobilephone": None,
        "notes_last_contacted": None,
        "numemployees": "25-50" if n % 2 else None,
        "phone": number,
        "salutation": None,
        "state": None,
        "website": f"www.{company.partition(' ')[0].lower()}.example",
        "zip": postal,
    }
    return {
        "id": name,
        "properties": properties,
        "createdAt": created,
        "updatedAt": stamp,
        "archived": False,
    }


def _plain(name: str) -> str:
    return normalize("NFD", name).encode("ascii", "ignore").decode()


def _iso(ms: int) -> str:
    seconds, rest = divmod(ms, 1000)
    minutes, second = divmod(seconds, 60)
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    year, month, day = _civil(days)
    return f"{year}-{month:02d}-{day:02d}T{hour:02d}:{minute:02d}:{second:02d}.{rest:03d}Z"


def _civil(days: int) -> tuple[int, int, int]:
    """Return the date of a day since 1970: faster than datetime, four hundred thousand times."""
    days += 719_468
    era, of_era = divmod(days, 146_097)
    year = (of_era - of_era // 1460 + of_era // 36_524 - of_era // 146_096) // 365
    of_year = of_era - (365 * year + year // 4 - year // 100)
    month = (5 * of_year + 2) // 153
    day = of_year - (153 * month + 2) // 5 + 1
    month += 3 if month < 10 else -9  # the year begins in March here
    return year + era * 400 + (month <= 2), month, day


def _dump(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def _simple(first: int, n: int, properties: Mapping[str, str], key: str) -> list[bytes]:
    made = []
    for i in range(n):
        name, stamp = str(first + i), _iso(BEGUN_MS)
        own = {"hs_object_id": name, key: stamp, **properties, "name": f"Company {i}"}
        made.append(_dump({"id": name, "properties": own, "updatedAt": stamp, "archived": False}))
    return made


class Vendor:
    """All that the stub knows, by path."""

    def __init__(self, n: int) -> None:
        names = sorted(contact(0)["properties"])
        self._rows = {
            "contacts": [_dump(contact(i)) for i in range(n)],
            "companies": _simple(5_000_000, 500, {}, "hs_lastmodifieddate"),
        }
        self._first = {"contacts": FIRST_ID, "companies": 5_000_000}
        self._properties = _dump({"results": [{"name": name} for name in names]})
        owners = [
            {"id": str(70 + i), "email": f"owner{i}@owners.example", "firstName": "Owner",
             "lastName": f"N{i}", "createdAt": _iso(BEGUN_MS), "updatedAt": _iso(BEGUN_MS), "archived": False}
            for i in range(10)
        ]  # fmt: skip
        self._owners = _dump({"results": owners})

    def answer(self, target: str, body: bytes) -> bytes:
        """Return the body that answers a request."""
        url = urlsplit(target)
        query = {key: values[0] for key, values in parse_qs(url.query).items()}
        parts = url.path.strip("/").split("/")  # crm v3 objects contacts [search]
        if parts[2] == "properties":
            return self._properties
        if query.get("archived") == "true":
            return b'{"results":[]}'
        if parts[2] == "owners":
            return self._owners
        if parts[-1] == "search":
            return self._search(parts[3], json.loads(body))
        return self._list(parts[3], int(query.get("limit", 10)), query.get("after", ""))

    def _search(self, kind: str, asked: dict[str, Any]) -> bytes:
        rows, first = self._rows[kind], self._first[kind]
        low, high = 0, len(rows)
        for one in asked["filterGroups"][0]["filters"] if asked["filterGroups"] else ():
            value = int(one["value"])
            if one["propertyName"] == "hs_object_id":
                low = max(low, value - first + 1)
                continue
            place = (
                -(-(value - BEGUN_MS) // STEP_MS)
                if kind == "contacts"
                else (value > BEGUN_MS) * high
            )
            if one["operator"] == "LT":
                high = min(high, max(place, 0))
            else:
                low = max(low, place)
        found = rows[low : min(high, low + int(asked["limit"]))]
        return b'{"total":%d,"results":[%b]}' % (max(high - low, 0), b",".join(found))

    def _list(self, kind: str, limit: int, cursor: str) -> bytes:
        rows, first = self._rows[kind], self._first[kind]
        low = int(cursor) - first if cursor else 0
        more = b""
        if low + limit < len(rows):
            more = b',"paging":{"next":{"after":"%d"}}' % (first + low + limit)
        return b'{"results":[%b]%b}' % (b",".join(rows[low : low + limit]), more)


class _Connection(asyncio.Protocol):
    """HTTP/1.1 with connections that stay open; as much of it as the clients at hand speak."""

    def __init__(self, vendor: Vendor) -> None:
        self._vendor = vendor
        self._got = bytearray()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport if isinstance(transport, asyncio.Transport) else None

    def data_received(self, data: bytes) -> None:
        self._got += data
        while (end := self._got.find(b"\r\n\r\n")) >= 0:
            head = bytes(self._got[:end]).decode("latin-1")
            length = 0
            for line in head.split("\r\n")[1:]:
                name, _, value = line.partition(":")
                if name.lower() == "content-length":
                    length = int(value)
            if len(self._got) < end + 4 + length:
                return
            body = bytes(self._got[end + 4 : end + 4 + length])
            del self._got[: end + 4 + length]
            answer = self._vendor.answer(head.split(" ", 2)[1], body)
            said = (
                "HTTP/1.1 200 OK\r\nContent-Type: application/json;charset=utf-8\r\n"
                f"Date: {formatdate(usegmt=True)}\r\nContent-Length: {len(answer)}\r\n\r\n"
            )
            if self._transport is not None:
                self._transport.write(said.encode() + answer)


async def _serve(n: int) -> None:
    vendor = Vendor(n)
    server = await asyncio.get_running_loop().create_server(
        lambda: _Connection(vendor), "127.0.0.1", 0
    )
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1])))
