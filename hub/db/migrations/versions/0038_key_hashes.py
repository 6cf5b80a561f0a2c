"""Match keys are hashes in one index, named in their records' rows too; ids of entities are ordered."""

from collections import defaultdict
from hashlib import blake2b

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None

_RECORDS = 5_000
# the rules of version 1 of the derivation `keys`, as they stood with this revision
_LIMITS = {
    "name": 8,
    "sound_first": 8,
    "sound_city": 8,
    "street_initial": 8,
    "local": 8,
    "name_city": 16,
    "birth_initial": 32,
}
_OTHER_LIMIT, _OF_COMPANIES = 64, 200
_MARKS = {
    "first_company": 1,
    "street_initial": 1,
    "email": 2,
    "phone": 2,
    "phone_surname": 2,
    "local": 2,
}
_ORDERED_ID = (
    "overlay(lpad(to_hex((extract(epoch FROM clock_timestamp()) * 1000)::bigint), 12, '0') "
    "PLACING '-' FROM 9 FOR 0) || '-7' || substr(gen_random_uuid()::text, 16)"
)
_READ = sa.text("""
SELECT record_id, kind, value FROM ops.match_key_before
WHERE record_id > :after AND record_id <= :to
""")
_KEEP = sa.text("""
INSERT INTO ops.match_key (hash, record_id)
SELECT hash, record_id FROM unnest(CAST(:hashes AS bigint[]), CAST(:records AS bigint[]))
  AS k(hash, record_id)
""")
_NAME = sa.text("""
UPDATE ops.source_record s SET match_keys = CAST(k.hashes AS bigint[])
FROM unnest(CAST(:records AS bigint[]), CAST(:hashes AS text[])) AS k(record_id, hashes)
WHERE s.id = k.record_id
""")


def upgrade() -> None:
    """Carry the keys over: a home goes on matching with the same pairs."""
    op.alter_column("entity", "public_id", schema="ops", server_default=sa.text(_ORDERED_ID))
    op.drop_index(op.f("ix_entity_merged_into"), "entity", schema="ops")
    op.create_index(
        op.f("ix_entity_merged_into"),
        "entity",
        ["merged_into"],
        schema="ops",
        postgresql_where=sa.text("merged_into IS NOT NULL"),
    )
    op.add_column(
        "source_record",
        sa.Column("match_keys", postgresql.ARRAY(sa.BigInteger())),
        schema="ops",
    )
    op.rename_table("match_key", "match_key_before", schema="ops")
    op.create_table(
        "match_key",
        sa.Column("hash", sa.BigInteger()),  # the primary key makes them NOT NULL
        sa.Column("record_id", sa.BigInteger()),
        sa.Column("letters", sa.BigInteger()),
        schema="ops",
    )
    _carry_over()
    op.drop_table("match_key_before", schema="ops")
    op.create_primary_key(op.f("pk_match_key"), "match_key", ["hash", "record_id"], schema="ops")


def _carry_over() -> None:
    connection = op.get_bind()
    last = connection.execute(sa.text("SELECT max(record_id) FROM ops.match_key_before")).scalar()
    for after in range(0, last or 0, _RECORDS):
        found: dict[int, set[int]] = defaultdict(set)
        for row in connection.execute(_READ, {"after": after, "to": after + _RECORDS}):
            found[row.record_id].add(_hashed(row.kind, row.value))
        keys = [(key, record) for record, own in sorted(found.items()) for key in sorted(own)]
        connection.execute(_KEEP, {"hashes": [k[0] for k in keys], "records": [k[1] for k in keys]})
        arrays = [f"{{{','.join(map(str, sorted(own)))}}}" for own in found.values()]
        connection.execute(_NAME, {"records": list(found), "hashes": arrays})


def _hashed(kind: str, value: str) -> int:
    is_of_company = kind.startswith("company:")
    limit = _OF_COMPANIES if is_of_company else _LIMITS.get(kind, _OTHER_LIMIT)
    lowest = limit | _MARKS.get(kind, 0)
    digest = blake2b(f"{kind}\0{value}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True) & ~0xFF | lowest
