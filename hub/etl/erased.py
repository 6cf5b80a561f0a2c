"""Keep erased people out: what sources send again is blocked and counted, and never kept.

`land` blocks objects by the vendor's id. `normalize` blocks what a mapping makes of new ones: by an
address or number of one person, by a shared one together with the name, or by the erased person
that a ticket names. A record that is refused or left out has no values; it is blocked where one of
its fields is such an address and nothing else. What other people's records mention is taken out of
their text. While no person was erased, each page and each chunk costs one look into an empty table.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from sqlalchemy import Connection

from hub.etl import erased_forms
from hub.etl.erased_forms import EMAIL_IN_TEXT, NUMBER_IN_TEXT
from hub.etl.erased_text import MARK, without_in_payload
from hub.landing.store import PendingRaw
from hub.logs import get_logger
from hub.mappings.engine import Normalized
from hub.model.entities import PEOPLE, PERSON_REFS
from hub.model.erasure import ErasureKey, TombstoneKind
from hub.model.records import CanonicalRecord, RawRecord
from hub.model.verdicts import Op
from hub.records import erased_objects, tombstones
from hub.records.erasure_key import read_key

log = get_logger()


@dataclass(frozen=True, slots=True)
class Stopped:
    """The objects and mentions that must not be stored.

    Args:
        objects: ids of objects of erased people, each with the tombstone that it met.
        mentions: raw rows of others whose text mentions erased people, rewritten.
    """

    objects: Mapping[str, bytes]
    mentions: Mapping[int, bytes]

    def __bool__(self) -> bool:
        """Tell whether there is anything."""
        return bool(self.objects or self.mentions)


@dataclass(frozen=True, slots=True)
class Gate:
    """What keeps erased people out, while there are any."""

    key: ErasureKey

    @classmethod
    def of(cls, conn: Connection, home: Path) -> Self | None:
        """Return the gate; None while no person was erased.

        Raises:
            ConfigError: people were erased, and the key is missing, or is another one.
        """
        key_id = tombstones.key_in_use(conn)
        return None if key_id is None else cls(read_key(home, key_id))

    def land(
        self,
        conn: Connection,
        records: Sequence[RawRecord],
        *,
        batch: int,
        source: str,
        stream: str,
        mapped: bool,
    ) -> list[RawRecord]:
        """Block the erased objects of a page, and return the rest.

        Args:
            conn: the transaction that lands the page.
            records: the page.
            batch: the batch whose ledger accounts for it.
            source: vendor name.
            stream: stream name.
            mapped: whether the stream has a ledger.
        """
        names = self.blocked_ids(conn, records, source, stream)
        if not names:
            return list(records)
        if mapped:
            blocked = {r.source_id: r for r in records if r.source_id in names}
            rows = [(names[i], r.op is Op.UPSERT, r.at) for i, r in blocked.items()]
            erased_objects.enter_blocked(conn, rows, batch=batch, source=source, stream=stream)
        return [r for r in records if r.source_id not in names]

    def blocked_ids(
        self, conn: Connection, records: Sequence[RawRecord], source: str, stream: str
    ) -> dict[str, str]:
        """Return the erased objects of a page, and count that they were blocked.

        Returns:
            The vendor's id → the name that stands for the object in ledgers.
        """
        digests = {r.source_id: self._record(source, stream, r.source_id) for r in records}
        known = tombstones.known(conn, digests.values())
        blocked = [i for i, digest in digests.items() if digest in known]
        if blocked:
            self._count(conn, source, stream, [digests[i] for i in blocked])
        return {i: self.key.erased_id(source, stream, i) for i in blocked}

    def is_erased(self, conn: Connection, values: Mapping[str, object]) -> bool:
        """Tell whether a person with these values was erased."""
        return bool(tombstones.known(conn, erased_forms.digests_of(self.key, values)))

    def normalize(
        self, conn: Connection, rows: Sequence[PendingRaw], result: Normalized
    ) -> Stopped:
        """Return the objects of a chunk that must not be stored; `result` is what the mapping made of it."""
        met = self._met(conn, rows, result)
        stopped: dict[str, bytes] = {}
        for record in result.records:
            for digest in self._of_record(rows[0].source, record):
                if digest in met.known:
                    stopped.setdefault(record.source_id, digest)
        silent = {*result.rejected, *result.excluded} - {r.source_id for r in result.records}
        for row in rows:
            if row.record.source_id in silent and (hit := self._whole(row, met)) is not None:
                stopped.setdefault(row.record.source_id, hit)
        mentions = {
            row.raw_id: without_in_payload(
                row.record.payload, lambda said: self._redacted(said, met)
            )
            for row in rows
            if row.record.source_id not in stopped
            and not met.known.keys().isdisjoint(met.said[row.raw_id])
        }
        return Stopped(stopped, mentions)

    def block(
        self, conn: Connection, rows: Sequence[PendingRaw], stopped: Stopped
    ) -> list[PendingRaw]:
        """Empty the raw versions of erased people, rewrite mentions, and return the remaining rows."""
        source, stream = rows[0].source, rows[0].stream
        ids = sorted(stopped.objects)
        erased_objects.forget(conn, self.key, [(source, stream, i) for i in ids])
        self._count(conn, source, stream, [stopped.objects[i] for i in ids])
        self._remember(conn, source, stream, stopped)
        kept: list[PendingRaw] = []
        for row in rows:
            if row.record.source_id in stopped.objects:
                continue
            if (body := stopped.mentions.get(row.raw_id)) is not None:
                store_again(conn, row.raw_id, body)
                kept.append(replace(row, record=replace(row.record, payload=body)))
            else:
                kept.append(row)
        return kept

    def _remember(self, conn: Connection, source: str, stream: str, stopped: Stopped) -> None:
        """Block the vendor's ids of new objects, from their next landing on."""
        for source_id, met in stopped.objects.items():
            tombstones.add_beside(conn, met, self._record(source, stream, source_id))

    def _count(self, conn: Connection, source: str, stream: str, digests: Sequence[bytes]) -> None:
        if digests:
            tombstones.count_blocked(conn, digests)
            log.info("erased_blocked", source=source, stream=stream, records=len(digests))

    def _record(self, source: str, stream: str, source_id: str) -> bytes:
        return self.key.digest(TombstoneKind.RECORD, source, stream, source_id)

    def _of_record(self, source: str, record: CanonicalRecord) -> Iterable[bytes]:
        """Return by which digests a canonical record is an erased person's."""
        if record.entity in PEOPLE:
            yield from erased_forms.digests_of(self.key, record.values)
        for relation, stream in PERSON_REFS.items():
            if (named := record.refs.get(relation)) is not None:
                yield self._record(source, stream, named)

    def _met(self, conn: Connection, rows: Sequence[PendingRaw], result: Normalized) -> "_Met":
        said = {
            row.raw_id: erased_forms.mentioned(self.key, erased_forms.text_of(row.record.payload))
            for row in rows
        }
        digests = {digest for found in said.values() for digest in found}
        for record in result.records:
            digests.update(self._of_record(rows[0].source, record))
        return _Met(tombstones.known(conn, digests), said)

    def _whole(self, row: PendingRaw, met: "_Met") -> bytes | None:
        """Return the tombstone of an address that is one whole value of a payload."""
        hits = {met.said[row.raw_id][d]: d for d in met.said[row.raw_id] if d in met.known}
        if not hits:
            return None
        for scalar in erased_forms.scalars(erased_forms.read(row.record.payload)):
            if (said := scalar.strip(" <>")) in hits:
                return hits[said]
        return None

    def _redacted(self, text: str, met: "_Met") -> str:
        def email(found: "str") -> str:
            return found if self._email(found) not in met.known else MARK

        def number(found: "str") -> str:
            form = erased_forms.phone_form(found)
            is_erased = (
                form and self.key.digest(TombstoneKind.TAIL, erased_forms.tail(form)) in met.known
            )
            return MARK if is_erased else found

        text = EMAIL_IN_TEXT.sub(lambda m: email(m[0]), text)
        return NUMBER_IN_TEXT.sub(lambda m: number(m[0]), text)

    def _email(self, said: str) -> bytes:
        form = erased_forms.email_form(said.rstrip("."))
        return self.key.digest(TombstoneKind.EMAIL, form)


@dataclass(frozen=True, slots=True)
class _Met:
    """The tombstones that a chunk meets, and what each raw row mentions: digest → as written."""

    known: Mapping[bytes, TombstoneKind]
    said: Mapping[int, Mapping[bytes, str]]


def store_again(conn: Connection, raw_id: int, body: bytes) -> None:
    """Store a payload without its mentions."""
    is_json = erased_forms.read(body) is not erased_forms.NOT_JSON
    erased_objects.replace_payload(
        conn,
        raw_id,
        payload=body.decode("utf-8", "surrogatepass") if is_json else None,
        body=None if is_json else body,
    )
