"""The outbox: notifications to send, committed together with their cause.

A row is written in the transaction of the change. A deliverer claims rows by a lock of its session, so it
holds no transaction open while a mail is sent, and a deliverer that is killed leaves its rows to others at
once. The dedupe key makes a second write of the same event a no-op.

A part of an event is the event on one channel, as a row of its own: it is sent by itself, or is held until
its receiver's digest time. Parts that are due together are collected into one message.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Self

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Connection,
    Engine,
    ForeignKey,
    Identity,
    Index,
    Integer,
    Table,
    Text,
    TextClause,
    func,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.engine import Row

from hub.db.locks import LOCK_SPACE, lock_number
from hub.db.metadata import NOW, UTC, because, metadata, personal, where_present
from hub.frozen import dataclass
from hub.model.events import Event, EventKind, OutboxRow, Wrapped

outbox = Table(
    "outbox",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("event", Text, nullable=False),
    personal("dedupe_key", Text, nullable=False, unique=True),
    Column("user_id", BigInteger, ForeignKey("crm.user.id")),  # none: an address receives it
    Column("lead_id", BigInteger, ForeignKey("crm.lead.id")),  # none: of many leads at once
    personal("payload", JSONB, nullable=False),
    Column("state", Text, nullable=False, server_default="pending"),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("not_before", UTC, nullable=False, server_default=NOW),
    Column("last_error", Text),
    Column("created_at", UTC, nullable=False, server_default=NOW),
    Column("contact_id", BigInteger, ForeignKey("crm.contact.id")),
    Column("deal_id", BigInteger, ForeignKey("crm.deal.id")),
    personal("address", Text),  # of a receiver who is no user
    Column("source", Text),  # of the record that caused it
    Column("correlation_id", Text),  # the request that caused it
    Column("received_at", UTC),  # when this request was received
    Column("channel", Text),  # of a part or a collection; none: as the receiver prefers
    Column("of_id", BigInteger, ForeignKey("ops.outbox.id")),  # the event of which this is a part
    CheckConstraint("state IN ('pending','held','done','dead')", name="state"),
    CheckConstraint("num_nonnulls(user_id, address) <= 1", name="receiver"),  # none: erased
    Index(
        "outbox_pending",
        "not_before",
        "id",
        postgresql_where=text("state = 'pending'"),
        info=because("the next events to deliver"),
    ),
    Index(
        "outbox_letter",
        "created_at",
        postgresql_where=text("event = 'consent_confirmation'"),
        info=because("mails of the last hour to a mailbox, or caused by a client"),
    ),
    Index(
        "outbox_assigned",
        "source",
        "received_at",
        "created_at",
        postgresql_where=text("event = 'lead_assigned'"),
        info=because("figures: leads by source, and the time from a request to its owner"),
    ),
    where_present("contact_id", "removal of a contact takes its events"),
    where_present("deal_id", "removal of a deal takes its events"),
    Index(
        "outbox_held",
        "not_before",
        postgresql_where=text("state = 'held'"),
        info=because("the parts whose digest time, or end of quiet hours, has come"),
    ),
    where_present("of_id", "the parts of an event: undo takes them with it"),
    Index(None, "user_id", info=because("removal of a user asks for its events")),
    where_present("lead_id", "removal of a lead takes its events"),
    schema="ops",
)

delivery = Table(
    "delivery",
    metadata,
    Column("message_id", Text, primary_key=True),
    Column("outbox_id", BigInteger, ForeignKey("ops.outbox.id"), nullable=False),
    Column("channel", Text, nullable=False),
    Column("user_id", BigInteger, ForeignKey("crm.user.id")),
    personal("recipient", Text),
    Column("state", Text, nullable=False),
    Column("error", Text),
    Column("at", UTC, nullable=False, server_default=NOW),
    Index(None, "outbox_id", info=because("the deliveries of an event")),
    Index(None, "user_id", info=because("removal of a user asks for its deliveries")),
    schema="ops",
)


_PUT = insert(outbox).on_conflict_do_nothing(index_elements=["dedupe_key"])


def put(conn: Connection, events: Sequence[Event]) -> None:
    """Append events; an event with a known dedupe key is left out."""
    put_rows(conn, [event.row() for event in events])


def put_rows(conn: Connection, rows: Sequence[OutboxRow]) -> None:
    """Append events as they are kept; one with a known dedupe key is left out."""
    if rows:
        conn.execute(_PUT, [asdict(row) for row in rows])


@dataclass(frozen=True, slots=True)
class Asked:
    """What a person has asked, whose lead may have been assigned a moment ago.

    Args:
        lead_id: the lead.
        user_id: its owner.
        source: the source in which the person asked.
        topic: the subject of the question, if there is one.
        message: its text.
    """

    lead_id: int
    user_id: int
    source: str
    topic: str | None
    message: str | None


# The first part of the dedupe key of an assignment is the source with which the lead began.
_JOIN = text("""
WITH asked AS (
  SELECT * FROM unnest(
    CAST(:leads AS bigint[]), CAST(:users AS bigint[]), CAST(:sources AS text[]),
    CAST(:topics AS text[]), CAST(:messages AS text[])
  ) WITH ORDINALITY AS a(lead_id, user_id, source, topic, message, n)
), first AS (
  SELECT a.n, a.topic, a.message, o.id, o.state = 'pending' OR EXISTS (
    SELECT 1 FROM ops.outbox p WHERE p.of_id = o.id AND p.state IN ('pending', 'held')) AS is_open
  FROM asked a JOIN ops.outbox o ON o.lead_id = a.lead_id AND o.user_id = a.user_id
  WHERE o.event = 'lead_assigned' AND o.created_at > now() - make_interval(secs => :within_s)
    AND split_part(substr(o.dedupe_key, length('lead_assigned:') + 1), '/', 1) <> a.source
), added AS (
  UPDATE ops.outbox o SET payload = o.payload || jsonb_build_object('subject', f.topic, 'message', f.message)
  FROM (SELECT DISTINCT ON (id) * FROM first WHERE is_open ORDER BY id, n) f
  WHERE o.id = f.id AND o.state <> 'dead' AND o.payload ->> 'message' IS NULL
)
SELECT n FROM first
""")


def join_first(conn: Connection, asked: Sequence[Asked], within: timedelta) -> frozenset[int]:
    """Let questions join the notice of the assignment, if that is as young as this and of another source.

    A notice that is not sent yet says the first question too.

    Returns:
        The places of the questions in `asked` that have joined: they need no notice of their own.
    """
    if not asked:
        return frozenset()
    args = {
        "leads": [one.lead_id for one in asked],
        "users": [one.user_id for one in asked],
        "sources": [one.source for one in asked],
        "topics": [one.topic for one in asked],
        "messages": [one.message for one in asked],
        "within_s": within.total_seconds(),
    }
    return frozenset(row.n - 1 for row in conn.execute(_JOIN, args))


_LETTERS = text("""
SELECT count(*) FILTER (WHERE payload ->> 'mailbox' = :mailbox),
  count(*) FILTER (WHERE payload ->> 'client' = :client)
