"""Erase a person, step by step; a killed erasure continues when it is called again.

    find → key, list and file under way → tombstones and batch → remove → mentions → files → look → close

After the tombstones are stored, no source can restore the person. `remove` is one transaction,
under the locks of identity and companies; it waits until no sync of any source runs. Mentions are
taken out in chunks. At the end all tables are searched again: the receipt lists what is left.
"""

import secrets
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path

from sqlalchemy import Connection, Engine, text

from hub.db.locks import company_lock, identity_lock, only_one, source_locks
from hub.db.transactions import run_transaction
from hub.erase import consents, files, rows, take_out, work
from hub.erase.mentions import mentions_of
from hub.erase.patterns import any_of
from hub.erase.person import Person
from hub.erase.places import places
from hub.erase.receipt import Receipt
from hub.erase.take_out import by_table
from hub.erase.tied import tied
from hub.erase.work import Work
from hub.errors import ConfigError
from hub.etl import load
from hub.etl.erased_forms import Form
from hub.logs import get_logger
from hub.model.erasure import ErasureKey, TombstoneKind
from hub.records import batches, erased_objects, erasure_list, tombstones
from hub.records.erasure_key import make_key, read_key
from hub.records.tombstones import Tombstone

log = get_logger()
Told = Callable[[str, int], None]
"""Called after each step: its name, and the rows."""
_SOURCES = text("SELECT DISTINCT source FROM ops.batch WHERE kind <> 'erase' ORDER BY source")


def _silent(_name: str, _rows: int) -> None:
    return


def was_shared(conn: Connection, home: Path) -> Callable[[Form], bool]:
    """Return a check whether an address was shared with a person who is erased by now."""
    key_id = tombstones.key_in_use(conn)
    if key_id is None:
        return lambda _form: False
    key = read_key(home, key_id)

    def asked(form: Form) -> bool:
        return bool(tombstones.known(conn, [key.digest(TombstoneKind.SHARED, *form)]))

    return asked


def preview(engine: Engine, home: Path, who: str, person: Person, at: datetime) -> Receipt:
    """Return what erasing a person would do; nothing is changed."""
    with engine.begin() as conn:
        ids = tied(conn, person)
        wanted = mentions_of(conn, person)
        removed = rows.count(conn, ids)
        own = partial(rows.own_rows, ids=ids, objects=person.objects)
        said = take_out.count(conn, places(conn, wanted, ids), own)
        digests = person.digests(_any_key(home))
    found = files.rewrite(home, any_of(wanted.anywhere), dry_run=True)
    return Receipt(
        erasure="",
        batch=None,
        at=at,
        who=who,
        dry_run=True,
        people=len(ids.entities),
        objects=_objects(person),
        removed=by_table([removed]),
        mentions=said,
        files=found.rewritten,
        tombstones=_kinds(digests.values()),
        left={},
        left_files=found.left,
        backups=found.backups,
    )


def erase(
    engine: Engine,
    home: Path,
    who: str,
    person: Person,
    at: datetime,
    *,
    erasure: str | None = None,
    told: Told = _silent,
) -> Receipt:
    """Erase a person.

    Args:
        engine: the hub's database.
        home: HUB_HOME.
        who: who asks for it.
        person: the person to erase.
        at: when.
        erasure: the number of an erasure that a restored backup has forgotten; else a new one.
        told: called after each step.

    Raises:
        ConfigError: another erasure is under way in this moment, or the key cannot be read or written.
    """
    with _alone(engine):
        make_key(home)
        with engine.begin() as conn:
            begun = Work(
                erasure or secrets.token_hex(6), who, at, person, tied(conn, person),
                mentions_of(conn, person),
            )  # fmt: skip
        work.keep(home, begun)
        return _resume(engine, home, begun, told)


def resume(engine: Engine, home: Path, told: Told = _silent) -> Receipt | None:
    """Continue an erasure that was killed; None where there is none.

    Raises:
        ConfigError: as for `erase`.
    """
    if work.kept(home) is None:
        return None
    with _alone(engine):
        begun = work.kept(home)
        return None if begun is None else _resume(engine, home, begun, told)


@contextmanager
def _alone(engine: Engine) -> Iterator[None]:
    with only_one(engine, "erase") as is_alone:
        if not is_alone:
            raise ConfigError("another erasure is under way", hint="wait until it has ended")
        yield


def _resume(engine: Engine, home: Path, begun: Work, told: Told) -> Receipt:
    key = read_key(home, None)
    batch = _store_tombstones(engine, home, begun, key)
    rewritten: Counter[str] = Counter()

    def noted(name: str, n: int) -> None:
        rewritten[name] += n
        told(name, n)

    with source_locks(engine, _sources(engine)):
        removed = run_transaction(engine, lambda conn: _remove(conn, key, begun))
        told("removed", sum(removed.values()))
        with engine.begin() as conn:
            wanted = places(conn, begun.mentions, begun.ids)
        take_out.take_out(engine, wanted, noted)
        found = files.rewrite(home, any_of(begun.mentions.anywhere))
        told("files", len(found.rewritten))
        with engine.begin() as conn:
            receipt = Receipt(
                erasure=begun.erasure,
                batch=batch,
                at=begun.at,
                who=begun.who,
                dry_run=False,
                people=len(begun.ids.entities),
                objects=_objects(begun.person),
                removed=removed,
                mentions=by_table([rewritten]),
                files=found.rewritten,
                tombstones=_kinds(begun.person.digests(key).values()),
                left=take_out.count(conn, wanted),
                left_files=found.left,
                backups=found.backups,
            )
            batches.close_erase(conn, batch, receipt.document(), ok=receipt.complete)
    work.drop(home)
    log.info("person_erased", erasure=begun.erasure, batch=batch, complete=receipt.complete)
    return receipt


def _sources(engine: Engine) -> list[str]:
    with engine.begin() as conn:
        return list(conn.execute(_SOURCES).scalars())


def _store_tombstones(engine: Engine, home: Path, begun: Work, key: ErasureKey) -> int:
    """Keep the tombstones, in the list first, and open the batch; returns its number."""
    kept = [
        Tombstone(digest, kind, begun.erasure, key.id, begun.at)
        for digest, kind in sorted(begun.person.digests(key).items())
    ]
    listed = {(t.erasure, t.digest) for t in erasure_list.read(home)}
    erasure_list.append(home, [t for t in kept if (t.erasure, t.digest) not in listed])

    def bury(conn: Connection) -> int:
        tombstones.add(conn, kept)
        return batches.open_erase(conn, begun.erasure, begun.who)

    return run_transaction(engine, bury)


def _remove(conn: Connection, key: ErasureKey, begun: Work) -> dict[str, int]:
    identity_lock(conn)
    company_lock(conn)
    ids = tied(conn, begun.person)
    said = consents.forget(conn, key, begun.person, ids)
    others = rows.let_go(conn, ids)
    removed = rows.remove(conn, ids)
    emptied = erased_objects.forget(conn, key, begun.person.objects)
    load.refold(conn, others)
    return by_table([removed, emptied, {"ops.consent_event": said}])


def _objects(person: Person) -> Mapping[str, int]:
    found = Counter(f"{source}/{stream}" for source, stream, _ in person.objects)
    return dict(sorted(found.items()))


def _kinds(kinds: Iterable[TombstoneKind]) -> Mapping[str, int]:
    return dict(sorted(Counter(kind.value for kind in kinds).items()))


def _any_key(home: Path) -> ErasureKey:
    """Return the key of the home, or one for counting alone: a dry run writes nothing."""
    try:
        return read_key(home, None)
    except ConfigError:
        return ErasureKey(bytes(32))
