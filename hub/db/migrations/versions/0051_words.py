"""Saved lists hold numbers of what they name, and all saved documents today's names of fields.

A name that is not found any more is kept as `{"kind": …, "lost": …}`: it is shown, and never asked.
"""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0051"
down_revision = "0050"
branch_labels = None
depends_on = None

_TODAY = {
    "organization_name": "company", "lead_source": "source", "is_hot": "hot",
    "estimated_close_date": "close_date", "customized_win_likelihood": "win_likelihood",
}  # fmt: skip
_LABELS = {
    "number": "id", "last activity": "last_activity_at", "last communication": "last_communication_at",
    "next task": "next_task_at", "converted in its source": "source_converted_at",
    "recorded": "recorded_at", "converted": "converted_at", "closed": "closed_at",
    "first response": "first_response_at", "last stage change": "last_stage_change_at",
}  # fmt: skip
_FIXED = frozenset(
    [
        "id",
        "name",
        "first_name",
        "last_name",
        "email",
        "phone",
        "mobile",
        "fax",
        "company",
        "title",
        "industry",
        "website",
        "description",
        "street",
        "postal_code",
        "city",
        "state",
        "country",
        "source",
        "created_at",
        "recorded_at",
        "last_activity_at",
        "last_communication_at",
        "next_task_at",
        "unasked_since",
        "tags",
        "owner",
        "days_since_last_communication",
        "open_tickets",
        "status",
        "unqualified_reason",
        "converted_at",
        "first_response_at",
        "source_converted_at",
        "customer_status",
        "prospect_status",
        "customer_type",
        "prospect_type",
        "currency",
        "added_at",
        "closed_at",
        "last_stage_change_at",
        "value",
        "win_likelihood",
        "stage",
        "stage_category",
        "pipeline",
        "loss_reason",
        "hot",
        "close_date",
    ]
)
_REASON = "SELECT id, name FROM crm.reason WHERE kind = '{}'"
# field → kind, and the names that are known
_NUMBERED = {
    "deal": {
        "stage": ("stage", "SELECT id, name FROM crm.stage"),
        "pipeline": ("pipeline", "SELECT id, name FROM crm.pipeline"),
        "loss_reason": ("loss_reason", _REASON.format("loss")),
        "unqualified_reason": ("deal_reason", _REASON.format("deal_unqualified")),
    },
    "lead": {
        "status": ("status", "SELECT id, name FROM crm.lead_status"),
        "unqualified_reason": ("lead_reason", _REASON.format("lead_unqualified")),
    },
}
_OWNERS = (
    'SELECT id, email AS name FROM crm."user" WHERE email IS NOT NULL '
    'UNION ALL SELECT id, name FROM crm."user"'
)
_SAVED = "SELECT id, object, filter, sort, columns FROM crm.smart_list"
_PATTERNS = {"contains", "does not contain", "starts with"}
_OWN = {"me", "nobody"}
_SEVERAL = {"is": "any of", "is not": "none of"}


def upgrade() -> None:
    """Make the table, and carry the saved documents over."""
    op.create_table(
        "word",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False, server_default=""),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("into_id", sa.BigInteger()),
        sa.Column("is_removed", sa.Boolean(), nullable=False, server_default="false"),
        sa.CheckConstraint(
            "kind IN ('tag','source','choice','status','lead_reason')", name=op.f("ck_word_kind")
        ),
        sa.ForeignKeyConstraint(["into_id"], ["crm.word.id"], name="fk_word_into_id_word"),
        sa.PrimaryKeyConstraint("id", name="pk_word"),
        schema="crm",
    )
    op.create_index("word_name", "word", ["kind", "scope", "name"], unique=True, schema="crm")
    op.create_index(
        "ix_word_into_id", "word", ["into_id"], schema="crm",
        postgresql_where=sa.text("into_id IS NOT NULL"),
    )  # fmt: skip
    for table in ("call", "visit"):
        op.create_index(
            f"ix_{table}_outcome_id", table, ["outcome_id"], schema="crm",
            postgresql_where=sa.text("outcome_id IS NOT NULL"),
        )  # fmt: skip
    conn = op.get_bind()
    for row in conn.execute(sa.text(_SAVED)).all():
        _carry_list(conn, row)
    for row in conn.execute(sa.text("SELECT object, sections FROM crm.layout")).all():
        fields = _Fields(conn, row.object)
        sections = [
            {**one, "fields": [fields.named(f) for f in one["fields"]]} for one in row.sections
        ]
        _write(conn, "crm.layout SET sections", sections, "object = :key", row.object)
    _carry_links(conn)
    for old, new in _TODAY.items():
        statement = (
            "UPDATE crm.stage_criterion SET what = :new WHERE kind = 'field' AND what = :old"
        )
        conn.execute(sa.text(statement), {"old": old, "new": new})


