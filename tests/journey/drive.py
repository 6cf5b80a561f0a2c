"""One migration of a whole org, killed, shaken by faults and continued; then checked, repeated, taken back.

Everything is done by processes of `hub`, as an operator types them. The way is the same for a small org
and for a whole one. `Journey.go` returns what was wrong; nothing stops at the first fault.
"""

import json
import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import yaml
from sqlalchemy import Engine, text

from hub.clock import SystemClock
from hub.db.engine import open_database
from hub.settings import load
from tests.journey.figures import Meter
from tests.journey.rows import Crm, every_object_once, wrong
from tests.journey.ways import Way
from tests.processes import House, SandboxProcess

KILLED_AT = (0.4, 0.8)
"""Shares of the records that are read when the process is killed."""
STORMS = ("rate_limit", "server_errors", "server_errors,token_expiry")
"""Faults of the vendor: before the first kill, until the second, and then."""
BLOCKED = ("ops.source_record", "crm.task")
"""Tables at which the stages are killed: while they map, and while they load activities."""
_PATIENCE_S = 1_800
_SETTLED_S = 90.0
"""Vendor seconds after which a sync sees a change."""
_LOOK_S = 0.01
_TRIES = 8
_TURNS = ("member", "distribution_group")
_OF_SETTINGS = ('crm."user"', 'crm."member"', 'crm."distribution_group"')
"""Every command writes the people and groups of hub.yaml again, so their rows get new versions."""
_TABLES = text(
    "SELECT table_name FROM information_schema.tables "
    "WHERE table_schema = 'crm' AND table_type = 'BASE TABLE' ORDER BY 1"
)
_WAITS = text(
    "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = CAST(:name AS regclass)"
)
_CONTENT, _VERSION = "t::text", "t.ctid::text || '/' || t.xmin::text"
Dump = Mapping[str, Sequence[str]]
Say = Callable[[str], None]


