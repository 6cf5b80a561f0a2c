"""Tables of schema `ops`: rollups of leads and deals, from which reports over all time are read.

A rollup only grows: the triggers (`rollup_triggers`) append what a statement adds and takes away,
so two writers never wait for each other; a count is the sum of its rows. `rollups` folds the rows
of one key into one, or computes the counts again from the records.
"""

from sqlalchemy import (
    DDL,
    BigInteger,
    Boolean,
    Column,
    Date,
    Identity,
    Integer,
    Numeric,
    Table,
    Text,
    event,
)

from hub.crm.rollup_triggers import STATEMENTS
from hub.db.metadata import metadata

_MONEY = Numeric(24, 4)

# `what`: count (owner, source, status), response (owner, source, bucket; none: no answer yet), won
# (a deal that came out of the lead: owner and source of the lead, stage and currency of the deal)
lead_rollup = Table(
    "lead_rollup",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("what", Text, nullable=False),
    Column("owner_id", BigInteger),
    Column("source", Text),
    Column("status", Text),
    Column("is_converted", Boolean),
    Column("bucket", Integer),
    Column("stage_id", BigInteger),
    Column("currency", Text),
    Column("n", BigInteger, nullable=False),
    Column("value", _MONEY, nullable=False, server_default="0"),
    schema="ops",
)

# `month`: in which it was closed, in UTC; `own_…`: of deals whose likelihood a person has set
deal_rollup = Table(
    "deal_rollup",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("owner_id", BigInteger),
    Column("source", Text),
    Column("stage_id", BigInteger, nullable=False),
    Column("reason_id", BigInteger),
    Column("currency", Text, nullable=False),
    Column("month", Date),
    Column("n", BigInteger, nullable=False),
    Column("value", _MONEY, nullable=False),
    Column("own_value", _MONEY, nullable=False),
    Column("own_weighted", _MONEY, nullable=False),
    schema="ops",
)

# of deals that were ever in a stage; `bucket`: of the time in it, none while the deal is there
stage_rollup = Table(
    "stage_rollup",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("owner_id", BigInteger),
    Column("source", Text),
    Column("stage_id", BigInteger, nullable=False),
    Column("bucket", Integer),
    Column("entered", BigInteger, nullable=False),
    Column("advanced", BigInteger, nullable=False),
    Column("lost", BigInteger, nullable=False),
    Column("inside", BigInteger, nullable=False),
    schema="ops",
)

for _statement in STATEMENTS:
    event.listen(metadata, "after_create", DDL(_statement.replace("%", "%%")))  # type: ignore[no-untyped-call]
