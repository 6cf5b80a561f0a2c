"""The migrations make what the tables' modules declare, and every personal column is marked."""

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool
from sqlalchemy.types import ARRAY, JSON, LargeBinary, Text

from hub.crm import activity_tables, deal_tables, rollup_tables, setup_tables
from hub.crm import tables as crm_tables
from hub.db import outbox
from hub.db.embedded import SUPERUSER, Server
from hub.db.engine import Database
from hub.db.metadata import metadata
from hub.db.schema import MIGRATIONS, revisions
from hub.landing import tables as landing_tables
from hub.model.entities import LEAD_FIELDS, Field
from hub.records import (
    batch_tables,
    erasure_tables,
    migration_tables,
    name_tables,
    source_tables,
    token_tables,
)
from hub.records import tables as record_tables
from tests.db.dumps import dumped

ROOMS = (
    crm_tables,
    activity_tables,
    deal_tables,
    setup_tables,
    rollup_tables,
    outbox,
    landing_tables,
    record_tables,
    batch_tables,
    source_tables,
    erasure_tables,
    migration_tables,
    name_tables,
    token_tables,
)  # their import declares the tables
SCHEMAS = ("landing", "ops", "crm")


def test_migrations_from_zero_equal_the_metadata(db: Database) -> None:
    with db.owner_engine().connect() as conn:
        context = MigrationContext.configure(
            conn,
            opts={
                "include_schemas": True,
                "include_name": lambda name, kind, _parents: kind != "schema" or name in SCHEMAS,
                # alembic cannot compare long expressions; the next test but one does, to the letter
                "include_object": lambda _o, name, _k, _r, _c: (
                    name != "alembic_version" and not (name or "").endswith(("_by_name", "_facets"))
                ),
                "compare_type": True,
            },
        )
        assert compare_metadata(context, metadata) == []


def test_the_files_names_are_the_revisions_in_their_order() -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    script = ScriptDirectory.from_config(config)
    assert [r.revision for r in reversed(list(script.walk_revisions()))] == revisions()


def test_migrations_make_the_same_schema_to_the_letter(server: Server, db: Database) -> None:
    """Compare what alembic does not: defaults, CHECKs, predicates of partial indexes."""
    name = "declared"
    admin = create_engine(
        server.url(SUPERUSER, database="postgres"), poolclass=NullPool, isolation_level="AUTOCOMMIT"
    )
    with admin.connect() as conn:
        conn.exec_driver_sql(f"CREATE DATABASE {name} OWNER hub_owner")
    try:
        engine = create_engine(server.url("hub_owner", database=name), poolclass=NullPool)
        with engine.begin() as conn:
            for schema in SCHEMAS:
                conn.exec_driver_sql(f"CREATE SCHEMA {schema}")
            conn.exec_driver_sql("CREATE EXTENSION IF NOT EXISTS pg_trgm")  # as the migrations do
            metadata.create_all(conn)
        migrated = db.owner_engine().url.database
        assert _dump(server, str(migrated)) == _dump(server, name)
    finally:
        with admin.connect() as conn:
            conn.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")


def _dump(server: Server, database: str) -> list[str]:
    schemas = (f"--schema={name}" for name in SCHEMAS)
    return dumped(
        server, database, "--schema-only", *schemas, "--exclude-table=ops.alembic_version"
    )


