"""The orders of smart lists, what finds tags, custom fields and words, and open tickets."""

from alembic import op
from sqlalchemy import literal_column, text

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

_STANDING = "archived_at IS NULL AND merged_into IS NULL"
_NAME_ORDER = (
    "left(lower(regexp_replace(normalize(ltrim(coalesce(last_name, '') || ' ' || "
    "coalesce(first_name, '') || ' ' || coalesce(organization_name, '')), NFD), "
    r"'[\u0300-\u036f]', '', 'g')), 200) COLLATE " + '"C"'
)
_PEOPLE_TEXT = (
    "lower(coalesce(first_name, '') || ' ' || coalesce(last_name, '') || ' ' || "
    "coalesce(organization_name, '') || ' ' || coalesce(email, '') || ' ' || coalesce(city, ''))"
)
_PEOPLE_ORDERS = ("created_at", "last_activity_at", "last_communication_at", "next_task_at")
_DEAL_ORDERS = (
    "added_at", "value", "estimated_close_date", "last_activity_at", "last_communication_at",
    "next_task_at",
)  # fmt: skip
_PEOPLE = (("lead", ()), ("contact", ("is_organization",)))


def upgrade() -> None:
    """Add the indexes."""
    op.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")  # a trusted one: the owner may
    for table, before in _PEOPLE:
        _orders(table, _PEOPLE_ORDERS, before, _STANDING)
        op.create_index(
            f"{table}_by_name",
            table,
            [*before, text(_NAME_ORDER), "id"],
            schema="crm",
            postgresql_where=text(_STANDING),
        )
        _facets(table, _PEOPLE_TEXT, _STANDING)
    _orders("deal", _DEAL_ORDERS, (), "archived_at IS NULL")
    _facets("deal", "lower(coalesce(name, ''))", "archived_at IS NULL")
    op.create_index(
        "ticket_open",
        "ticket",
        ["entity_id"],
        schema="crm",
        postgresql_where=text(
            "archived_at IS NULL AND coalesce(status, '') NOT IN ('solved', 'closed')"
        ),
    )


def _orders(table: str, names: tuple[str, ...], before: tuple[str, ...], where: str) -> None:
    for name in names:
        op.create_index(
            f"{table}_by_{name}",
            table,
            [*before, name, "id"],
            schema="crm",
            postgresql_where=text(where),
        )


def _facets(table: str, expression: str, where: str) -> None:
    op.create_index(
        f"{table}_facets",
        table,
        ["tags", "custom_fields", literal_column(expression).label("words")],
        schema="crm",
        postgresql_using="gin",
        postgresql_ops={
            "tags": "jsonb_path_ops",
            "custom_fields": "jsonb_path_ops",
            "words": "gin_trgm_ops",
        },
        postgresql_where=text(where),
    )
