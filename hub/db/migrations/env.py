"""Alembic's entry: migrations run on the connection that the hub hands over."""

from alembic import context

from hub.db.metadata import metadata

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    version_table_schema="ops",
    include_schemas=True,
    compare_server_default=False,
)
with context.begin_transaction():
    context.run_migrations()
