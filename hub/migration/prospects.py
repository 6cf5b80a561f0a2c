"""A list of prospects as the source of a migration: `hub import-list FILE`.

The rows become leads of the list, with the legal basis on which the list may be used. A person whom the hub has is
left as it is. A customer, the employee of a customer, and an address that refused e-mails are suppressed: such a row
is read, counted as excluded, and makes no lead. Not here: how files are read (`hub.migration.files`).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from sqlalchemy import Connection

from hub.connectors.files.column_files import ColumnFile, TableMapping, read_columns
from hub.connectors.files.streams import SOURCE, FilesConnector, Mode, Policy
from hub.crm import customers
from hub.crm.customers import Customer
from hub.errors import ConfigError
from hub.etl.context import Hub
from hub.frozen import dataclass
from hub.mappings import permissions, phones
from hub.mappings.text import fold
from hub.matching.normal import own_domain
from hub.records import consent_events, present_records
from hub.records.consent_addresses import normal_address

SUPPRESSED = "_suppressed"
"""The mark of a row that makes no lead; its value is the reason."""
OPTED_OUT, CUSTOMER, EMPLOYEE = "opted out", "a customer", "works for a customer"
BASES = ("consent", "contract", "legitimate interest")
STATES = ("unknown", "opt_in")
_LEADS = "leads"
_LONGEST = 200
_MARKETING = "marketing"


@dataclass(frozen=True, slots=True)
class Terms:
    """On what terms a list may be used.

    Args:
        source: what the leads' source is called: the list.
        basis: the legal basis of the processing, one of `BASES`.
        state: the consent to e-mails that the list has of its people, one of `STATES`.
        proof: where the consent, or the list, comes from.
    """

    source: str
    basis: str
    state: str = "unknown"
    proof: str = ""

    def checked(self) -> "Terms":
        """Return the terms without blanks around them.

        Raises:
            ConfigError: one of them is missing, too long, or none of the known ones.
        """
        source, proof = self.source.strip(), self.proof.strip()
        for name, said, known in (
            ("--basis", self.basis, BASES),
            ("--consent", self.state, STATES),
        ):
            if said not in known:
                raise ConfigError(f"{name} cannot be {said!r}", hint=f"one of {', '.join(known)}")
        for name, said in (("--source", source), ("--proof", proof)):
            if len(said) > _LONGEST or not said.isprintable():
                raise ConfigError(f"{name} takes at most {_LONGEST} characters of one line")
        if not source:
            raise ConfigError("a list needs a name", hint='--source "Trade fair Lyon 2026"')
        if self.state == "opt_in" and (not proof or self.basis != "consent"):
            raise ConfigError(
                "an opt-in needs the basis consent, and a proof of where the consent comes from",
                hint='--basis consent --consent opt_in --proof "double opt-in of the fair, 3 May 2026"',
            )
        return replace(self, source=source, proof=proof)

    @property
    def marks(self) -> dict[str, str]:
        """Return what is said of each row of the list."""
        return {
            "_list": self.source,
            "_basis": self.basis,
            "_consent": self.state,
            "_proof": self.proof or f"the list {self.source}",
        }


def open_list(hub: Hub, path: Path, mapping: Path | None, terms: Terms) -> FilesConnector:
    """Return a list as a source of leads; it is read once.

    Args:
        hub: the hub.
        path: a CSV or Excel file.
        mapping: a mapping file for its columns; None: the headers decide.
        terms: checked.

    Raises:
        ConfigError: the file or the mapping file cannot be used.
    """
    region = hub.settings.company.default_region
    with hub.engine.begin() as conn:
        who = known_customers(customers.current(conn))

    def known(stream: str, ids: Sequence[str]) -> frozenset[str]:
        with hub.engine.begin() as conn:
            return present_records.known_ids(conn, SOURCE, stream, ids)

    def marks(stream: str, rows: Sequence[Mapping[str, object]]) -> list[Mapping[str, str]]:
        if stream != _LEADS:
            return [{} for _ in rows]
        with hub.engine.begin() as conn:
            reasons = suppressed(conn, rows, who, region)
        return [terms.marks | ({SUPPRESSED: why} if why else {}) for why in reasons]

    policy = Policy(Mode.ADD, known=known, marks=marks, terms=str(terms))
    return FilesConnector([path], hub.clock, _as_leads(path, mapping), policy)


def _as_leads(path: Path, mapping: Path | None) -> ColumnFile:
    """Return the mapping of columns, under which each table has leads."""
    said = read_columns(mapping) if mapping else ColumnFile({"": TableMapping()})
    tables = {"": TableMapping(), **said.tables}
    if wrong := next((one.kind for one in tables.values() if one.kind not in ("", _LEADS)), ""):
        raise ConfigError(
            f"the mapping file says that the rows are {wrong}, and a list has leads",
            hint=f"hub migrate {path} takes rows of other kinds",
        )
    return ColumnFile({name: replace(one, kind=_LEADS) for name, one in tables.items()})


@dataclass(frozen=True, slots=True)
class Customers:
    """By what a row names a customer.

    Args:
        addresses: of people and companies, as consent keeps them.
        companies: folded names of companies.
        domains: of companies alone.
    """

    addresses: frozenset[str]
    companies: frozenset[str]
    domains: frozenset[str]


def known_customers(found: Sequence[Customer]) -> Customers:
    """Return by what a row names one of these customers."""
    firms = [one for one in found if one.is_company]
    said = [one for firm in firms for one in (firm.website, *firm.contact) if "." in one]
    return Customers(
        frozenset(normal_address(one) for customer in found for one in customer.contact),
        frozenset(name for firm in firms if (name := fold(firm.company))),
        frozenset(domain for one in said if (domain := own_domain(one)) is not None),
    )


def suppressed(
    conn: Connection, rows: Sequence[Mapping[str, object]], known: Customers, region: str
) -> list[str]:
    """Return why each row makes no lead; "" for a row that makes one.

    Args:
        conn: a connection.
        rows: values of rows, as the file has them.
        known: the customers.
        region: ISO country of a number without one.
    """
    addresses = [_addresses(row, region) for row in rows]
    refused = _refused(conn, {one for own in addresses for one in own})
    return [_reason(row, own, refused, known) for row, own in zip(rows, addresses, strict=True)]


def _reason(
    row: Mapping[str, object], own: frozenset[str], refused: frozenset[str], known: Customers
) -> str:
    if own & refused or permissions.is_no(row.get("email_opt_out")):
        return OPTED_OUT
    if own & known.addresses:
        return CUSTOMER
    is_known = fold(_text(row, "company")) in known.companies or _domains(row) & known.domains
    return EMPLOYEE if is_known else ""


def _addresses(row: Mapping[str, object], region: str) -> frozenset[str]:
    """Return the e-mail addresses and numbers of a row, as consent keeps them."""
    mails = [
        normal_address(part)
        for name in ("email", "other_emails")
        for part in _text(row, name).replace(",", ";").split(";")
        if "@" in part
    ]
    numbers = [
        number
        for name in ("phone", "mobile")
        if (said := _text(row, name))
        for number in phones.read(said, region).numbers
    ]
    return frozenset([*mails, *numbers])


def _refused(conn: Connection, addresses: Iterable[str]) -> frozenset[str]:
    """Return the addresses of which a refusal of marketing is in force, on any channel."""
    about = consent_events.events_about(conn, frozenset(addresses))
    return frozenset(
        one.address
        for one in about
        if one.state.is_no and one.purpose == _MARKETING and consent_events.counts(one, about)
    )


def _domains(row: Mapping[str, object]) -> frozenset[str]:
    """Return the domains of a row that belong to one company: no provider of mailboxes is among them."""
    said = (_text(row, name) for name in ("email", "website"))
    return frozenset(found for one in said if one and (found := own_domain(one)) is not None)


def _text(row: Mapping[str, object], name: str) -> str:
    held = row.get(name)
    return held.strip() if isinstance(held, str) else ""
