"""Zendesk Sell to the core: every value of the account is found there, and an undo leaves nothing.

What is not there as it was at Sell is listed here, each with the reason.
"""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from hub.clock import SystemClock
from hub.db.engine import open_database
from hub.settings import load
from tests.journey.rows import Crm
from tests.processes import House, house, sandbox_process
from tests.sell_account import UNIVERSE

Values = Mapping[str, Any]
# an id of a list, or of another record: the core has the name, or the row itself
NAMES = {
    "source_id": ("lead_sources", "deal_sources"),
    "unqualified_reason_id": ("lead_unqualified_reasons", "deal_unqualified_reasons"),
    "loss_reason_id": ("loss_reasons",),
    "outcome_id": ("call_outcomes", "visit_outcomes"),
    "stage_id": ("stages",),
    "collaborator_id": ("users",),
    "creator_id": ("users",),
    "user_id": ("users",),
    "last_stage_change_by_id": ("users",),
    "owner_id": ("users",),
}
# a field and why the core has no such value
LEFT = {
    "updated_at": "the time of the last change is of the record at Sell; ops.source_record keeps it",
    "resource_type": "which kind of record an activity is on follows from the record",
    "product_id": "there are no products; a line item has the name and the code of its product",
    "price": "the price of the product; the line item has its own value",
}
# of these booleans the core has a column of another name
FLAGS = {"hot": "is_hot", "incoming": "is_incoming", "missed": "is_missed"}
MAPPED = (
    "leads", "contacts", "deals", "tasks", "notes", "calls", "visits", "text_messages", "orders",
    "documents", "collaborations", "associated_contacts", "line_items", "lead_conversions",
)  # fmt: skip