FROM ops.outbox
WHERE event = 'consent_confirmation' AND created_at > now() - make_interval(secs => :within_s)
""")


def letters_since(
    conn: Connection, mailbox: str, client: str, within: timedelta
) -> tuple[int, int]:
    """Return how many letters of this age went to a mailbox, and how many a client has caused."""
    args = {"mailbox": mailbox, "client": client, "within_s": within.total_seconds()}
    to_mailbox, by_client = conn.execute(_LETTERS, args).one()
    return to_mailbox, by_client


def newest(conn: Connection) -> int:
    """Return the id of the newest row, 0 without one."""
    return conn.execute(select(func.max(outbox.c.id))).scalar_one() or 0


def due(conn: Connection, limit: int, *, until: int, only: Sequence[EventKind] = ()) -> list[int]:
    """Return the rows that are due, oldest first; a deliverer may have claimed some of them.

    Args:
        conn: a connection.
        limit: how many rows.
        until: the last id.
        only: kinds of events; empty: all.
    """
    due_now = select(outbox.c.id).where(
        outbox.c.state == "pending", outbox.c.not_before <= func.now(), outbox.c.id <= until
    )
    wanted = due_now.where(outbox.c.event.in_(only)) if only else due_now
    return list(
        conn.execute(wanted.order_by(outbox.c.not_before, outbox.c.id).limit(limit)).scalars()
    )


class Claims:
    """The rows that one deliverer has claimed: they are free again when its session ends.

    Args:
        engine: its pool gives one connection for as long as the deliverer works.
        kind: what the numbers of rows count.
    """

    def __init__(self, engine: Engine, kind: str = "outbox") -> None:
        self._engine, self._kind = engine, kind
        self._session: Connection | None = None

    def __enter__(self) -> Self:
        """Open the session."""
        self._session = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        return self

    def __exit__(self, *_error: object) -> None:
        """Free all rows that are left."""
        session, self._session = self._session, None
        if session is not None:
            try:
                session.execute(text("SELECT pg_advisory_unlock_all()"))
            except Exception:  # the session may be lost, and its locks with it
                session.invalidate()
                raise
            finally:
                session.close()

    def take(self, ids: Sequence[int], most: int) -> list[int]:
        """Claim the first of these rows that no other deliverer has, so many at most."""
        args = {"ids": list(ids), "numbers": self._numbers(ids), "most": most}
        return list(self._run(_CLAIM, args))

    def free(self, ids: Sequence[int]) -> None:
        """Give rows back."""
        self._run(_FREE, {"numbers": self._numbers(ids)})

    def _numbers(self, ids: Sequence[int]) -> list[int]:
        return [lock_number(f"{self._kind}:{one}") for one in ids]

    def _run(self, statement: TextClause, args: Mapping[str, object]) -> Sequence[int]:
        if self._session is None:
            raise AssertionError("unreachable: the session is open")
        return self._session.execute(statement, {"space": LOCK_SPACE, **args}).scalars().all()


# The rows are tried one by one, in the order in which they are given, until so many are claimed.
_CLAIM = text("""
SELECT t.id FROM unnest(CAST(:ids AS bigint[]), CAST(:numbers AS int[])) AS t(id, number)
WHERE pg_try_advisory_lock(:space, t.number) LIMIT :most
""")
_FREE = text(
    "SELECT 1 FROM unnest(CAST(:numbers AS int[])) AS n WHERE pg_advisory_unlock(:space, n)"
)


def read_due(conn: Connection, outbox_id: int) -> Row[tuple[object, ...]] | None:
    """Lock and return a claimed row; None if it is not due any more, or another transaction has it."""
    still = select(outbox).where(
        outbox.c.id == outbox_id, outbox.c.state == "pending", outbox.c.not_before <= func.now()
    )
    return conn.execute(still.with_for_update(skip_locked=True)).one_or_none()


def add_part(
    conn: Connection, row: Row[tuple[object, ...]], channel: str, held_until: datetime | None
) -> None:
    """Make a part of an event: its message on one channel, sent by itself; the same part twice is one.

    Args:
        conn: an open transaction.
        row: the event.
        channel: web, email or apprise.
        held_until: when it is sent; None is now.
    """
    kept = ("user_id", "lead_id", "contact_id", "deal_id", "source", "correlation_id")
    values = {name: getattr(row, name) for name in kept}
    made = insert(outbox).values(
        **values,
        event=Wrapped.PART,
        dedupe_key=f"{row.dedupe_key}#{channel}",
        payload={},
        channel=channel,
        of_id=row.id,
        state="held" if held_until else "pending",
        not_before=held_until or func.now(),
    )
    conn.execute(made.on_conflict_do_nothing(index_elements=["dedupe_key"]))


def read(conn: Connection, outbox_ids: Sequence[int]) -> list[Row[tuple[object, ...]]]:
    """Return rows by their ids, the oldest first."""
    wanted = select(outbox).where(outbox.c.id.in_(outbox_ids)).order_by(outbox.c.id)
    return list(conn.execute(wanted))


def is_withdrawn(row: Row[tuple[object, ...]]) -> bool:
    """Tell whether an event was undone, or its person erased, after it was written."""
    key = str(row.dedupe_key)
    return key.startswith("erased:") or "#undone:" in key


def any_held(conn: Connection, now: datetime) -> bool:
    """Tell whether a held part is due."""
    due_now = select(outbox.c.id).where(outbox.c.state == "held", outbox.c.not_before <= now)
    return conn.execute(due_now.limit(1)).first() is not None


def collect(conn: Connection, now: datetime) -> int:
    """Free the held parts that are due: a single one is sent as it is, several of a receiver as one message.

    Only one transaction collects at a time, so that the parts of a receiver are not divided between two.

    Returns:
        How many messages are to be sent now.
    """
    lock = {"space": LOCK_SPACE, "number": lock_number("outbox:collect")}
    if not conn.execute(text("SELECT pg_try_advisory_xact_lock(:space, :number)"), lock).scalar():
        return 0
    c = outbox.c
    held = select(c.id, c.user_id, c.channel).where(c.state == "held", c.not_before <= now)
    parts: defaultdict[tuple[int, str], list[int]] = defaultdict(list)
    for row in conn.execute(held.order_by(c.id).with_for_update()):
        parts[row.user_id, row.channel].append(row.id)
    single = [ids[0] for ids in parts.values() if len(ids) == 1]
    several = {key: ids for key, ids in parts.items() if len(ids) > 1}
    freed = outbox.update().where(c.id.in_(single)).values(state="pending", not_before=func.now())
    conn.execute(freed)
    for (user_id, channel), ids in several.items():
        conn.execute(outbox.update().where(c.id.in_(ids)).values(state="done"))
        conn.execute(
            insert(outbox).values(
                event=Wrapped.COLLECTED,
                dedupe_key=f"{Wrapped.COLLECTED}:{channel}:{ids[0]}",
                user_id=user_id,
                payload={"parts": ids},
                channel=channel,
            )
        )
    return len(parts)


def still_exists(conn: Connection, outbox_id: int) -> bool:
    """Lock a row; returns False if it was removed, with the person or by an undo, while it was sent."""
    row = select(outbox.c.id).where(outbox.c.id == outbox_id).with_for_update()
    return conn.execute(row).one_or_none() is not None


def finish(conn: Connection, outbox_id: int, *, state: str, error: str | None = None) -> None:
    """Mark a row done, or dead with the reason."""
    conn.execute(
        outbox.update()
        .where(outbox.c.id == outbox_id)
        .values(state=state, last_error=error, attempts=outbox.c.attempts + 1)
    )


def postpone(conn: Connection, outbox_id: int, *, seconds: float, error: str) -> None:
    """Try a row again later."""
    conn.execute(
        outbox.update()
        .where(outbox.c.id == outbox_id)
        .values(
            attempts=outbox.c.attempts + 1,
            last_error=error,
            not_before=func.now() + func.make_interval(0, 0, 0, 0, 0, 0, seconds),
        )
    )


def record_delivery(
    conn: Connection,
    *,
    message_id: str,
    outbox_id: int,
    channel: str,
    user_id: int | None,
    recipient: str | None,
    state: str,
    error: str | None = None,
) -> None:
    """Store the result of one message; a later attempt overwrites the state of an earlier one."""
    statement = insert(delivery).values(
        message_id=message_id,
        outbox_id=outbox_id,
        channel=channel,
        user_id=user_id,
        recipient=recipient,
        state=state,
        error=error,
    )
    conn.execute(
        statement.on_conflict_do_update(
            index_elements=["message_id"],
            set_={
                "state": statement.excluded.state,
                "error": statement.excluded.error,
                "at": func.now(),
            },
        )
    )


_LET_GO = text("""
UPDATE ops.outbox SET lead_id = NULL, contact_id = NULL,
  state = CASE WHEN state IN ('pending', 'held') THEN 'dead' ELSE state END,
  last_error = CASE WHEN state IN ('pending', 'held') THEN 'its batch was undone' ELSE last_error END,
  dedupe_key = dedupe_key || '#undone:' || CAST(:undo AS bigint) || ':' || id
WHERE lead_id = ANY(:leads) OR contact_id = ANY(:contacts) OR dedupe_key = ANY(:keys)
  OR of_id IN (SELECT id FROM ops.outbox WHERE dedupe_key = ANY(:keys))
""")


def let_go(
    conn: Connection,
    leads: Sequence[int],
    contacts: Sequence[int],
    keys: Sequence[str],
    undo_id: int,
) -> None:
    """Keep the events of removed rows without their references; unsent events are not sent any more.

    Args:
        conn: an open transaction.
        leads: leads that are removed.
        contacts: contacts that are removed.
        keys: dedupe keys of events that are undone with them.
        undo_id: the batch that removes them.
    """
    conn.execute(
        _LET_GO,
        {
            "leads": list(leads),
            "contacts": list(contacts),
            "keys": list(keys),
            "undo": undo_id,
        },
    )