@dataclass
class Journey:
    """The way of one org.

    Args:
        way: what is particular to the vendor.
        made: a house with a migrated database, whose server runs.
        sandbox: the vendors.
        settings: of the source in hub.yaml, beside its address.
        say: told what was done.
        is_measured: each command is a new interpreter, and what it costs is kept. Else only those that
            are killed are: the others take two seconds less.
    """

    way: Way
    made: House
    sandbox: SandboxProcess
    settings: Mapping[str, Any]
    say: Say = lambda _: None
    is_measured: bool = True
    faults: list[str] = field(default_factory=list)
    kills: list[str] = field(default_factory=list)
    waits_s: list[float] = field(default_factory=list)
    calm_s: float = 0.0

    def go(self) -> Sequence[str]:
        """Make the whole journey; returns what was wrong."""
        self._furnish()
        settings = load(self.made.config, {**self.made.env, "HUB_HOME": str(self.made.home)})
        postmaster = self.made.postmaster()
        assert postmaster is not None
        self.meter = Meter(postmaster)
        self.org = self.way.org.of(self.sandbox)
        with open_database(settings, SystemClock()) as database, ThreadPoolExecutor(4) as pool:
            self.engine: Engine = database.engine
            self.pool = pool
            self._base()
            before, told = self._dump(), self._told()
            planned = self._read_and_try()
            self._is("a dry run changes nothing", self._dump() == before)
            real = self._apply(planned["batch"])
            self._account_for(planned, real)
            self._is("no instant notice", not (self._told() - told), self._told() - told)
            self._follow()
            self._again()
            self._undo(before)
        return self.faults

    def _furnish(self) -> None:
        way, other = self.way, self.way.other
        self.sandbox.furnish(self.made, sources=(way.source, other.source))
        document = yaml.safe_load(self.made.config.read_text())
        document["sources"][way.source] |= {**way.settings, **self.settings}
        document["sources"][other.source] |= dict(other.settings)
        self.made.config.write_text(yaml.safe_dump(document, sort_keys=False))

    def _base(self) -> None:
        """Fill the hub with three leads of another source; two of them are people of the org."""
        for first, last, email in self.way.known(self.org):
            self._arrive(first, last, email)
        self._sync(self.way.other.source)
        self.calm_s = self._live(0)

    def _read_and_try(self) -> dict[str, Any]:
        """Read the source and rehearse, killed twice; returns the document of the last call."""
        for share, storm in zip(KILLED_AT, STORMS[:2], strict=True):
            self._storm(storm)
            self._kill_reading(share)
            self.way.while_reading(self.org, self.sandbox, share)
        self._storm(STORMS[2])
        done = self._until_read()
        self._storm("")
        said = self.sandbox.ask("GET", "/requests")[self.way.source]["status"]
        met = {
            what: any(status.startswith(one) for status in said)
            for what, one in self.way.storms_met.items()
        }
        self._is("the storms were met", all(met.values()), met)
        self._is("everything is read and the ledger of the plan adds up", done["holds"])
        known = self.org.changed | self.org.created
        self.way.before_applying(self.org, self.sandbox)
        self.late = (self.org.changed | self.org.created) - known
        return done

    def _until_read(self) -> dict[str, Any]:
        """Repeat the command, as an operator does, until no range is missing."""
        done: dict[str, Any] = {}
        for _ in range(_TRIES):
            done = self._finished("dry run, continued", "migrate", self.way.source, "--dry-run")
            if all(one["state"] == "proven" for one in done["ranges"]):
                return done
            self.say("not everything could be read; the same command again")
        self.faults.append("the storm was not over after many calls")
        return done

    def _kill_reading(self, share: float) -> None:
        """Kill the command when that share of the source is read."""
        name = f"dry run, killed at {share:.0%} of the reading"
        before, _ = self._progress()

        def is_due() -> bool:
            read, expected = self._progress()
            return bool(expected) and read >= share * expected and read != before

        self._kill(name, is_due, "migrate", self.way.source, "--dry-run")
        read, expected = self._progress()
        self.kills.append(f"{read:,} of {expected:,} records read")
        self._is(f"the kill came while it read, at {read} of {expected}", read < expected)

    def _progress(self) -> tuple[int, int]:
        """Return how many records are read, and how many there are by the vendor's count."""
        (row,) = self._rows(
            "SELECT (SELECT count(*) FROM landing.planned) AS read, (SELECT coalesce(sum(planned_n), 0)"
            " FROM ops.migration_range JOIN ops.migration m USING (batch_id) WHERE m.planned_at "
            "IS NOT NULL) AS expected"
        )
        return int(row.read), int(row.expected)

    def _apply(self, batch: int) -> dict[str, Any]:
        """Load the plan, killed twice in the stages; live leads arrive while the last call works."""
        for table in BLOCKED:
            with self._blocked(table) as is_waited_for:
                self._kill(
                    f"apply, killed as it wrote {table}",
                    is_waited_for,
                    "migrate",
                    "--apply",
                    str(batch),
                )
        self.kills += [f"writing {table}" for table in BLOCKED]
        work = self.pool.submit(
            self._finished, "apply, continued", "migrate", "--apply", str(batch)
        )
        for number in range(1, 1_000):
            self.waits_s.append(self._live(number))
            if work.done():
                break
        return work.result()

    @contextmanager
    def _blocked(self, table: str) -> Iterator[Callable[[], bool]]:
        """Let no process write a table; yields whether one waits for it."""
        with self.engine.connect() as conn:
            conn.execute(text(f"LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE"))  # our own name
            with self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as other:
                yield lambda: bool(other.execute(_WAITS, {"name": table}).scalar_one())
            conn.rollback()

    def _account_for(self, planned: Mapping[str, Any], real: Mapping[str, Any]) -> None:
        """Compare the plan with the result, the ledger with the vendor, the rows with its data."""
        self._is("the ledger adds up", real["holds"], real["ledger"])
        self._is(
            "the run differs from the plan nowhere",
            not real["differences"],
            real["differences"][:5],
        )
        for said in _unlike(planned["records"], real["records"]):
            self.faults.append(f"dry run = real run: {said}")
        streams = {one["stream"]: one for one in real["ledger"]}
        for stream in self.org.streams:
            n = sum(streams[stream]["verdicts"].values())
            wanted = len(self.org.ids(stream) - self.org.new(stream))
            self._is(f"{stream}: as many verdicts as objects", n == wanted, (n, wanted))
        with self.engine.begin() as conn:
            self.faults += every_object_once(Crm(conn, self.way.source), self.org, planned["batch"])
            orphans = conn.execute(text(
                "SELECT count(*) FROM crm.deal d LEFT JOIN crm.contact c ON c.id = d.contact_id "
                "WHERE c.id IS NULL OR c.archived_at IS NOT NULL"
            )).scalar_one()  # fmt: skip
        self._is("no deal is without a contact", orphans == 0, orphans)
        proof = self.made.document("reconcile", str(planned["batch"]))
        self._is("the proof adds up", all(one["holds"] for one in proof["streams"]))

    def _follow(self) -> None:
        """Sync what changed meanwhile; then all must be as at the vendor, and nothing is left to sync."""
        time.sleep(_SETTLED_S / float(self.sandbox.said["time_scale"]))
        landed = self._landed()
        self._sync(self.way.source)
        later = self._landed() - landed
        self._is("each change arrived once", set(later.values()) <= {1}, later)
        self._is("each change arrived", self.late <= later.keys(), self.late - later.keys())
        with self.engine.begin() as conn:
            self.faults += wrong(conn, self.org, self.way.checks)
        print_of = self._fingerprint()
        self._sync(self.way.source)
        self._same("a second sync writes nothing", print_of)

    def _landed(self) -> Counter[tuple[str, str]]:
        """Count the versions of each object that the hub has."""
        rows = self._rows(
            "SELECT stream, source_id, count(*) AS n FROM landing.raw WHERE source = :s GROUP BY 1, 2",
            s=self.way.source,
        )
        return Counter({(row.stream, row.source_id): row.n for row in rows})

    def _again(self) -> None:
        """Migrate the source a second time: nothing is written."""
        print_of = self._fingerprint()
        done = self._finished("second migration", "migrate", self.way.source)
        self._is("the second migration adds up", done["holds"])
        verdicts = {v for one in done["ledger"] for v in one["verdicts"]}
        self._is("the second migration finds nothing new", verdicts == {"unchanged"}, verdicts)
        self._same("the second migration writes nothing", print_of)

    def _undo(self, before: Dump) -> None:
        """Take all batches back but the first, the newest first; the CRM is as it was."""
        rows = self._rows("SELECT id, kind, source FROM ops.batch WHERE id > :b AND kind IN "
                          "('sync', 'migrate') AND state NOT IN ('undone') ORDER BY id DESC",
                          b=self.base)  # fmt: skip
        for row in rows:
            done = self._finished(f"undo of the {row.kind} of {row.source}", "undo", str(row.id))
            for pile in ("edited", "blocked"):
                if done.get(pile):
                    self.say(f"undo {row.id}, {pile}: {len(done[pile])}")
        now = self._dump()
        for table, rows_before in before.items():
            if table not in _TURNS and now[table] != rows_before:
                more, less = set(now[table]) - set(rows_before), set(rows_before) - set(now[table])
                self.faults.append(
                    f"undo: crm.{table} has {sorted(more)[:2]} and lacks {sorted(less)[:2]}"
                )

    # what a step needs

    def _storm(self, faults: str) -> None:
        self.sandbox.ask("PUT", "/faults", {"faults": faults})

    def _arrive(
        self, first: str, last: str, email: str, owner: Mapping[str, Any] | None = None
    ) -> str:
        """Let a lead arrive at the other source; returns its id there."""
        other = self.way.other
        values = dict(other.lead(first, last, email, owner))
        event = {"op": "create", "source": other.source, "stream": other.stream, "values": values}
        return str(self.sandbox.ask("POST", "/events", event)["id"])

    def _live(self, number: int) -> float:
        """Let a lead arrive at another source; returns the seconds from its landing to its owner."""
        owner = next(one for one in self.org.users if one["active"])
        # with an owner, it takes no turn of the planned leads
        email = f"live{number}@stranger{number}.example"
        id_ = self._arrive("Live", f"Stranger {number}", email, owner)
        time.sleep(2 / float(self.sandbox.said["time_scale"]) + 0.05)
        work = self.pool.submit(self.made.run, "sync", self.way.other.source, timeout=_PATIENCE_S)
        landed = self._when(
            work, "SELECT 1 FROM landing.raw WHERE source = :s AND source_id = :i", id_
        )
        owned = self._when(
            work,
            "SELECT 1 FROM ops.source_record r JOIN crm.lead l USING (entity_id) WHERE r.source = :s "
            "AND r.source_id = :i AND l.owner_id IS NOT NULL", id_,
        )  # fmt: skip
        work.result()
        if number == 0:
            (row,) = self._rows("SELECT max(id) AS id FROM ops.batch")
            self.base = int(row.id)
        return owned - landed

    def _when(self, work: Future[Any], sql: str, id_: str) -> float:
        """Return when a query first finds something."""
        while True:
            is_over = work.done()
            if self._rows(sql, s=self.way.other.source, i=id_):
                return time.monotonic()
            assert not is_over, f"the lead {id_} did not arrive: {work.result()}"
            time.sleep(_LOOK_S)

    def _sync(self, source: str) -> None:
        done = self._finished(f"sync of {source}", "sync", source)
        self._is(f"the sync of {source} adds up", all(one["holds"] for one in done["ledgers"]))

    def _finished(self, name: str, *command: str) -> dict[str, Any]:
        """Run a command to its end; returns its document."""
        began = time.monotonic()
        if self.is_measured:
            process = self.made.start(*command, "--json")
            with self.meter.step(name, process.pid):
                out, err = process.communicate(timeout=_PATIENCE_S)
            code = process.returncode
        else:
            done = self.made.run(*command, "--json", timeout=_PATIENCE_S)
            out, err, code = done.stdout, done.stderr, done.returncode
        self.say(f"{name}: exit code {code}, {time.monotonic() - began:.1f} s")
        assert out, err
        assert "Traceback" not in err, err
        document: dict[str, Any] = json.loads(out)
        return document

    def _kill(self, name: str, is_due: Callable[[], bool], *command: str) -> None:
        """Run a command and kill -9 it when it is due."""
        process = self.made.start(*command)
        ended = self.pool.submit(process.communicate)
        with self.meter.step(name, process.pid):
            while not is_due():
                assert process.poll() is None, f"{name}: it ended before: {ended.result()}"
                time.sleep(_LOOK_S)
            os.kill(process.pid, signal.SIGKILL)
            ended.result(timeout=60)
        self._is(f"{name}: it was killed", process.returncode == -signal.SIGKILL)
        self.say(name)

    def _told(self) -> Counter[str]:
        """Count the notices but digests, and those about the live leads of the journey."""
        rows = self._rows(
            "SELECT o.event, count(*) AS n FROM ops.outbox o LEFT JOIN crm.lead l ON l.id = o.lead_id "
            "WHERE o.event <> 'leads_digest' AND coalesce(l.last_name, '') NOT LIKE 'Stranger%' "
            "GROUP BY 1"
        )
        return Counter({row.event: row.n for row in rows})

    def _dump(self) -> Dump:
        """Return every row of schema crm, as text."""
        with self.engine.begin() as conn:
            tables = list(conn.execute(_TABLES).scalars())
            return {
                table: sorted(conn.execute(text(f'SELECT t::text FROM crm."{table}" t')).scalars())
                for table in tables
            }

    def _fingerprint(self) -> dict[str, Any]:
        """Return of each table what any write to it would change: number and versions of its rows."""
        with self.engine.begin() as conn:
            names = [f'crm."{table}"' for table in conn.execute(_TABLES).scalars()]
            return {
                name: tuple(conn.execute(text(
                    "SELECT count(*), sum(hashtextextended("
                    f"{_CONTENT if name in _OF_SETTINGS else _VERSION}, 0)) FROM {name} t"
                )).one())
                for name in [*names, "landing.raw", "ops.source_record", "ops.entity"]
            }  # fmt: skip

    def _same(self, what: str, before: Mapping[str, Any]) -> None:
        """Compare the tables with what they were."""
        now = self._fingerprint()
        changed = {name: (before[name], now[name]) for name in now if now[name] != before[name]}
        self._is(what, not changed, changed)

    def _rows(self, sql: str, **values: Any) -> Sequence[Any]:
        with self.engine.begin() as conn:
            return conn.execute(text(sql), values).all()

    def _is(self, what: str, holds: bool, *facts: object) -> None:  # a claim
        if not holds:
            self.faults.append(f"{what}: not so {' '.join(str(one) for one in facts)}"[:2_000])


def _unlike(
    planned: Sequence[Mapping[str, Any]], real: Sequence[Mapping[str, Any]]
) -> Iterator[str]:
    """Yield the objects whose plan and result differ, by the documents that the commands printed."""
    there = {(one["stream"], one["source_id"]): one for one in real}
    plan = {(one["stream"], one["source_id"]): one for one in planned}
    if plan.keys() != there.keys():
        yield f"the plan has {len(plan)} objects, the run {len(there)}"
    for key, one in plan.items():
        other = there.get(key, one)
        for what in ("verdict", "kind", "owner"):
            if one[what] != other[what]:
                yield f"{key}: {what} {one[what]!r}, then {other[what]!r}"
        then = {name: change[1] for name, change in one["fields"].items()}
        now = {name: other["fields"].get(name, (None, None))[1] for name in then}
        if then != now:
            odd = {name for name in then if then[name] != now[name]}
            yield f"{key}: {[(name, then[name], now[name]) for name in sorted(odd)]}"