def word(value: Any) -> str:
    """Return a value as a text that is the same for all ways to write it."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    text = str(value).strip()
    try:
        return str(Decimal(text).normalize())
    except InvalidOperation:
        pass
    try:
        at = datetime.fromisoformat(text) if "T" in text else None
    except ValueError:
        at = None
    return at.astimezone(UTC).isoformat() if at else text.casefold()


def leaves(value: Any) -> Iterator[Any]:
    """Yield the values inside lists and objects; of a choice its name alone."""
    if isinstance(value, Mapping):
        inner = [value["name"]] if value.keys() == {"id", "name"} else value.values()
        for one in inner:
            yield from leaves(one)
    elif isinstance(value, list):
        for one in value:
            yield from leaves(one)
    elif value not in {None, "", False}:
        yield value


class Core:
    """What the core has of each object of Sell.

    Args:
        conn: an open transaction.
        truth: the account, by stream and id.
    """

    def __init__(self, conn: Connection, truth: Mapping[tuple[str, str], Values]) -> None:
        self.crm, self.truth = Crm(conn, "sell"), truth
        self.stages = {row["id"]: row["name"] for row in self.crm.all("SELECT * FROM crm.stage")}
        self.reasons = {row["id"]: row["name"] for row in self.crm.all("SELECT * FROM crm.reason")}
        self.outcomes = {
            row["id"]: row["name"] for row in self.crm.all("SELECT * FROM crm.outcome")
        }

    def row(self, stream: str, id_: str) -> dict[str, Any] | None:
        """Return the row of an object."""
        if stream == "associated_contacts":
            values = self.truth[stream, id_]
            deal, contact = self.crm.deals[str(values["deal_id"])], values["contact_id"]
            found = self.crm.all(
                "SELECT * FROM crm.deal_contact WHERE deal_id = :d AND contact_id = :c",
                d=deal["id"], c=self.crm.contact_id("contacts", str(contact)),
            )  # fmt: skip
            return {**found[0], "of": [values["deal_id"], contact]} if found else None
        if stream == "line_items":
            return self.row("orders", str(self.truth[stream, id_]["order_id"]))
        if stream == "lead_conversions":
            return self._conversion(self.truth[stream, id_])
        if stream in {"leads", "contacts"}:
            return self.crm.row(stream, id_)
        return self.crm.deals.get(id_) if stream == "deals" else self.crm.activities.get(id_)

    def _conversion(self, values: Values) -> dict[str, Any] | None:
        lead = self.crm.row("leads", str(values["lead_id"]))
        found = self.crm.all(
            "SELECT c.*, l.converted_at FROM crm.conversion c JOIN crm.lead l ON l.id = c.lead_id "
            "WHERE c.lead_id = :l",
            l=lead["id"] if lead else 0,
        )
        if not found:
            return None
        one = found[0]
        is_right = (
            one["person_id"] == self.crm.contact_id("contacts", str(values["individual_id"]))
            and one["company_id"] == self.crm.contact_id("contacts", str(values["organization_id"]))
            and one["deal_id"] == self.crm.deals[str(values["deal_id"])]["id"]
        )
        ids = [values[key] for key in ("lead_id", "individual_id", "organization_id", "deal_id")]
        return {**one, "of": ids if is_right else []}

    def words(self, stream: str, row: Mapping[str, Any]) -> set[str]:
        """Return all that a row says, with the names of what it names and the ids of what it is on."""
        said = [*leaves({k: v for k, v in row.items() if k not in {"id", "entity_id", "deal_id"}})]
        said += [self.stages.get(row.get("stage_id")), self.outcomes.get(row.get("outcome_id"))]
        said += [self.reasons.get(row.get(f"{one}_reason_id")) for one in ("loss", "unqualified")]
        said.append(self.crm.email(row.get("owner_id")))
        entities = {row.get("entity_id")} | {
            row_["entity_id"]
            for row_ in self.crm.contacts.values()
            if row_["id"]
            in {
                row.get(one) for one in ("contact_id", "organization_id", "company_id", "parent_id")
            }
        }
        said += [i for (_, i), entity in self.crm.entities.items() if entity in entities]
        said += [i for i, deal in self.crm.deals.items() if deal["id"] == row.get("deal_id")]
        if stream == "deals":
            moves = self.crm.all(
                "SELECT who, at FROM crm.stage_transition WHERE deal_id = :d", d=row["id"]
            )
            said += [value for move in moves for value in move.values()]
        whole = " ".join(str(one) for one in said if one is not None).casefold()
        return {word(one) for one in said if one is not None} | {whole}


def is_found(core: Core, stream: str, id_: str, name: str, value: Any) -> bool:
    """Tell whether the core has a value of an object."""
    row = core.row(stream, id_)
    if row is None:
        return False
    if name in FLAGS or isinstance(value, bool):
        return name == "completed" or bool(row.get(FLAGS.get(name, name))) == value
    wanted = [value]
    if name in NAMES:
        named = [core.truth.get((of, str(value))) for of in NAMES[name]]
        wanted = [
            one
            for values in named
            if values
            for one in (values.get("name"), values.get("email"))
            if one
        ]
    if stream == "leads" and name == "status" and row["status"] == "converted":
        wanted = ["converted"]
    if name == "size":  # of a file, in a sentence
        wanted = [f"{value} bytes"]
    if name == "country":
        wanted = [value, row.get("country")]
    words = core.words(stream, row)
    whole = max(words, key=len)
    return any(word(one) in words or _is_said(str(one).casefold(), whole) for one in wanted)


def _is_said(words: str, whole: str) -> bool:
    """Tell whether words stand in a text, and are no part of a longer word or number."""
    return re.search(rf"(?<![\w.]){re.escape(words)}(?![\w])", whole) is not None


def differences(core: Core) -> Iterator[str]:
    """Yield each value of the account that the core has not."""
    for (stream, id_), values in core.truth.items():
        for name, value in values.items():
            if stream not in MAPPED or name in LEFT:
                continue
            if name == "owner_id" and core.truth["users", str(value)].get("status") == "inactive":
                continue  # a lead of an inactive user goes to the fallback of routing
            flat = (
                value
                if isinstance(value, Mapping) and value.keys() != {"id", "name"}
                else {name: value}
            )
            for key, one in flat.items():
                own = [one] if isinstance(one, bool) else list(leaves(one))
                for leaf in own:
                    if not is_found(core, stream, id_, key, leaf):
                        yield f"{stream} {id_}: {key} is {leaf!r}, and is not in the core"


def test_every_value_of_the_account_is_in_the_core(tmp_path: Path) -> None:
    universe = tmp_path / "universe.json"
    universe.write_text(json.dumps(UNIVERSE))
    with (
        sandbox_process("--universe", str(universe), "--time-scale", "100") as sandbox,
        house(migrated=True) as made,
        made.served(),
    ):
        sandbox.furnish(made, sources=["sell"])
        made.document("migrate", "sell", "--dry-run")
        applied = made.document("migrate", "--apply", "1")
        assert applied["holds"]
        told = sandbox.ask("GET", "/truth?source=sell")["records"]
        truth = {(one["stream"], str(one["id"])): one["values"] for one in told}
        with opened(made) as database, database.engine.begin() as conn:
            wrong = list(differences(Core(conn, truth)))
        assert not wrong, "\n".join(wrong)
        again = made.document("migrate", "sell")
        assert {one for ledger in again["ledger"] for one in ledger["verdicts"]} == {"unchanged"}
        for batch in (again["batch"], applied["batch"]):
            made.document("undo", str(batch))
        with opened(made) as database, database.engine.begin() as conn:
            for table in ("lead", "contact", "deal", "task", "call", "visit", "message", "note"):
                left = conn.exec_driver_sql(f"SELECT count(*) FROM crm.{table}").scalar()
                assert left == 0, f"{left} rows of {table} are left"


def opened(made: House) -> Any:
    """Open the database of a house."""
    settings = load(made.config, {**made.env, "HUB_HOME": str(made.home)})
    return open_database(settings, SystemClock())
