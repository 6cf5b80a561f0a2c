"""A play on a real hub: each step is done, and the oracle looks whenever the hub is at rest."""

import os
import signal
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NoReturn
from unittest.mock import patch

from sqlalchemy import Connection, Engine, event, text

from hub.actions.activities import activity, task
from hub.actions.batches import undo
from hub.actions.context import Context
from hub.actions.identity import consent, merge, review
from hub.actions.leads import convert, reopen, status
from hub.actions.people import assign
from hub.actions.people.edit import edit
from hub.errors import HubError
from hub.etl import flow, rederive, reprocess
from hub.model.verdicts import Judgement
from hub.undo import chunks
from tests.acting import acting
from tests.flow.conftest import World
from tests.plays import home, present, refolded
from tests.plays.home import Home
from tests.plays.oracle import Oracle
from tests.plays.vendors import SOURCE, SOURCES, Vendors, key_of, kind_of, source_of

WHO = "operator"
_REFUSED = 2
_SYNCS = {"sync", "end"}
Step = list[Any]  # a verb and its arguments, plain JSON


class Crash(BaseException):
    """The machine stops at the border of a transaction: nothing catches it, nothing is cleaned up."""


@contextmanager
def crashing(engine: Engine, after: int | None) -> Iterator[None]:
    """Stop the machine where it would commit for the `after`-th time; None: never."""
    if after is None:
        yield
        return
    left = [after]

    def stop(_conn: Connection) -> None:
        left[0] -= 1
        if left[0] <= 0:
            raise Crash

    event.listen(engine, "commit", stop)
    try:
        yield
    finally:
        event.remove(engine, "commit", stop)


def killed(engine: Engine, after: int, work: Callable[[], object]) -> None:
    """Do the work in a process of its own, which is killed where it would commit.

    Raises:
        Crash: the process was killed.
        HubError: the hub refused the work there.
    """
    child = os.fork()
    if not child:
        _end_as_told(engine, after, work)
    _, told = os.waitpid(child, 0)
    if os.WIFSIGNALED(told):
        raise Crash
    if os.waitstatus_to_exitcode(told) == _REFUSED:
        raise HubError("refused")
    if os.waitstatus_to_exitcode(told):
        raise ChildProcessError("the process broke before it was killed; see its traceback")


def _end_as_told(engine: Engine, after: int, work: Callable[[], object]) -> NoReturn:
    engine.dispose(close=False)  # the connections are the parent's
    status = 1
    try:
        with crashing(engine, after):
            work()
        status = 0
    except Crash:
        os.kill(os.getpid(), signal.SIGKILL)
    except HubError:
        status = _REFUSED
    except BaseException:  # noqa: BLE001 a child never returns into its parent's code
        traceback.print_exc()
    os._exit(status)