# Text that cannot name a person, with the reason. Everything else says `personal(...)`.
PLAIN: dict[str, str] = {
    **dict.fromkeys(
        (
            "landing.raw.source", "landing.raw.stream", "landing.head.source",
            "landing.head.stream", "landing.checkpoint.source", "landing.checkpoint.stream",
            "landing.checkpoint.slice", "landing.quarantine.source", "landing.quarantine.stream",
            "ops.source_record.source", "ops.source_record.stream", "ops.verdict.source",
            "ops.verdict.stream", "ops.batch.source", "ops.stage_report.source",
            "ops.stage_report.stream", "crm.owner_identity.source", "crm.ticket.source",
            "ops.drift.source", "ops.drift.stream", "landing.correction.source",
            "landing.correction.stream", "ops.consent_event.source", "ops.consent_event.stream",
            "ops.wanted.source", "ops.wanted.stream",
            "ops.alert_state.subject", "landing.inbox.source", "landing.inbox.stream",
            "landing.seen_delivery.source",
        ),
        "name of a vendor or of one of its streams",
    ),
    **dict.fromkeys(
        (
            "landing.raw.op", "landing.head.op", "landing.quarantine.severity",
            "ops.batch.kind", "ops.batch.lane", "ops.batch.state", "ops.entity.kind",
            "ops.entity.lane", "ops.source_record.target", "ops.source_record.lane",
            "ops.source_record.trust", "ops.source_record.role", "ops.pending.stage",
            "ops.record_version.lane", "ops.record_version.trust", "ops.record_version.role",
            "ops.pending.lane", "ops.edge.judgement", "ops.edge.made_by",
            "ops.review.decision", "ops.edit.field", "ops.consent_event.channel",
            "ops.consent_event.purpose", "ops.consent_event.state", "ops.consent_event.basis",
            "ops.consent_event.voice", "ops.consent_event.said_of", "ops.verdict.verdict",
            "ops.stage_report.stage", "ops.outbox.event", "ops.outbox.state",
            "ops.delivery.channel", "ops.delivery.state", "crm.user.managed_by",
            "crm.user.timezone", "crm.distribution_group.record_kind", "crm.lead.lane",
            "crm.inquiry.channel", "crm.alert.event", "crm.notification_preference.event",
            "crm.notification_preference.web", "crm.notification_preference.email",
            "crm.notification_preference.apprise", "crm.notice_profile.language",
            "crm.notice_profile.quiet_from", "crm.notice_profile.quiet_until",
            "crm.notice_profile.digest_at", "crm.notice_profile.apprise", "ops.outbox.channel",
            "ops.drift.kind", "crm.lead.account_why", "crm.word.kind",
            "ops.alert_state.state", "ops.alert_state.reasons",
        ),
        "word of a closed list of ours",
    ),
    **dict.fromkeys(
        ("landing.raw.version", "landing.inbox.version", "landing.quarantine.mapping_version",
         "ops.source_record.mapping_version", "ops.record_version.mapping_version",
         "ops.source_record.gone_why", "ops.record_version.gone_why",
         "crm.lead.status_set_by",
         "ops.consent_event.mapping_version", "ops.consent_event.disputed_by"),
        "mark of a version",
    ),
    **dict.fromkeys(
        ("crm.distribution_group.name", "ops.assignment.rule", "ops.routing_rules.document"),
        "name that the operator gave in hub.yaml",
    ),
    **dict.fromkeys(
        ("crm.lead.organization_name", "crm.lead.industry", "crm.lead.state", "crm.lead.country",
         "crm.lead.lead_source", "crm.lead.status", "crm.lead.unqualified_reason", "crm.lead.tags",
         "crm.lead.website"),
        "says something of a company or of a deal; the same as in hub.model.entities",
    ),
    **dict.fromkeys(
        ("crm.contact.organization_name", "crm.contact.industry", "crm.contact.state",
         "crm.contact.country", "crm.contact.lead_source", "crm.contact.tags",
         "crm.contact.website", "crm.contact.customer_type", "crm.contact.prospect_type",
         "crm.ticket.status", "crm.ticket.priority", "crm.ticket.ticket_type",
         "crm.ticket.channel", "crm.ticket.group_name", "crm.ticket.satisfaction",
         "crm.ticket.url", "crm.ticket.tags"),
        "says something of a company or of a case; the same as in hub.model.entities",
    ),
    **dict.fromkeys(
        ("ops.stage_report.counts", "ops.assignment.skipped", "ops.assignment.tried",
         "ops.routing_rules.digest", "ops.edge.reasons"),
        "counts, our own ids, names of comparisons",
    ),
    **dict.fromkeys(
        ("ops.outbox.last_error", "ops.delivery.error"),
        "our own words and a reply code; a mail server's text is never kept",
    ),
    **dict.fromkeys(
        ("crm.user.in_yaml", "crm.member.in_yaml"), "leave, pause and capacity as hub.yaml said last",
    ),
    **dict.fromkeys(
        ("crm.user.role", "crm.contact.kept_by", "crm.contact.customer_status", "crm.contact.prospect_status",
         "crm.outcome.kind", "crm.message.kind", "crm.stage.category", "crm.stage_criterion.kind",
         "crm.stage_criterion.severity", "crm.reason.kind", "crm.deal_contact.role",
         "crm.record_source.kind", "crm.custom_field.object", "crm.custom_field.type",
         "crm.layout.object", "crm.smart_link.object", "crm.smart_list.object",
         "crm.deal.currency"),
        "word of a closed list",
    ),
    **dict.fromkeys(
        ("crm.outcome.name", "crm.pipeline.name", "crm.stage.name", "crm.stage_criterion.what",
         "crm.reason.name", "crm.word.name", "crm.word.scope", "crm.lead_status.name", "crm.record_source.name", "crm.custom_field.key",
         "crm.custom_field.name", "crm.custom_field.choices", "crm.layout.sections",
         "crm.smart_link.name", "crm.smart_link.template", "crm.smart_list.name",
         "crm.smart_list.sort", "crm.smart_list.columns", "crm.deal.source", "crm.deal.tags"),
        "name that the team chose for its own way of working",
    ),
    **dict.fromkeys(
        ("ops.lead_rollup.what", "ops.lead_rollup.source", "ops.lead_rollup.status",
         "ops.lead_rollup.currency", "ops.deal_rollup.source", "ops.deal_rollup.currency",
         "ops.stage_rollup.source"),
        "what many records have in common, with their number",
    ),
    "crm.conversion.made": "names of kinds of rows, and our own ids",
    **dict.fromkeys(
        ("crm.deal.given", "crm.task.given", "crm.call.given", "crm.visit.given",
         "crm.message.given", "crm.note.given"),
        "digests of 32 bits, one a column: too short to find a value by",
    ),
    "ops.derivation.name": "word of a closed list of ours",
    "ops.derivation.part": "name of a source's stream",
    "ops.derivation.version": "mark of a version",
    "ops.budget.account": "name of a vendor, and a digest of its address",
    "ops.budget.name": "name of a rate, in the vendor's client",
    "ops.entity.public_id": "a moment, and random",
    "ops.survivorship.document": "rules about fields and sources",
    "ops.match_model.version": "name that a training gave, a count and a number",
    "ops.delivery.message_id": "digest of the event's key",
    "landing.quarantine.field": "path in a mapping",
    "landing.correction.field": "path in a mapping, or in a record",
    "landing.correction.path": "path in a record",
    "ops.drift.field": "key of a source, or path in a mapping",
    "ops.batch.runs": "numbers of Dagster's runs",
    "ops.undo_part.stale": "our own ids",
    "landing.inbox.door": "word of a closed list of ours",
    "landing.inbox.kind": "a vendor's name for what happened",
    "landing.inbox.hash": "digest of the key of a delivery",
    "landing.inbox.correlation_id": "random",
    "landing.arrival.correlation_id": "random",
    "ops.outbox.correlation_id": "random",
    "ops.outbox.source": "name of a source",
    "landing.inbox.last_error": "our own words, without a value of a record",
    "landing.seen_delivery.hash": "digest of the key of a delivery",
    "landing.planned.stream": "name of a source's stream",
    "landing.planned.key": "number of a range",
    "landing.planned.op": "word of a closed list of ours",
    "ops.migration.windows": "names of streams, and moments",
    "ops.migration.fields": "definitions of custom fields, no values of records",
    "ops.migration.defined": "definitions of custom fields, no values of records",
    "ops.migration_range.stream": "name of a source's stream",
    "ops.migration_range.key": "number of a range",
    "ops.migration_range.state": "word of a closed list of ours",
    "ops.plan.stream": "name of a source's stream",
    "ops.plan.verdict": "word of a closed list of ours",
    "ops.plan.kind": "word of a closed list of ours",
    "ops.bulk.verb": "our own word",
    "ops.bulk.kind": "our own word",
    "ops.bulk_item.outcome": "our own word",
    "ops.budget.log": "moments",
    "ops.company_key.hash": "digest of a company's name or domain, or of the one a lead works for",
    "ops.token.name": "name that the team chose for its own way of working",
    "ops.token.hash": "digest of 256 random bits",
    "ops.token.scope": "word of a closed list of ours",
    "ops.subscription.event": "word of a closed list of ours",
    "ops.subscription.url": "address of a program of the team",
    "ops.subscription.removed_why": "sentence of ours; it may name a member of the team or a token",
    "ops.subscription.last_error": "sentence of ours, without any text of the receiver",
    "ops.hook_delivery.event_id": "random",
    "ops.hook_delivery.event": "word of a closed list of ours",
    "ops.hook_delivery.facts": "numbers of our own rows",
    "ops.hook_delivery.state": "word of a closed list of ours",
    "ops.hook_delivery.last_error": "sentence of ours, without any text of the receiver",
    "ops.tombstone.digest": "digest under a key that is not in the database",
    "ops.tombstone.kind": "word of a closed list of ours",
    "ops.name_change.kind": "word of a closed list of ours",
    "ops.name_change.what": "word of a closed list of ours",
    "ops.tombstone.erasure": "random number of an erasure",
    "ops.tombstone.key_id": "digest of a key",
}  # fmt: skip


def _texts() -> dict[str, bool]:
    return {
        f"{table.schema}.{table.name}.{column.name}": bool(column.info.get("personal"))
        for table in metadata.tables.values()
        for column in table.columns
        if isinstance(column.type, Text | JSON | LargeBinary | ARRAY)
        or column.name in ("hash", "letters")
    }


def test_every_text_is_declared_personal_or_has_a_reason_not_to_be() -> None:
    found = _texts()
    undecided = [
        name for name, is_personal in found.items() if not is_personal and name not in PLAIN
    ]
    assert not undecided, "say personal(...) in the table, or why not in this list"
    both = [name for name, is_personal in found.items() if is_personal and name in PLAIN]
    assert not both
    assert not PLAIN.keys() - found.keys(), "the list names columns that are gone"


@pytest.mark.parametrize("field", LEAD_FIELDS, ids=lambda field: field.name)
def test_the_model_and_the_table_agree_what_is_personal(field: Field) -> None:
    column = crm_tables.lead.c[field.name]
    assert bool(column.info.get("personal")) == field.personal
