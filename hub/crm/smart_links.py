"""Smart links: addresses of other systems, made of a record's values.

A template is an address with names of fields in braces:
`https://billing.example.com/find?q={email}`. Scheme and host are the template's own: braces are
allowed in path, query and fragment only. Every value is percent-encoded, with the dots of a path's
part if they would lead upwards. Not here: who may keep a link (`hub.actions.setup.smart_link`).
"""

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import quote, urlsplit

from sqlalchemy import Connection, text

from hub.frozen import dataclass

LONGEST = 2_000
_FIELD = re.compile(r"\{([^{}]+)\}")
_ADDRESS = re.compile(r"(https?)://([^/?#]+)(.*)", re.IGNORECASE | re.DOTALL)


class LinkError(ValueError):
    """A template that is none, or a record that it cannot be filled from; says why."""


@dataclass(frozen=True, slots=True)
class SmartLink:
    """A link that the team keeps.

    Args:
        object: lead, person, company or deal.
        name: as people call it.
        template: the address, with fields in braces.
    """

    object: str
    name: str
    template: str


def fields_in(template: str) -> list[str]:
    """Return the names in braces, each once.

    Raises:
        LinkError: it is no address, or has braces in scheme or host.
    """
    _, _, rest = _parts(template)
    names = [name.strip() for name in _FIELD.findall(rest)]
    if "{" in _FIELD.sub("", rest) or "}" in _FIELD.sub("", rest):
        raise LinkError("a brace that nothing closes or opens")
    return list(dict.fromkeys(names))


def renamed(template: str, names: Mapping[str, str]) -> str:
    """Return a template with other names in its braces."""
    scheme, host, rest = _parts(template)
    said = _FIELD.sub(lambda found: f"{{{names.get(found[1].strip(), found[1].strip())}}}", rest)
    return f"{scheme}://{host}{said}"


def fill(template: str, value_of: Callable[[str], Any]) -> str:
    """Return the address for one record; an empty value leaves its place empty.

    Raises:
        LinkError: the template is none, or a value would climb in the path.
    """
    fields_in(template)
    scheme, host, rest = _parts(template)
    made = _FIELD.sub(
        lambda found: quote(_words(value_of(found[1].strip())), safe="", errors="replace"), rest
    )
    path = re.split(r"[?#]", made, maxsplit=1)[0]
    if any(part.replace("%2e", ".") in {".", ".."} for part in path.lower().split("/")):
        raise LinkError("a value of dots alone would leave the path")
    address = f"{scheme}://{host}{made}"
    if urlsplit(address).netloc != host or urlsplit(address).scheme != scheme.lower():
        raise LinkError("a value would change the address")
    return address


def _parts(template: str) -> tuple[str, str, str]:
    found = _ADDRESS.fullmatch(template)
    if found is None or len(template) > LONGEST:
        raise LinkError("expected an address that begins with https:// or http://")
    if re.search(r"[\x00-\x20\x7f\\\"<>^`|]", template) or not template.isprintable():
        raise LinkError("it has characters that no address has")
    host = found[2]
    if not re.fullmatch(r"[A-Za-z0-9.\-]+(:\d{1,5})?|\[[0-9A-Fa-f:]+\](:\d{1,5})?", host):
        raise LinkError("the host stands in the template as it is: no field, no login")
    if found[3] and found[3][0] == "{":
        raise LinkError("a field comes after the host's slash")
    return found[1], host, found[3]


def _words(value: Any) -> str:
    match value:
        case None:
            found = ""
        case bool():
            found = str(value).lower()
        case datetime() | date():
            found = value.isoformat()
        case Decimal():
            found = format(value, "f")
        case list() | tuple():
            found = ",".join(_words(one) for one in value)
        case Mapping():
            found = " ".join(_words(one) for one in value.values())
        case _:
            found = str(value)
    return found


def of_object(conn: Connection, object_: str | None) -> list[SmartLink]:
    """Return the links of a kind of record, or all of them."""
    rows = conn.execute(
        text(
            "SELECT object, name, template FROM crm.smart_link "
            "WHERE CAST(:object AS text) IS NULL OR object = :object ORDER BY object, lower(name)"
        ),
        {"object": object_},
    )
    return [SmartLink(*row) for row in rows]


def insert(conn: Connection, link: SmartLink) -> bool:
    """Keep a link; says whether the name was free."""
    made = conn.execute(
        text(
            "INSERT INTO crm.smart_link (object, name, template) VALUES (:object, :name, :template) "
            "ON CONFLICT DO NOTHING RETURNING id"
        ),
        {"object": link.object, "name": link.name, "template": link.template},
    )
    return made.one_or_none() is not None


def write(conn: Connection, link: SmartLink, template: str) -> None:
    """Write another template of a link."""
    conn.execute(
        text(
            "UPDATE crm.smart_link SET template = :template "
            "WHERE object = :object AND lower(name) = lower(:name)"
        ),
        {"object": link.object, "name": link.name, "template": template},
    )


def delete(conn: Connection, object_: str, name: str) -> bool:
    """Forget a link; says whether there was one."""
    done = conn.execute(
        text("DELETE FROM crm.smart_link WHERE object = :object AND lower(name) = lower(:name)"),
        {"object": object_, "name": name},
    )
    return done.rowcount == 1
