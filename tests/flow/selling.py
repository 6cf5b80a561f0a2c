"""The start of tests of the sales process: contacts of a source, and their deals."""

from typing import Any

from hub.actions.deals import deal as actions
from hub.actions.deals.move_deal import Moved, move
from hub.actions.setup import custom_field
from hub.crm.custom_fields import CustomField
from hub.etl import flow
from tests.acting import done
from tests.flow.conftest import World, hubspot_contact

WHO = "operator"


def act(world: World, verb: Any, *arguments: Any, **named: Any) -> Any:
    """Do one thing in a transaction of its own."""
    with world.db.engine.begin() as conn:
        return done(conn, verb, *arguments, **named)


def add_customers(world: World, *names: str) -> list[int]:
    """Let a source bring people who are contacts; returns their numbers."""
    known = len(world.vendors["hubspot"].objects.get("contacts", ()))
    world.add(
        "hubspot", "contacts",
        *(hubspot_contact(n, lifecyclestage="customer", lastname=name,
                          email=f"{name.lower()}@{name.lower()}.example.com")
          for n, name in enumerate(names, known + 1)),
    )  # fmt: skip
    assert flow.sync(world.hub, ["hubspot"]).holds
    found = {row.last_name: row.id for row in world.rows("SELECT id, last_name FROM crm.contact")}
    return [found[name] for name in names]


def add_deal(world: World, contact: int, name: str = "100 seats", **more: Any) -> str:
    """Add a deal of a contact; returns its number as a command takes it."""
    values = more.pop("values", {})
    new = actions.NewDeal(name, f"contact/{contact}", "EUR", values=values, **more)
    return str(act(world, actions.add, WHO, new))


def go(world: World, deal: str, stage: str, **more: Any) -> Moved:
    """Move a deal."""
    moved: Moved = act(world, move, WHO, deal, stage, **more)
    return moved


def define(world: World, object_: str, **types: str) -> None:
    """Define custom fields by key and type."""
    for key, type_ in types.items():
        act(world, custom_field.add, WHO, CustomField(object_, key, key.title(), type_))


def deal_row(world: World, deal: str) -> Any:
    """The deal as BI tools read it."""
    (row,) = world.rows("SELECT * FROM reporting.deals WHERE id = :id", id=int(deal))
    return row