class _Fields:
    """The names of fields of a kind of record, and what their values name."""

    def __init__(self, conn: sa.Connection, object_: str) -> None:
        self.conn, self.object = conn, object_
        rows = conn.execute(
            sa.text("SELECT key, name, type, choices FROM crm.custom_field WHERE object = :object"),
            {"object": object_},
        ).all()
        self.custom = {row.key: row for row in rows}
        self.labels = {row.name.casefold(): f"custom_fields.{row.key}" for row in rows}
        self.labels |= {**_LABELS, "date added": "added_at" if object_ == "deal" else "created_at"}

    def named(self, said: str) -> str:
        """Return today's name of a field."""
        if said.startswith("custom_fields.") or said in _FIXED:
            return said
        if said in _TODAY:
            return _TODAY[said]
        plain = said.replace("_", " ").strip().casefold()
        name = self.labels.get(plain, plain.replace(" ", "_"))
        return _TODAY.get(name, name)

    def number(self, field: str, said: object) -> list[Any]:
        """Return what stands for a name."""
        word = str(said).strip()
        known = _NUMBERED.get(self.object, {}).get(field)
        if known is not None:
            return self._of_table(*known, word)
        if field == "owner":
            return [said] if word.lower() in _OWN else self._of_table("user", _OWNERS, word)
        if field == "tags":
            return [self._word("tag", "", str(said))]
        if field == "source":
            return [
                self._word("source", "", word) if self._has_source(word) else _lost("source", word)
            ]
        key = field.removeprefix("custom_fields.")
        if key != field and key in self.custom and self.custom[key].type.endswith("list"):
            return [self._choice(key, word)]
        return [said]

    def _of_table(self, kind: str, names: str, said: str) -> list[Any]:
        rows = self.conn.execute(sa.text(names)).all()
        found = sorted({row.id for row in rows if row.name.casefold() == said.casefold()})
        if found:
            return [{"kind": kind, "id": number} for number in found]
        if kind == "status" and self._exists("crm.lead WHERE lower(status) = lower(:said)", said):
            return [said]  # records have it, the team's statuses do not
        return [_lost(kind, said)]

    def _has_source(self, said: str) -> bool:
        return any(
            self._exists(f"{table} WHERE lower({column}) = lower(:said)", said)
            for table, column in (("crm.lead", "lead_source"), ("crm.contact", "lead_source"), ("crm.deal", "source"))
        )  # fmt: skip

    def _exists(self, rows: str, said: str) -> bool:
        statement = sa.text(f"SELECT 1 FROM {rows} LIMIT 1")  # noqa: S608 our own names
        return self.conn.execute(statement, {"said": said}).first() is not None

    def _choice(self, key: str, said: str) -> Any:
        object_ = "person" if self.object == "lead" else self.object
        exact = {str(c).casefold(): str(c) for c in self.custom[key].choices}
        table = {"lead": "crm.lead", "deal": "crm.deal"}.get(self.object, "crm.contact")
        if said.casefold() in exact:
            return self._word("choice", f"{object_}.{key}", exact[said.casefold()])
        statement = sa.text(
            f"SELECT 1 FROM {table} WHERE custom_fields ->> :key = :said "  # noqa: S608 our own names
            "OR custom_fields -> :key @> to_jsonb(CAST(:said AS text)) LIMIT 1"
        )
        if self.conn.execute(statement, {"key": key, "said": said}).first() is not None:
            return self._word("choice", f"{object_}.{key}", said)
        return _lost("choice", said)

    def _word(self, kind: str, scope: str, name: str) -> Any:
        number = self.conn.execute(
            sa.text(
                "INSERT INTO crm.word (kind, scope, name) VALUES (:kind, :scope, :name) "
                "ON CONFLICT (kind, scope, name) DO UPDATE SET name = excluded.name RETURNING id"
            ),
            {"kind": kind, "scope": scope, "name": name},
        ).scalar_one()
        return {"kind": kind, "id": number}


def _lost(kind: str, said: str) -> dict[str, str]:
    return {"kind": kind, "lost": said}


def _carry_list(conn: sa.Connection, row: Any) -> None:
    fields = _Fields(conn, row.object)
    new = _walked(row.filter, lambda one: _condition(fields, one))
    sort = [{**one, "field": fields.named(one["field"])} for one in row.sort]
    columns = [fields.named(one) for one in row.columns]
    for column, value in (("filter", new), ("sort", sort), ("columns", columns)):
        _write(conn, f"crm.smart_list SET {column}", value, "id = :key", row.id)


def _condition(fields: _Fields, one: Mapping[str, Any]) -> dict[str, Any]:
    made = {**one, "field": fields.named(one["field"])}
    value = one.get("value")
    if value is None or one["op"] in _PATTERNS:
        return made
    said = value if isinstance(value, list) else [value]
    parts: list[Any] = []
    for part in said:
        parts += [p for p in fields.number(made["field"], part) if p not in parts]
    if isinstance(value, list):
        return {**made, "value": parts}
    if len(parts) == 1:
        return {**made, "value": parts[0]}
    return {**made, "op": _SEVERAL.get(one["op"], one["op"]), "value": parts}


def _walked(node: Mapping[str, Any], each: Callable[[Mapping[str, Any]], Any]) -> dict[str, Any]:
    for name in ("all", "any"):
        if name in node:
            return {name: [_walked(one, each) for one in node[name]]}
    if "not" in node:
        return {"not": _walked(node["not"], each)}
    made: dict[str, Any] = each(node)
    return made


def _carry_links(conn: sa.Connection) -> None:
    for row in conn.execute(sa.text("SELECT id, object, template FROM crm.smart_link")).all():
        fields = _Fields(conn, row.object)
        new = row.template
        for said in re.findall(r"\{([^{}]+)\}", row.template):
            new = new.replace(f"{{{said}}}", f"{{{fields.named(said.strip())}}}")
        conn.execute(
            sa.text("UPDATE crm.smart_link SET template = :new WHERE id = :id"),
            {"new": new, "id": row.id},
        )


def _write(conn: sa.Connection, what: str, value: object, where: str, key: object) -> None:
    conn.execute(
        sa.text(f"UPDATE {what} = CAST(:value AS jsonb) WHERE {where}"),
        {"value": json.dumps(value), "key": key},
    )
