"""Take back the custom fields that a migration has defined, or to which it gave choices.

A field goes if nobody has used it: a changed definition stays, and so does one that a list, a layout or a
link names, or under which a record still has a value. Call after the records of the batch are gone.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection, text

from hub.crm import custom_fields
from hub.crm.custom_fields import CustomField, of_document
from hub.lists import places
from hub.lists.places import Target
from hub.records import migrations
from hub.records.sources import FIRST_VERSIONS
from hub.undo.report import Kept, Undone


@dataclass(slots=True)
class _Pile:
    """The fields of one kind of record that are sorted."""

    going: list[CustomField] = field(default_factory=list)
    restored: list[CustomField] = field(default_factory=list)


def sort_out(
    conn: Connection,
    batch_id: int,
    report: Undone,
    going: Collection[int] | None = None,
) -> tuple[Sequence[CustomField], Sequence[CustomField]]:
    """Return the fields that go, and those that get their former choices; the report says the rest.

    Args:
        conn: an open transaction.
        batch_id: the migration.
        report: gets the fields that stay, with the reason.
        going: of a preview, the records that would be taken out or put back; their values are still there.
    """
    pile = _Pile()
    held = _Held(conn) if going is None else _HeldAfter(conn, batch_id, going)
    for one in migrations.defined_by(conn, batch_id) or ():
        after, before = of_document(one["after"]), one["before"]
        now = custom_fields.fields_of(conn, after.object).get(after.key)
        if now is None or (before is not None and now == of_document(before)):
            continue
        name = f"field {after.object}.{after.key}"
        if now != after:
            report.edited.append(Kept(name, (), "a user has changed its definition since"))
        elif uses := places.uses(conn, Target("field", frozenset(), after.key, after.object)):
            named = ", ".join(str(use) for use in uses)
            report.blocked.append(Kept(name, (), f"it is in use: {named}"))
        elif before is not None:
            pile.restored.append(of_document(before))
        elif held.has(after):
            report.blocked.append(Kept(name, (), "records that stay have values in it"))
        else:
            pile.going.append(after)
    report.reverted["fields"] += len(pile.going) + len(pile.restored)
    return pile.going, pile.restored


def take_back(conn: Connection, batch_id: int, report: Undone) -> None:
    """Take back the fields of a migration; those that stay are in the report."""
    going, restored = sort_out(conn, batch_id, report)
    for one in going:
        custom_fields.delete(conn, one.object, one.key)
    for one in restored:
        custom_fields.update(conn, one)


@dataclass(frozen=True, slots=True)
class _Held:
    """Tells under which keys records have values; each kind of record is asked once for all keys."""

    conn: Connection
    known: dict[str, set[str]] = field(default_factory=dict)

    def has(self, one: CustomField) -> bool:
        if one.object not in self.known:
            keys = custom_fields.fields_of(self.conn, one.object)
            self.known[one.object] = custom_fields.held_keys(self.conn, one.object, keys)
        return one.key in self.known[one.object]


_ROLES = {"lead": "lead", "person": "contact", "company": "organisation"}
# a value that stays: of another record, of a version from before the batch, or typed
_STAYS = text(f"""
SELECT EXISTS (
  SELECT 1 FROM ops.source_record s WHERE s.withdrawn_by IS NULL AND s.gone_at IS NULL
    AND coalesce(s.role, s.target) = :role AND s.canonical -> 'custom_fields' ? :key
    AND NOT s.id = ANY(CAST(:ids AS bigint[])))
OR EXISTS (
  SELECT 1 FROM ({FIRST_VERSIONS}) f JOIN ops.source_record s ON s.id = f.record_id
  WHERE f.withdrawn_by IS NULL AND coalesce(f.role, s.target) = :role
    AND f.canonical -> 'custom_fields' ? :key)
OR EXISTS (
  SELECT 1 FROM ops.edit e JOIN ops.source_record s ON s.entity_id = e.entity_id
  WHERE e.revoked_at IS NULL AND e.field = 'custom_fields.' || :key AND e.value <> 'null'
    AND s.withdrawn_by IS NULL AND s.role = :role)
OR EXISTS (
  SELECT 1 FROM crm.deal d WHERE :role = 'deal' AND d.custom_fields ? :key
    AND (d.record_id IS NULL OR NOT d.record_id = ANY(CAST(:ids AS bigint[]))))
""")  # noqa: S608 our own text


@dataclass(frozen=True, slots=True)
class _HeldAfter:
    """Tells under which keys records will have values when those of a batch are taken back.

    Args:
        conn: an open transaction.
        batch: the batch.
        going: its records that would be taken out, or have their values of before again.
    """

    conn: Connection
    batch: int
    going: Collection[int]

    def has(self, one: CustomField) -> bool:
        args = {
            "ids": sorted(self.going),
            "batch": self.batch,
            "role": _ROLES.get(one.object, one.object),
            "key": one.key,
        }
        return bool(self.conn.execute(_STAYS, args).scalar_one())
