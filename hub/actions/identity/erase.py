"""Erase a person permanently, or preview the erasure: the actor needs the right to set up."""

from pathlib import Path

from sqlalchemy import Connection, Engine, text

from hub.actions import lookup, typed
from hub.actions.context import Acting, Context
from hub.actions.rights import Right, require
from hub.erase import erasure, restored
from hub.erase.erasure import Told
from hub.erase.find import find
from hub.erase.person import Person
from hub.erase.receipt import Receipt
from hub.errors import ActionError
from hub.etl import erased_forms
from hub.etl.erased_forms import EMAIL, PHONE, Form
from hub.model.erasure import TombstoneKind
from hub.records import erasure_list, tombstones
from hub.records.erasure_key import read_key, work_file
from hub.records.tombstones import Done, Erasure

_TEAM = text("""SELECT 1 FROM crm."user" WHERE lower(email) = lower(:email)""")


def erase(
    engine: Engine,
    acting: Acting,
    said: str,
    *,
    home: Path,
    region: str,
    told: Told = lambda _name, _rows: None,
) -> Receipt:
    """Erase a person from everywhere, and keep the person out; a killed erasure is finished first.

    Args:
        engine: the hub's database.
        acting: the actor.
        said: an e-mail address, a phone number, or a person: lead/12, contact/5, source/stream/id.
        home: HUB_HOME.
        region: ISO country of a number without one.
        told: called at each step.

    Raises:
        ActionError: there is no such person, several people have the address, a member of the team
            has it, or the actor lacks the right.
        ConfigError: another erasure is under way, or the key cannot be read.
    """
    with engine.begin() as conn:
        ctx = acting(conn)
        require(ctx, Right.SET_UP)
    erasure.resume(engine, home, told)
    with engine.begin() as conn:
        person = _person(conn, said, home=home, region=region)
    return erasure.erase(engine, home, ctx.who, person, ctx.clock.now(), told=told)


def preview_erase(engine: Engine, acting: Acting, said: str, *, home: Path, region: str) -> Receipt:
    """Return what erasing a person would do; nothing is changed.

    Raises:
        ActionError: as for `erase`.
    """
    with engine.begin() as conn:
        ctx = acting(conn)
        require(ctx, Right.SET_UP)
        person = _person(conn, said, home=home, region=region)
    return erasure.preview(engine, home, ctx.who, person, ctx.clock.now())


def resume_erase(engine: Engine, acting: Acting, *, home: Path) -> Receipt:
    """Finish an erasure that was killed.

    Raises:
        ActionError: the actor lacks the right, or none was killed.
    """
    with engine.begin() as conn:
        require(acting(conn), Right.SET_UP)
    receipt = erasure.resume(engine, home)
    if receipt is None:
        raise ActionError(
            "no interrupted erasure exists",
            resource="person",
            code="not_found",
            hint="hub erase --list shows the erasures",
        )
    return receipt


def is_under_way(home: Path) -> bool:
    """Tell whether an erasure has begun and not ended."""
    return work_file(home).exists()


def has_erased(home: Path) -> bool:
    """Tell whether a hub has erased people; the database is not asked."""
    return erasure_list.list_file(home).exists()


def erase_again(engine: Engine, acting: Acting, *, home: Path) -> list[Receipt]:
    """Continue a killed erasure, and erase the people again that a restored backup contains.

    Returns:
        The receipts of the people who were there.

    Raises:
        ActionError: the actor lacks the right.
        ConfigError: the key or the list is damaged or missing.
    """
    if not has_erased(home):
        return []
    with engine.begin() as conn:
        ctx = acting(conn)
        require(ctx, Right.SET_UP)
    left = erasure.resume(engine, home)
    receipts = restored.erase_again(engine, home, ctx.who, ctx.clock.now())
    return receipts if left is None else [left, *receipts]


def erasures(ctx: Context) -> list[Erasure]:
    """Return what was erased, the latest first: numbers, moments, and how many records were kept out.

    Raises:
        ActionError: the actor lacks the right.
    """
    require(ctx, Right.SET_UP)
    return tombstones.erasures(ctx.conn)


def _person(conn: Connection, said: str, *, home: Path, region: str) -> Person:
    if "/" in said and "@" not in said:
        entity = lookup.find(conn, said).root_id
        found = find(conn, entities=[entity], was_shared=erasure.was_shared(conn, home))
    else:
        form = form_of(said, region)
        if form[0] == EMAIL and conn.execute(_TEAM, {"email": said.strip()}).first():
            raise ActionError(
                "this is the address of a user of the hub",
                resource="user",
                code="invalid",
                hint="remove the user from `people:` in hub.yaml; hub erase is for people in the CRM",
            )
        found = find(conn, forms=[form], was_shared=erasure.was_shared(conn, home))
        if found is None:
            raise _unknown(conn, form, home)
    if found is None:
        raise ActionError("there is no such person", resource="person", code="not_found")
    return found


def form_of(said: str, region: str) -> Form:
    """Return the normal form of an address or a number as a person types it.

    Raises:
        ActionError: it is neither.
    """
    kind = EMAIL if "@" in said else PHONE
    try:
        read = typed.canonical("lead", {kind: said}, region=region).get(kind)
    except ActionError as exc:
        raise _no_address() from exc
    text = read if isinstance(read, str) else ""
    form = erased_forms.email_form(text) if kind == EMAIL else erased_forms.phone_form(text)
    if not form:
        raise _no_address()
    return kind, form


def _no_address() -> ActionError:
    return ActionError(
        "this is neither an e-mail address nor a phone number",
        resource="person",
        code="invalid",
        hint="hub erase lea@example.com, hub erase +33612345678, or hub erase lead/12",
    )


def erasure_of(conn: Connection, form: Form, home: Path) -> Done | None:
    """Return the erasure of an address or a number; None where it was never erased.

    Raises:
        ConfigError: the key cannot be read.
    """
    key_id = tombstones.key_in_use(conn)
    if key_id is None:
        return None
    digest = read_key(home, key_id).digest(TombstoneKind(form[0]), form[1])
    return tombstones.erasure_of(conn, [digest])


def _unknown(conn: Connection, form: Form, home: Path) -> ActionError:
    """Return the error of an address that no record has: never, or not since an erasure."""
    before = erasure_of(conn, form, home)
    if before is not None:
        return ActionError(
            f"no record has this address any more: erased before (erasure {before.id})",
            resource="person",
            code="not_found",
            hint="hub erase --list shows the erasures",
        )
    return ActionError(
        "no person and no record has this address or number",
        resource="person",
        code="not_found",
        hint="hub erase lead/12 erases a person without an address",
    )
