"""The table of commands: every first word after `hub`, where its code is, and what `hub --help` says.

A line of the table names commands that belong together. Their modules are imported only when one of
them runs (`hub.cli.groups.load`), so nothing here imports them.
"""

from collections.abc import Iterator, Mapping

from hub.frozen import dataclass

_WIDTH = 28  # of the column of names


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the overview.

    Args:
        words: what the commands do, in the imperative.
        places: `module:attribute` by name; a Typer app, or the function of a single command.
    """

    words: str
    places: Mapping[str, str]


SECTIONS: Mapping[str, tuple[Line, ...]] = {
    "Set up": (
        Line("Write hub.yaml, test its logins, show it", {
            "init": "startup:init", "check": "startup:check",
            "config": "configuration:config_app",
        }),
        Line("List, test and preview mappings", {"mappings": "mapping_commands:mappings_app"}),
        Line("Define custom fields and record layouts", {
            "field": "field:field_app", "layout": "link:layout_app", "link": "link:link_app",
        }),
        Line("Define stages, loss reasons, call outcomes", {
            "pipeline": "pipeline:pipeline_app", "reason": "pipeline:reason_app",
            "outcome": "activities:outcome_app",
        }),
        Line("Rename and remove names; tags", {
            "name": "naming:name_app", "tag": "naming:tag_app",
        }),
        Line("Set up users, groups, notices, webhooks", {
            "user": "user:user_app", "group": "group:group_app", "notify": "notifications:notify_app",
            "alerts": "notifications:alerts_app", "token": "token:token_app",
            "webhooks": "webhooks:webhooks_app", "subscription": "subscription:subscription_app",
            "routing": "routing:routing_app",
        }),
    ),
    "Sync": (
        Line("Sync, move or retire a source, undo a batch", {
            "sync": "running:sync", "up": "running:up", "gateway": "gateway:gateway",
            "worker": "worker:worker", "migrate": "migrate:migrate", "import-list": "import_list:import_list",
            "source": "source:source_app",
            "undo": "batches:undo",
        }),
        Line("Show status and batches; prove a batch complete", {
            "status": "running:status", "batches": "batches:batches",
            "reconcile": "reconcile:reconcile",
        }),
        Line("Correct refused values, map records again", {
            "quarantine": "quarantine:quarantine_app", "remap": "running:remap",
        }),
    ),
    "Leads, contacts, companies, deals": (
        Line("Add, assign, convert and edit them", {
            "lead": "people:lead_app", "contact": "people:contact_app",
            "company": "company:company_app", "deal": "people:deal_app",
        }),
        Line("Find records by name, e-mail, phone, company", {"find": "finding:find"}),
        Line("Edit records; show where values come from", {
            "edit": "identity:edit", "bulk": "bulk:bulk_app", "explain": "identity:explain",
        }),
        Line("Merge, unmerge and review duplicate people", {
            "merge": "identity:merge", "unmerge": "identity:unmerge",
            "review": "identity:review_app",
        }),
        Line("Show, edit, plan and log activities", {
            "activities": "activities:activities", "activity": "activities:activity_app",
            "task": "tasks:task_app", "note": "activities:note_app",
            "call": "activities:call_app", "visit": "activities:visit_app",
            "message": "activities:message_app",
        }),
        Line("Show support tickets; turn one into a lead", {
            "tickets": "tickets:tickets_command", "ticket": "tickets:ticket_app",
        }),
        Line("Record consent; erase a person", {
            "consent": "consent:consent_app", "erase": "erase:erase",
        }),
    ),
    "Lists and reports": (
        Line("Save, run and count lists of records", {"list": "lists:list_app"}),
        Line("Report on sales, sources and response times", {
            "report": "reports:report_command"
        }),
        Line("Read the database with a SELECT", {"sql": "running:sql"}),
    ),
    "Operate": (
        Line("Write or restore a backup; upgrade", {
            "backup": "backups:backup", "restore": "backups:restore",
            "upgrade": "upgrading:upgrade",
        }),
        Line("Show and train the model that matches people", {
            "match": "match_commands:match_app"
        }),
        Line("Try the hub without an account or a database", {
            "demo": "trial:demo", "sandbox": "trial:sandbox", "dedupe": "trial:dedupe",
        }),
    ),
}  # fmt: skip
"""Every command, by the part of the work that it belongs to."""

PLURALS: Mapping[str, str] = {
    "leads": "lead", "contacts": "contact", "deals": "deal", "companies": "company",
    "lists": "list", "tasks": "task", "notes": "note", "calls": "call", "visits": "visit",
    "messages": "message", "fields": "field", "pipelines": "pipeline", "reasons": "reason",
    "outcomes": "outcome", "links": "link", "layouts": "layout", "users": "user",
    "groups": "group", "tags": "tag", "names": "name", "sources": "source",
    "subscriptions": "subscription",
}  # fmt: skip
"""Plurals as people type them: `hub deals` is `hub deal list`, `hub deals add` is `hub deal add`."""


def places() -> dict[str, str]:
    """Return `module:attribute` of every command by its name; modules without `hub.cli.`."""
    return {name: place for line in _lines() for name, place in line.places.items()}


def words_of(name: str) -> str:
    """Return what the overview says of a command."""
    return next(line.words for line in _lines() if name in line.places)


def _lines() -> Iterator[Line]:
    for lines in SECTIONS.values():
        yield from lines


def overview() -> str:
    """Return what `hub --help` prints: at most 80 columns and 40 lines."""
    found = [
        "Usage: hub COMMAND …          hub COMMAND --help shows arguments",
        "",
        "Lead Hub: leads from many vendors, one clean CRM, an owner for every lead.",
    ]
    for title, lines in SECTIONS.items():
        found += ["", title]
        for line in lines:
            names = " ".join(line.places)
            if len(names) > _WIDTH - 3:
                found += [f"  {names}", f"{'':{_WIDTH}}{line.words}"]
            else:
                found.append(f"  {names:{_WIDTH - 2}}{line.words}")
    found += [
        "",
        "Of every command: --json, --wide (all columns), --config FILE, --as USER",
    ]
    return "\n".join(found)