@dataclass
class Stage:
    """One play under way.

    Args:
        world: the vendors and the hub.
        kills: a process ends where others have an exception.
        is_sparing: the last sync leaves out the vendors that never had a record.
    """

    world: World
    kills: bool = False
    is_sparing: bool = False
    vendors: Vendors = field(init=False)
    oracle: Oracle = field(default_factory=Oracle)
    is_at_rest: bool = True

    def __post_init__(self) -> None:
        self.vendors = Vendors(self.world)

    def play(self, steps: Sequence[Step]) -> tuple[int, list[str]] | None:
        """Do the steps; returns the number of the first after which something differs, and what."""
        for number, (verb, *arguments) in enumerate([*steps, ["end"]]):
            done: str | None = getattr(self, f"do_{verb}")(*arguments)
            if done is None:
                continue
            if not self.is_at_rest:
                self.oracle.adopt(self.seen())
                continue
            differences = self.oracle.look(
                self.seen(), is_derivation=done == "derivation", is_routed=verb in _SYNCS
            )
            if verb in _SYNCS:
                differences += refolded.differences(self.world.db.engine)
            if differences:
                return number, differences
        return None

    def seen(self) -> Home:
        with self.world.db.engine.begin() as conn:
            return home.read(conn)

    # --- the vendors: nothing happens in the hub yet

    def do_put(self, slot: str, changes: dict[str, Any]) -> str | None:
        if kind_of(slot) == "zt" and changes.get("requester") and not self.vendors.lives(
            changes["requester"]
        ):  # fmt: skip
            return None
        may_say_less = slot in self.vendors.gone or {"subject", "note"} & changes.keys()
        done = self._settle_first(slot) if may_say_less else None
        self.vendors.put(slot, changes)
        return done

    def do_delete(self, slot: str, into: str | None = None) -> str | None:
        if not self.vendors.lives(slot) or (into and not self.vendors.lives(into)):
            return None
        done = self._settle_first(slot)
        self.vendors.end(slot, into)
        return done

    def _settle_first(self, slot: str) -> str | None:
        """Of what ends, the last version that was read counts: let it be the last one."""
        return self.do_sync([source_of(slot)]) if slot in self.vendors.dirty else None

    # --- the hub

    def do_end(self) -> str | None:
        had = {source_of(slot) for slot in self.vendors.state}
        return self.do_sync([s for s in SOURCES if s in had or not self.is_sparing])

    def do_sync(
        self, sources: list[str], crash: int | None = None, full: bool = False
    ) -> str | None:
        try:
            self._until(crash, lambda: flow.sync(self.world.hub, sources, full=full))
        except Crash:
            self._crashed()
            return None
        self.vendors.dirty -= {s for s in self.vendors.dirty if source_of(s) in sources}
        self.is_at_rest = True
        return "vendor"

    def _until(self, crash: int | None, work: Callable[[], object]) -> None:
        engine = self.world.db.engine
        if crash is not None and self.kills:
            killed(engine, crash, work)
            return
        with crashing(engine, crash):
            work()

    def _crashed(self) -> None:
        self.is_at_rest = False
        self.oracle.adopt(self.seen())

    def do_undo(
        self, source: str, crash: int | None = None, arriving: str | None = None
    ) -> str | None:
        """Undo the last sync of a source, object by object.

        Args:
            source: the source.
            crash: the commit at which the undo is killed; it is called again then.
            arriving: a source that is synced between the kill and the second call.
        """
        if not self.is_at_rest:
            return None
        with self.world.db.engine.begin() as conn:
            batch = conn.execute(
                text("SELECT max(id) FROM ops.batch WHERE source = :s AND kind = 'sync'"),
                {"s": source},
            ).scalar()
        try:
            engine = self.world.db.engine
            with patch.object(chunks, "MOST", 1):
                self._until(crash, lambda: undo.undo_batch(engine, acting(WHO), batch or 0))
        except Crash:
            if arriving:
                self.do_sync([arriving])
                self.oracle.adopt(self.seen())
            return self.do_undo(source)
        except HubError:
            return None
        self._forget_withdrawn()
        return "derivation"

    def _forget_withdrawn(self) -> None:
        """A row whose records are all withdrawn does not count as existing."""
        seen = self.seen()
        left = {e for e, anchor in seen.anchors.items() if anchor in present.records(seen.versions)}
        for entities in self.oracle.existing.values():
            entities.intersection_update(left)

    def do_remap(self, slot_kind: str, crash: int | None = None) -> str | None:
        if not self.is_at_rest:
            return None
        try:
            self._until(crash, lambda: reprocess.remap(self.world.hub, *SOURCE[slot_kind]))
        except Crash:
            return self.do_remap(slot_kind)
        except HubError:
            return None
        return "derivation"

    def do_rederive(self, name: str, crash: int | None = None) -> str | None:
        """Derive everything again, as after a change of the rules, by the same rules."""
        if not self.is_at_rest:
            return None
        hub = self.world.hub
        with self.world.db.engine.begin() as conn:
            conn.execute(
                text("UPDATE ops.derivation SET version = 'older' WHERE name = :name"),
                {"name": name},
            )
        try:
            self._until(crash, lambda: rederive.rederive(hub))
        except Crash:
            rederive.rederive(hub)
        return "derivation"

    # --- people

    def do_edit(self, slot: str, name: str, value: Any) -> str | None:
        return self._act(slot, lambda ctx, who: edit(ctx, who, {name: value}))

    def do_status(self, slot: str, to: str, reason: str | None = None) -> str | None:
        def act(ctx: Context, who: str) -> None:
            lead = self._row(ctx.conn, "lead", who)
            status.set_status(ctx, [f"lead/{lead.id}"], to, reason=reason)
            self.oracle.held[lead.entity_id] = (to, reason)

        return self._act(slot, act)

    def do_assign(self, slot: str, to: str) -> str | None:
        def act(ctx: Context, who: str) -> None:
            lead = self._row(ctx.conn, "lead", who)
            given = assign.assign(ctx, "lead", [str(lead.id)], f"{to}@owners.example.com")
            if not given.owners:
                raise _NothingDoneError

        return self._act(slot, act)

    def do_write(self, slot: str, kind: str, words: str) -> str | None:
        def act(ctx: Context, who: str) -> None:
            row = self._row(ctx.conn, "lead", who)
            name = f"lead/{row.id}"
            if kind == "task":
                made = task.add(ctx, {"content": words}, on=name)
            elif kind == "call":
                moment = ctx.clock.now().isoformat()
                made = activity.write(ctx, kind, name, {"summary": words, "made_at": moment})
            else:
                made = activity.write(ctx, kind, name, {"content": words})
            self.oracle.typed[made.kind, made.id] = self._anchor(ctx.conn, row.entity_id)

        return self._act(slot, act)

    def do_correct(self, slot: str) -> str | None:
        """Correct what is said of the e-mail address that a record has at its vendor."""
        address = self.vendors.state.get(slot, {}).get("email")
        if not address:
            return None
        grounds = consent.Grounds("kept by mistake", "a letter")
        about = consent.About(address.lower(), "email", consent.MARKETING)
        try:
            with self.world.db.engine.begin() as conn:
                consent.correct(self._context(conn), [about], grounds)
        except HubError:
            return None
        return "vendor"

    def do_refuse(self, slot: str) -> str | None:
        try:
            with self.world.db.engine.begin() as conn:
                lead = self._row(conn, "lead", key_of(slot))
                name = f"lead/{lead.id}"
                consent.refuse(self._context(conn), name, channel="email", reason="asked to")
        except HubError:
            return None
        return "vendor"

    def do_convert(self, slot: str) -> str | None:
        def act(ctx: Context, who: str) -> None:
            done = convert.convert(ctx, who)
            if done.is_new:
                entity = self._entity(ctx.conn, who)
                self.oracle.converted.add(entity)
                self.oracle.kept.add(entity)
                self.oracle.hired.add(entity)
                self.oracle.existing["contact"].add(entity)

        return self._act(slot, act)

    def do_reopen(self, slot: str) -> str | None:
        def act(ctx: Context, who: str) -> None:
            reopen.reopen(ctx, who)
            entity = self._entity(ctx.conn, who)
            self.oracle.converted.discard(entity)
            self.oracle.kept.discard(entity)
            self.oracle.existing["contact"].discard(entity)

        return self._act(slot, act)

    def do_merge(self, slot: str, other: str) -> str | None:
        return self._identity(
            [slot, other],
            lambda ctx: merge.merge(ctx, key_of(slot), key_of(other)),
        )

    def do_unmerge(self, slot: str) -> str | None:
        return self._identity([slot], lambda ctx: merge.unmerge(ctx, key_of(slot)))

    def do_review(self, number: int, accept: bool) -> str | None:
        with self.world.db.engine.begin() as conn:
            pairs = sorted((p.a, p.b) for p in review.open_pairs(self._context(conn)))
        if not pairs:
            return None
        a, b = pairs[number % len(pairs)]
        judgement = Judgement.SAME if accept else Judgement.DIFFERENT
        return self._identity([], lambda ctx: review.decide(ctx, a, b, judgement), [a, b])

    def _act(self, slot: str, act: Any) -> str | None:
        """Do what a person does to a row, and note that the row was touched."""
        try:
            with self.world.db.engine.begin() as conn:
                act(self._context(conn), key_of(slot))
                entity = self._entity(conn, key_of(slot))
        except HubError:
            return None
        self.oracle.touched.add(entity)
        return "vendor"

    def _identity(self, slots: list[str], act: Any, keys: Sequence[str] = ()) -> str | None:
        if not self.is_at_rest:
            return None
        wanted = [*keys, *map(key_of, slots)]
        try:
            with self.world.db.engine.begin() as conn:
                for key in wanted:
                    self._entity(conn, key)
                act(self._context(conn))
        except HubError:
            return None
        return "derivation"

    @staticmethod
    def _context(conn: Connection) -> Context:
        return acting(WHO)(conn)

    def _row(self, conn: Connection, table: str, key: str) -> Any:
        found = conn.execute(
            text(f"SELECT id, entity_id FROM crm.{table} WHERE entity_id = :e"),
            {"e": self._entity(conn, key)},
        ).one_or_none()
        if found is None:
            raise _AbsentError
        return found

    def _entity(self, conn: Connection, key: str) -> int:
        source, stream, source_id = key.split("/")
        found = conn.execute(
            text(
                "SELECT entity_id FROM ops.source_record WHERE source = :s AND stream = :t AND "
                "source_id = :i AND target = 'person' AND withdrawn_by IS NULL "
                "AND entity_id IS NOT NULL"
            ),
            {"s": source, "t": stream, "i": source_id},
        ).scalar_one_or_none()
        if found is None:
            raise _AbsentError
        return int(found)

    def _anchor(self, conn: Connection, entity: int) -> str:
        return home.read(conn).anchors[entity]


class _NothingDoneError(HubError):
    """The step names the present owner: nothing changes, and the lead counts as untouched."""

    def __init__(self) -> None:
        super().__init__("nothing done")


class _AbsentError(HubError):
    """There is no person of that name: the step does nothing."""

    def __init__(self) -> None:
        super().__init__("nobody")
