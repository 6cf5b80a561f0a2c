"""The table of the questions about companies of one name."""

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Table, Text

from hub.db.metadata import NOW, UTC, because, metadata, personal

# a member of a question: one record of a company whose name another company has as well
company_question = Table(
    "company_question",
    metadata,
    Column("record_id", BigInteger, ForeignKey("ops.source_record.id"), primary_key=True),
    personal("name", Text, nullable=False),  # a firm may be called as its owner
    Column("asked_at", UTC, nullable=False, server_default=NOW),
    Index(None, "name", info=because("finds the companies of one question")),
    schema="ops",
)
