"""What a good engineer writes in an hour: pages, a dict a contact, one table with an upsert.

No raw store, no ledger, no check that all came, no quarantine, no owners, no second source: the
measure of what those cost.
"""

from typing import Any

import psycopg
import requests

_COLUMNS = (
    "id", "first_name", "last_name", "company", "title", "email", "phone", "website", "street",
    "postal_code", "city", "country", "status", "source", "owner", "created_at", "updated_at",
)  # fmt: skip
_TABLE = f"""
CREATE TABLE contacts_by_hand (
  {", ".join(f"{name} {'timestamptz' if name.endswith('_at') else 'text'}" for name in _COLUMNS)},
  PRIMARY KEY (id))
"""
_UPSERT = (
    f"INSERT INTO contacts_by_hand VALUES ({', '.join(['%s'] * len(_COLUMNS))}) "  # noqa: S608  # our own names
    f"ON CONFLICT (id) DO UPDATE SET {', '.join(f'{n} = excluded.{n}' for n in _COLUMNS[1:])} "
    "WHERE contacts_by_hand.updated_at < excluded.updated_at"
)
_ASKED = (
    "firstname,lastname,company,jobtitle,email,phone,website,address,zip,city,country,lifecyclestage,"
    "hs_analytics_source,hubspot_owner_id,createdate,lastmodifieddate"
)


def _row(item: dict[str, Any]) -> tuple[str | None, ...]:
    p = item["properties"]
    phone = p["phone"] and "".join(c for c in p["phone"] if c in "+0123456789")
    return (
        item["id"], _title(p["firstname"]), _title(p["lastname"]), _text(p["company"]),
        _text(p["jobtitle"]), (p["email"] or "").strip().lower() or None, phone, _text(p["website"]),
        _text(p["address"]), _text(p["zip"]), _text(p["city"]), _text(p["country"]),
        p["lifecyclestage"], p["hs_analytics_source"], p["hubspot_owner_id"], p["createdate"],
        p["lastmodifieddate"],
    )  # fmt: skip


def _text(value: str | None) -> str | None:
    return (value or "").strip() or None


def _title(value: str | None) -> str | None:
    name = (value or "").strip()
    return (name.title() if name.isupper() else name) or None


def load(base_url: str, token: str, conn: psycopg.Connection) -> int:
    """Load all contacts; returns how many rows the table has."""
    session = requests.Session()
    session.headers["Authorization"] = f"Bearer {token}"
    conn.execute(_TABLE)
    conn.commit()
    params = {"limit": "100", "properties": _ASKED}
    while True:
        response = session.get(f"{base_url}/crm/v3/objects/contacts", params=params, timeout=30)
        response.raise_for_status()
        page = response.json()
        with conn.cursor() as cursor:
            cursor.executemany(_UPSERT, [_row(item) for item in page["results"]])
        conn.commit()
        if "paging" not in page:
            break
        params["after"] = page["paging"]["next"]["after"]
    row = conn.execute("SELECT count(*) FROM contacts_by_hand").fetchone()
    return int(row[0]) if row else 0
