"""Tables of schema `ops` about erased people: keyed digests, and how often one kept a record out."""

from sqlalchemy import BigInteger, CheckConstraint, Column, LargeBinary, Table, Text

from hub.db.metadata import NOW, UTC, metadata
from hub.model.erasure import TombstoneKind

_KINDS = ",".join(f"'{kind}'" for kind in TombstoneKind)

tombstone = Table(
    "tombstone",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("erasure", Text, nullable=False),  # what was erased together: random, in the receipt
    Column("key_id", Text, nullable=False),  # tells under which key the digest was made
    Column("at", UTC, nullable=False, server_default=NOW),
    Column("blocked_n", BigInteger, nullable=False, server_default="0"),
    Column("blocked_at", UTC),
    CheckConstraint(f"kind IN ({_KINDS})", name="kind"),
    schema="ops",
)
