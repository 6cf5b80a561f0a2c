"""Actors x actions: who may do what, for every action there is; nobody unknown acts.

An action is a public function of `hub.actions` that takes a `Context` first (or an `Acting`, where it
opens its own transactions). One without a row below fails the test, so does a row without an action.
"""

import ast
import importlib
import inspect
import pkgutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, cast

import pytest
from sqlalchemy import Connection, Engine

import hub
from hub import actions
from hub.actions import reading, report, rights
from hub.actions.activities import activity, outcome, task, timeline
from hub.actions.batches import migrate, planned_fields, undo
from hub.actions.bulk import run as bulk
from hub.actions.bulk import take_back
from hub.actions.companies import company, named, questions
from hub.actions.companies import merge as firms
from hub.actions.companies import people as works
from hub.actions.context import Acting, Actor, Context, MachineOwner, Member, Source
from hub.actions.deals import clone_deal, deal, deal_parts, move_deal
from hub.actions.identity import consent, consent_changes, duplicates, explain, merge, review
from hub.actions.identity import erase as erasing
from hub.actions.leads import convert, reopen, status, ticket_lead
from hub.actions.people import add_person, assign, assign_list, edit
from hub.actions.setup import (
    criteria,
    custom_field,
    custom_field_list,
    groups,
    layout,
    name_history,
    naming,
    notifications,
    pipeline,
    reasons,
    smart_link,
    smart_list,
    sources,
    subscriptions,
    team,
    tokens,
    webhooks,
)
from hub.clock import SystemClock
from hub.crm import contacts, owners
from hub.crm.custom_fields import CustomField
from hub.crm.smart_links import SmartLink
from hub.db.place import Place
from hub.errors import ActionError
from hub.etl import companies, flow, load
from hub.etl.context import Hub
from hub.lists.document import read
from hub.model.verdicts import Judgement
from hub.notify.preferences import Mode
from hub.records import erasure_list
from hub.records.erasure_key import make_key
from hub.settings import Settings
from hub.settings.sources import SourceSettings, TypeformSettings
from hub.views.lists import Filters
from tests.acting import OPERATOR, acting, by
from tests.flow.conftest import (
    World,
    hubspot_contact,
    mailchimp_member,
    salesforce_lead,
    zendesk_ticket,
    zendesk_user,
)

ANN, BOB = "ann@team.example.com", "bob@team.example.com"
MEG, ADA = "meg@team.example.com", "ada@team.example.com"
EYE, LEFT = "eye@team.example.com", "left@team.example.com"
TEAM = {ANN: "rep", BOB: "rep", MEG: "manager", ADA: "admin", EYE: "viewer", LEFT: "admin"}
CLOCK = SystemClock()
SETTINGS = Settings(home=Path(), sources=SourceSettings(typeform=TypeformSettings()))
DOCUMENT = read({"object": "lead"})


@dataclass(frozen=True)
class Side:
    """A record of a rep, fed by a source: Ann's by Salesforce, or Bob's by HubSpot."""

    owner: str
    leads: tuple[str, ...]
    records: tuple[str, ...]
    absorbed: str
    contact: str
    deal: str
    ticket: str
    task: str
    done_task: str
    note: str
    list: str
    batch: int


@dataclass(frozen=True)
class Column:
    """An actor, and the side whose records they turn to."""

    name: str
    actor: Actor
    is_own: bool = True


# columns: none, empty x 3, unknown, unknown source, deactivated, viewer, rep on own and on another's,
# manager, admin, source on own and on another's, the machine's owner
_NEVER = "......."
READ = f"{_NEVER} y yy yy .. y"
WORK = f"{_NEVER} . y. yy y. y"
TYPE = f"{_NEVER} . y. yy .. y"
ADD = f"{_NEVER} . yy yy .. y"
SET_UP = f"{_NEVER} . .. .y .. y"
SELF = f"{_NEVER} . y. .y .. y"
OWN_LIST = f"{_NEVER} . y. .y .. y"

Call = Callable[[Context, Side], Any]
TABLE: Mapping[str, tuple[str, Call]] = {
    "activities.activity.write": (WORK, lambda c, s: activity.write(c, "note", s.leads[0], {"content": "x"})),
    "activities.activity.edit": (WORK, lambda c, s: activity.edit(c, s.note, {"content": "y"})),
    "activities.activity.archive": (WORK, lambda c, s: activity.archive(c, s.note)),
    "activities.activity.find": (WORK, lambda c, s: activity.find(c, s.note)),
    "people.add_person.add": (ADD, lambda c, _: add_person.add(
        c, "lead", {"last_name": "Quill"}, region="FR")),
    "companies.company.add": (ADD, lambda c, _: company.add(c, {"company": "Quill Works"}, region="FR")),
    "companies.company.change": (TYPE, lambda c, s: company.change(c, _firm(c, s), {"city": "Oslo"})),
    "companies.merge.merge": (TYPE, lambda c, s: firms.merge(c, _firm(c, s), _firm(c, s, "Ridge Ceramics"))),
    "companies.merge.unmerge": (TYPE, lambda c, s: firms.unmerge(c, _merged(c, s))),
    "companies.merge.decide": (TYPE, lambda c, s: firms.decide(
        c, _firm(c, s), _firm(c, s, "Ridge Ceramics"), Judgement.DIFFERENT)),
    "companies.people.link": (WORK, lambda c, s: works.link(c, s.contact, _firm(c, s))),
    "companies.people.unlink": (WORK, lambda c, s: works.unlink(c, _linked(c, s))),
    "companies.people.take_back": (WORK, lambda c, s: works.take_back(c, _linked(c, s))),
    "companies.questions.open_questions": (READ, lambda c, _: questions.open_questions(c)),
    "companies.questions.answer": (TYPE, lambda c, s: questions.answer(c, _asked(c, s), Judgement.SAME)),
    "people.assign.assign": (TYPE, lambda c, s: assign.assign(c, "lead", [s.leads[0]], MEG)),
    "people.assign.assign_many": (TYPE, lambda c, s: assign.assign_many(c, "lead", [_number(s.leads[0])], MEG)),
    # a shared list of one owner's leads: who may not give them away is refused
    "people.assign_list.assign_list": (TYPE, lambda c, s: assign_list.assign_list(
        c, "lead", name=s.list, to=MEG)),
    "deals.clone_deal.clone": (TYPE, lambda c, s: clone_deal.clone(c, s.deal)),
    "identity.erase.erasures": (SET_UP, lambda c, _: erasing.erasures(c)),
    "identity.consent.show": (READ, lambda c, s: consent.show(c, s.leads[0], region="FR", home=Path())),
    "identity.consent.correct": (SET_UP, lambda c, _: consent.correct(
        c, [consent.About("a@x.example", "email", "marketing")] * 2, consent.Grounds("r", "p"))),
    "identity.consent.correct_batch": (SET_UP, lambda c, s: consent.correct_batch(
        c, s.batch, consent.Grounds("r", "p"))),
    "identity.consent.refuse": (WORK, lambda c, s: consent.refuse(
        c, s.leads[0], channel="email", reason="asked to")),
    "identity.consent_changes.held": (READ, lambda c, _: consent_changes.held(c)),
    "leads.convert.convert": (WORK, lambda c, s: convert.convert(c, s.leads[0])),
    "setup.custom_field.add": (SET_UP, lambda c, _: custom_field.add(
        c, CustomField("lead", "", "Colour", "text"))),
    "setup.custom_field.edit": (SET_UP, lambda c, _: custom_field.edit(c, "lead", "tier", name="Rank")),
    "setup.custom_field.remove": (SET_UP, lambda c, _: custom_field.remove(c, "lead", "tier")),
    "deals.deal.add": (ADD, lambda c, s: deal.add(c, deal.NewDeal("More", s.contact, "EUR"))),
    "deals.deal.edit": (TYPE, lambda c, s: deal.edit(c, s.deal, {"value": 7})),
    "deals.deal.archive": (TYPE, lambda c, s: deal.archive(c, s.deal)),
    "deals.deal.opened": (TYPE, lambda c, s: deal.opened(c, s.deal)),
    "deals.deal_parts.associate": (TYPE, lambda c, s: deal_parts.associate(c, s.deal, _partner(c))),
    "deals.deal_parts.dissociate": (TYPE, lambda c, s: deal_parts.dissociate(c, s.deal, _taking_part(c, s))),
    "deals.deal_parts.check": (TYPE, lambda c, s: deal_parts.check(c, s.deal, "Budget")),
    "identity.duplicates.likely": (READ, lambda c, _: duplicates.likely(c, {"last_name": "Quill"})),
    "people.edit.edit": (TYPE, lambda c, s: edit.edit(c, s.leads[0], {"city": "Oslo"})),
    "people.edit.take_back": (TYPE, lambda c, s: edit.take_back(c, s.leads[0], "city")),
    "identity.explain.explain": (READ, lambda c, s: explain.explain(c, s.leads[0])),
    "setup.sources.listed": (READ, lambda c, _: sources.listed(c, SETTINGS)),
    "setup.sources.show": (READ, lambda c, _: sources.show(c, SETTINGS, "typeform")),
    "setup.sources.set_role": (SET_UP, lambda c, _: sources.set_role(
        c, SETTINGS, Path("hub.yaml"), "typeform", "follow")),  # it is followed: no file is written
    "setup.groups.listed": (READ, lambda c, _: groups.listed(c)),
    "setup.groups.show": (READ, lambda c, _: groups.show(c, "sales")),
    "setup.groups.add": (SET_UP, lambda c, _: groups.add(c, "East", "deal", [MEG])),
    "setup.groups.rename": (SET_UP, lambda c, _: groups.rename(c, "sales", "West")),
    "setup.groups.remove": (SET_UP, lambda c, _: groups.remove(c, "sales")),
    "setup.groups.add_member": (SET_UP, lambda c, _: groups.add_member(c, "sales", MEG)),
    "setup.groups.edit_member": (SET_UP, lambda c, _: groups.edit_member(
        c, "sales", _member(c), groups.Change(weight=2))),
    "setup.groups.remove_member": (SET_UP, lambda c, _: groups.remove_member(c, "sales", _member(c))),
    "setup.subscriptions.add": (SET_UP, lambda c, _: _subscribed(c)),
    "setup.subscriptions.listed": (SET_UP, lambda c, _: subscriptions.listed(c)),
    "setup.subscriptions.remove": (SET_UP, lambda c, _: subscriptions.remove(c, _subscription(c))),
    "setup.subscriptions.deliveries": (SET_UP, lambda c, _: subscriptions.deliveries(c, _subscription(c))),
    "setup.subscriptions.replay": (SET_UP, lambda c, _: subscriptions.replay(c, _subscription(c))),
    "setup.subscriptions.secret": (SET_UP, lambda c, _: _secret(c)),
    "setup.tokens.create": (SET_UP, lambda c, _: tokens.create(c, "website")),
    "setup.tokens.listed": (SET_UP, lambda c, _: tokens.listed(c)),
    "setup.tokens.revoke": (SET_UP, lambda c, _: tokens.revoke(c, tokens.create(by(c.conn, OPERATOR), "w").name)),
    "setup.team.listed": (READ, lambda c, _: team.listed(c)),
    "setup.team.show": (READ, lambda c, s: team.show(c, s.owner)),
    "setup.team.add": (SET_UP, lambda c, _: team.add(c, "new@team.example.com", "New")),
    "setup.team.edit": (SET_UP, lambda c, s: team.edit(c, s.owner, name="Else")),
    "setup.team.away": (OWN_LIST, lambda c, s: team.away(c, s.owner)),
    "setup.team.pause": (OWN_LIST, lambda c, s: team.pause(c, s.owner)),
    "setup.team.back": (OWN_LIST, lambda c, s: team.back(c, s.owner)),
    "setup.team.activate": (SET_UP, lambda c, _: team.activate(c, LEFT)),
    "setup.team.deactivate": (SET_UP, lambda c, s: team.deactivate(c, s.owner, to=[MEG])),
    "setup.notifications.show": (SELF, lambda c, s: notifications.show(c, s.owner)),
    "setup.notifications.set_profile": (
        SELF, lambda c, s: notifications.set_profile(c, notifications.Wanted(language="fr"), email=s.owner)),
    "setup.notifications.set_": (SELF, lambda c, s: notifications.set_(c, "lead_assigned", mail=Mode.OFF, email=s.owner)),
    "setup.notifications.alerts_of": (SELF, lambda c, s: notifications.alerts_of(c, s.owner)),
    "setup.notifications.read": (SELF, lambda c, s: notifications.read(c, None, s.owner)),
    "setup.naming.listed": (READ, lambda c, _: naming.listed(c, "status")),
    "setup.naming.uses": (READ, lambda c, _: naming.uses(c, "status", "New")),
    "setup.naming.rename": (SET_UP, lambda c, _: naming.rename(c, "status", "Working", "Warm")),
    "setup.naming.remove": (SET_UP, lambda c, _: naming.remove(c, "status", "Working", into="New")),
    "setup.layout.show": (READ, lambda c, _: layout.show(c, "lead")),
    "setup.layout.set_": (SET_UP, lambda c, _: layout.set_(c, "lead", None)),
    "identity.merge.merge": (TYPE, lambda c, s: merge.merge(c, s.leads[0], s.leads[1])),
    "identity.merge.unmerge": (TYPE, lambda c, s: merge.unmerge(c, s.absorbed)),
    "deals.move_deal.move": (TYPE, lambda c, s: move_deal.move(c, s.deal, "Won")),
    "activities.outcome.add": (SET_UP, lambda c, _: outcome.add(c, "call", "Reached")),
    "setup.pipeline.add": (SET_UP, lambda c, _: pipeline.add(
        c, "Second", [pipeline.NewStage("Due", 5)], most=9)),
    "setup.pipeline.rename": (SET_UP, lambda c, _: pipeline.rename(c, "Upsell", "More")),
    "setup.pipeline.disable": (SET_UP, lambda c, _: pipeline.disable(c, "Upsell")),
    "setup.pipeline.remove_stage": (SET_UP, lambda c, _: pipeline.remove_stage(
        c, "Sales", "Quote", into="Qualified")),
    "setup.pipeline.archive": (SET_UP, lambda c, _: pipeline.archive(c, "Upsell")),
    "setup.pipeline.restore": (SET_UP, lambda c, _: pipeline.restore(c, "Upsell", most=9)),
    "setup.pipeline.enable": (SET_UP, lambda c, _: pipeline.enable(c, "Upsell", most=9)),
    "setup.pipeline.add_stage": (SET_UP, lambda c, _: pipeline.add_stage(
        c, "Upsell", pipeline.NewStage("Demo", 30))),
    "setup.pipeline.edit_stage": (SET_UP, lambda c, _: pipeline.edit_stage(
        c, "Upsell", "Offer", likelihood=7)),
    "setup.criteria.add_criterion": (SET_UP, lambda c, _: criteria.add_criterion(
        c, ("Upsell", "Offer"), "check", "Called")),
    "setup.criteria.drop_criterion": (SET_UP, lambda c, _: criteria.drop_criterion(
        c, ("Sales", "Incoming"), "Budget")),
    "setup.reasons.add_reason": (SET_UP, lambda c, _: reasons.add_reason(c, "loss", "Moved away")),
    "leads.reopen.reopen": (WORK, lambda c, s: reopen.reopen(c, s.leads[2])),
    "report.refresh": (SET_UP, lambda c, _: report.refresh(c)),
    "report.report": (READ, lambda c, _: report.report(c, "leads", report.Asked())),
    "identity.review.open_pairs": (READ, lambda c, _: review.open_pairs(c)),
    "identity.review.decide": (TYPE, lambda c, s: review.decide(
        c, s.records[0], s.records[1], Judgement.DIFFERENT)),
    "reading.show": (READ, lambda c, s: reading.show(c, "deal", s.deal)),
    "reading.find": (READ, lambda c, _: reading.find(c, "Quill")),
    "reading.listed": (READ, lambda c, _: reading.listed(c, "deal", Filters())),
    "setup.smart_link.add": (SET_UP, lambda c, _: smart_link.add(
        c, SmartLink("lead", "Map", "https://maps.example.com/?q={email}"))),
    "setup.smart_link.listed": (READ, lambda c, _: smart_link.listed(c)),
    "setup.smart_link.remove": (SET_UP, lambda c, _: smart_link.remove(c, "lead", "Bills")),
    "setup.smart_link.opened": (READ, lambda c, s: smart_link.opened(c, "Bills", s.leads[0])),
    "setup.custom_field_list.define": (SET_UP, lambda c, _: custom_field_list.define(c, [])),
    "setup.name_history.newest": (READ, lambda c, _: name_history.newest(c)),
    "setup.smart_list.add": (ADD, lambda c, _: smart_list.add(c, "Fresh", DOCUMENT)),
    "setup.smart_list.edit": (OWN_LIST, lambda c, s: smart_list.edit(c, s.list, DOCUMENT)),
    "setup.smart_list.shown": (READ, lambda c, _: smart_list.shown(c, [])),
    "setup.smart_list.visible": (READ, lambda c, _: smart_list.visible(c)),
    "setup.smart_list.rename": (OWN_LIST, lambda c, s: smart_list.rename(c, s.list, "Other name")),
    "setup.smart_list.share": (OWN_LIST, lambda c, s: smart_list.share(c, s.list)),
    "setup.smart_list.remove": (OWN_LIST, lambda c, s: smart_list.remove(c, s.list)),
    "setup.smart_list.find": (READ, lambda c, s: smart_list.find(c, s.list)),
    "setup.smart_list.asking": (READ, lambda c, _: smart_list.asking(c)),
    "setup.smart_list.query": (READ, lambda c, _: smart_list.query(c, DOCUMENT)),
    "setup.smart_list.page": (READ, lambda c, _: smart_list.page(c, DOCUMENT)),
    "setup.smart_list.count": (READ, lambda c, _: smart_list.count(c, DOCUMENT)),
    "setup.smart_list.selection": (READ, lambda c, s: smart_list.selection(c, s.list)),
    "leads.status.set_status": (WORK, lambda c, s: status.set_status(c, [s.leads[0]], "Working")),
    "leads.status.add_status": (SET_UP, lambda c, _: status.add_status(c, "Warm")),
    "leads.status.add_reason": (SET_UP, lambda c, _: status.add_reason(c, "Too small")),
    "activities.task.add": (WORK, lambda c, s: task.add(c, {"content": "Ring"}, on=s.leads[0])),
    "activities.task.complete": (WORK, lambda c, s: task.complete(c, s.task)),
    "activities.task.reopen": (WORK, lambda c, s: task.reopen(c, s.done_task)),
    "activities.task.assign": (WORK, lambda c, s: task.assign(c, s.task, MEG)),
    "activities.task.open_tasks": (READ, lambda c, _: task.open_tasks(c)),
    "leads.ticket_lead.tickets": (READ, lambda c, s: ticket_lead.tickets(c, s.leads[0])),
    "leads.ticket_lead.make_lead": (WORK, lambda c, s: ticket_lead.make_lead(c, s.ticket)),
    "activities.timeline.of": (READ, lambda c, s: timeline.of(c, s.leads[0])),
    "rights.require": (WORK, lambda c, s: rights.require(
        c, rights.Right.WORK, _user(c, s.owner), entities=[_entity(c, s)])),
}  # fmt: skip
OPENING = {
    "batches.undo.undo_batch": (SET_UP, undo.undo_batch),
    "batches.undo.preview_undo": (SET_UP, undo.preview_undo),
    # of each record it is asked as well: others' are refused and counted (`test_bulk`)
    "bulk.run.run": (ADD, lambda engine, acting, _: bulk.run(engine, acting, _TAGGED)),
    # what somebody else began
    "bulk.run.resume": (SET_UP, lambda e, acting, _: bulk.resume(e, acting, _bulk(e))),
    "bulk.take_back.preview": (SET_UP, lambda e, acting, _: take_back.preview(e, acting, _bulk(e))),
    "bulk.take_back.take_back": (
        SET_UP,
        lambda e, acting, _: take_back.take_back(e, acting, _bulk(e)),
    ),
}
# nobody is erased here: who may gets as far as to be told that there is no such person, or no work left
_GONE = "never.seen@example.com"
NOWHERE = cast("Place", None)  # who may not never gets to the place of the database
MIGRATING: Mapping[str, Callable[[Hub, Acting], Any]] = {
    "batches.migrate.inventory": lambda hub, acts: migrate.inventory(hub, acts, "salesforce"),
    "batches.migrate.read_source": lambda hub, acts: migrate.read_source(hub, acts, "salesforce"),
    "batches.migrate.dry_run": lambda hub, acts: migrate.dry_run(hub, NOWHERE, acts, "salesforce"),
    "batches.migrate.run": lambda hub, acts: migrate.run(hub, acts, "salesforce"),
    "batches.migrate.apply_plan": lambda hub, acts: migrate.apply_plan(hub, NOWHERE, acts, 999),
    "batches.migrate.schedule": lambda hub, acts: migrate.schedule(
        hub, acts, "salesforce", "in 2 hours"
    ),
    "batches.planned_fields.preview": lambda hub, acts: planned_fields.preview(hub, acts, 999),
    "batches.planned_fields.define": lambda hub, acts: planned_fields.define(hub, acts, 999),
    "batches.migrate.discard": lambda hub, acts: migrate.discard(hub, acts, 999),
    "setup.webhooks.check": webhooks.check,
    "setup.webhooks.plan": webhooks.plan,
    "setup.webhooks.register": lambda hub, acts: webhooks.register(hub, acts, []),
}
ERASING: dict[str, Callable[[Engine, Acting, Path], Any]] = {
    "identity.erase.erase": lambda e, a, home: erasing.erase(e, a, _GONE, home=home, region="FR"),
    "identity.erase.preview_erase": lambda e, a, home: erasing.preview_erase(
        e, a, _GONE, home=home, region="FR"
    ),
    "identity.erase.resume_erase": lambda e, a, home: erasing.resume_erase(e, a, home=home),
    "identity.erase.erase_again": lambda e, a, home: erasing.erase_again(e, a, home=home),
}
# parts of actions, which call them when they have asked; nothing outside of `hub.actions` does
PARTS = {
    "leads.status.set_many",
    "people.edit.edit_many",
    "people.edit.revoke_many",
    "people.edit.check",
    "activities.activity.alter",
    "deals.deal.typed",
    "leads.convert.convert_all",
    "leads.making.make_all",
    "leads.making.set_owner",
    "leads.reopen.reopen_all",
    "identity.decisions.apply",
    "identity.decisions.decide",
    "companies.choice.choose",
    "companies.choice.choose_all",
    "companies.employer.companies_of",
    "companies.employer.keep_all",
    "companies.employer.employ",
    "companies.employer.keep",
    "companies.merge.make_one",
    "companies.merge.keep_apart",
    "companies.merge.regroup",
}


def _firm(ctx: Context, side: Side, name: str = "Quill Works", city: str = "Oslo") -> str:
    """A company that the side's rep owns."""
    conn = ctx.conn
    entity = companies.make(conn, {"organization_name": name, "city": city})
    load.refold(conn, [entity])
    contacts.set_owner(conn, entity, _user(ctx, side.owner))
    return f"contact/{named.contact_id(conn, entity)}"


def _merged(ctx: Context, side: Side) -> str:
    """A company that was merged into an older one."""
    one, other = _firm(ctx, side), _firm(ctx, side, "Ridge Ceramics")
    firms.merge(by(ctx.conn, OPERATOR), one, other)
    return other


def _linked(ctx: Context, side: Side) -> str:
    """A person whom a user linked to a company."""
    works.link(by(ctx.conn, OPERATOR), side.contact, _firm(ctx, side))
    return side.contact


def _asked(ctx: Context, side: Side) -> str:
    """A question about two companies of one short name."""
    for city in ("Oslo", "Bergen"):
        _firm(ctx, side, "Quill", city)
    return "company/quill"


_TAGGED = bulk.Asked("tag", {"tags": ["new"]}, names=["lead/1"])


def _bulk(engine: Engine) -> int:
    """A bulk action that another user began."""
    return bulk.run(engine, acting(OPERATOR), _TAGGED).batch or 0


def _number(name: str) -> int:
    return int(name.partition("/")[2])


def _entity(ctx: Context, side: Side) -> int:
    return int(_scalar(ctx.conn, "SELECT entity_id FROM crm.lead WHERE id = :n", n=_number(side.leads[0])))  # fmt: skip


def _user(ctx: Context, email: str) -> int:
    return int(_scalar(ctx.conn, 'SELECT id FROM crm."user" WHERE email = :e', e=email))


def _scalar(conn: Connection, statement: str, **values: Any) -> Any:
    from sqlalchemy import text

    return conn.execute(text(statement), values).scalar_one()


def _member(ctx: Context) -> str:
    return groups.show(by(ctx.conn, OPERATOR), "sales").members[0].email


def _subscribed(ctx: Context) -> subscriptions.NewSubscription:
    with tempfile.TemporaryDirectory() as home:
        url = "https://hooks.example.com/1"
        return subscriptions.add(ctx, url, "lead.created", home=Path(home), allowed=())


def _subscription(ctx: Context) -> int:
    return _subscribed(by(ctx.conn, OPERATOR)).id


def _secret(ctx: Context) -> subscriptions.NewSubscription:
    number = _subscription(ctx)
    with tempfile.TemporaryDirectory() as home:
        return subscriptions.secret(ctx, number, home=Path(home))


def _partner(ctx: Context) -> str:
    """A contact who takes part in no deal."""
    return f"contact/{_scalar(ctx.conn, _PARTNER)}"


_PARTNER = "SELECT min(id) FROM crm.contact WHERE last_name = 'Partner'"


def _taking_part(ctx: Context, side: Side) -> str:
    """A contact who takes part in the deal: written by a hand that may."""
    partner = _partner(ctx)
    deal_parts.associate(by(ctx.conn, OPERATOR), side.deal, partner)
    return partner


def _records(world: World, source: str, stream: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The leads of a source and their records, in the records' order."""
    rows = world.rows(
        "SELECT l.id, s.source_id FROM ops.source_record s JOIN crm.lead l USING (entity_id) "
        "WHERE s.source = :source AND s.stream = :stream AND s.target = 'person' "
        "ORDER BY s.source_id",
        source=source, stream=stream,
    )  # fmt: skip
    assert len(rows) == 5
    leads = tuple(f"lead/{row.id}" for row in rows)
    return leads, tuple(f"{source}/{stream}/{row.source_id}" for row in rows)


def _people(side: str) -> list[tuple[str, str]]:
    return [(f"{side}{n}", f"p{n}@{side}{n}.example.com") for n in range(1, 6)]


@pytest.fixture
def sides(world: World) -> tuple[Side, Side]:
    """A small house: two reps, two sources, and one of everything of each."""
    with world.db.engine.begin() as conn:
        owners.apply_people(
            conn,
            [owners.Person(e, e.split("@")[0].title(), e != LEFT, "UTC", {}, r) for e, r in TEAM.items()],
        )  # fmt: skip
    world.add("salesforce", "leads", *(
        salesforce_lead(n, LastName=name, Email=mail)
        for n, (name, mail) in enumerate(_people("Umber"), 1)
    ))  # fmt: skip
    world.add("hubspot", "contacts", *(
        hubspot_contact(n, lastname=name, email=mail)
        for n, (name, mail) in enumerate(_people("Welkin"), 1)
    ), hubspot_contact(9, lastname="Partner", email="p@partner.example.com",
                       lifecyclestage="customer"))  # fmt: skip
    world.add("mailchimp", "members", mailchimp_member("a", email_address="m@chimp.example.com",
                                                       member_rating=5))  # fmt: skip
    for n, (name, mail) in enumerate((_people("Umber")[0], _people("Welkin")[0]), 1):
        world.add("zendesk", "users", zendesk_user(n, name=f"Lea {name}", email=mail))
        world.add("zendesk", "tickets", zendesk_ticket(n, requester_id=n, subject="Hm"))
    assert flow.sync(world.hub, ["salesforce", "hubspot", "zendesk", "mailchimp"]).holds
    with world.db.engine.begin() as conn:
        boss = by(conn, OPERATOR)
        custom_field.add(boss, CustomField("lead", "tier", "Tier", "text"))
        pipeline.add(boss, "Upsell", [pipeline.NewStage("Offer", 50)], most=9)
        criteria.add_criterion(boss, ("Sales", "Incoming"), "check", "Budget")
        smart_link.add(boss, SmartLink("lead", "Bills", "https://bills.example.com/?q={email}"))
    made = [
        _side(world, owner, source, stream, f"zendesk/tickets/{n}")
        for n, (owner, source, stream) in enumerate(
            ((ANN, "salesforce", "leads"), (BOB, "hubspot", "contacts")), 1
        )
    ]
    return made[0], made[1]


def _side(world: World, owner: str, source: str, stream: str, ticket: str) -> Side:
    leads, records = _records(world, source, stream)
    with world.db.engine.begin() as conn:
        boss = by(conn, OPERATOR)
        assign.assign(boss, "lead", leads, owner)
        done = convert.convert(boss, leads[2])
        merged = merge.merge(boss, leads[3], leads[4])
        note = activity.write(boss, "note", leads[0], {"content": "x"})
        todo = task.add(boss, {"content": "x"}, on=leads[0])
        closed = task.add(boss, {"content": "y"}, on=leads[0])
        task.complete(boss, closed.name)
        name = f"Leads of {source}"
        mine = read({"object": "lead", "filter": {"field": "owner", "op": "is", "value": owner}})
        smart_list.add(by(conn, owner), name, mine, is_shared=True)
        absorbed = _scalar(conn, "SELECT id FROM crm.lead WHERE entity_id = :e", e=merged.absorbed)
    batch = world.rows("SELECT max(id) AS id FROM ops.batch WHERE source = 'mailchimp'")[0].id
    return Side(owner, leads, records, f"lead/{absorbed}", f"contact/{done.person_id}", f"deal/{done.deal_id}",
                ticket, todo.name, closed.name, note.name, name, batch)  # fmt: skip


def columns(world: World) -> list[Column]:
    ids = {row.email: row.id for row in world.rows('SELECT id, email FROM crm."user"')}

    def member(email: str, role: str | None = None) -> Member:
        return Member(ids[email], email, role or TEAM[email])

    return [
        Column("none", cast(Actor, None)),
        Column("empty login", MachineOwner("")),
        Column("empty member", Member(0, "", "admin")),
        Column("empty source", Source("")),
        Column("unknown", Member(10**6, "nobody@team.example.com", "admin")),
        Column("unknown source", Source("nobody")),
        Column("deactivated", member(LEFT)),
        Column("viewer", member(EYE, "admin")),  # what the value claims is not asked
        Column("rep on own", member(ANN)),
        Column("rep on another's", member(ANN), is_own=False),
        Column("manager", member(MEG)),
        Column("admin", member(ADA)),
        Column("source on own", Source("salesforce")),
        Column("source on another's", Source("salesforce"), is_own=False),
        Column("machine's owner", MachineOwner("root")),
    ]


def answer(world: World, call: Callable[[Connection], Any]) -> str:
    """Whether it was done; nothing is kept."""
    with world.db.engine.connect() as conn, conn.begin() as transaction:
        said = said_of(lambda: call(conn))
        transaction.rollback()
    return said


def _answer_to(world: World, call: Call, column: Column, side: Side) -> str:
    return answer(world, lambda conn: call(Context(conn, column.actor, CLOCK), side))


def said_of(call: Callable[[], Any]) -> str:
    """`y` if it was done, `.` if they may not, else what is wrong with the call itself."""
    try:
        call()
    except ActionError as error:
        return "." if error.code == "forbidden" else f"<{error.message}>"
    return "y"


def test_every_action_answers_every_actor_as_the_table_says(
    world: World, sides: tuple[Side, Side]
) -> None:
    own, other = sides
    wrong = {}
    asked = columns(world)
    for name, (expected, call) in TABLE.items():
        answers = [
            _answer_to(world, call, column, own if column.is_own else other) for column in asked
        ]
        if answers != list(expected.replace(" ", "")):
            wrong[name] = dict(zip([c.name for c in asked], answers, strict=True))
    assert not wrong


@pytest.mark.parametrize("name", OPENING)
def test_what_opens_its_own_transactions_answers_as_the_table_says(
    world: World, sides: tuple[Side, Side], name: str
) -> None:
    expected, verb = OPENING[name]
    got = ""
    for column in columns(world):
        acting: Acting = lambda conn, c=column: Context(conn, c.actor, CLOCK)  # type: ignore[misc]
        got += said_of(lambda acting=acting: verb(world.db.engine, acting, sides[0].batch))  # type: ignore[misc]
    assert got == expected.replace(" ", "")


@pytest.mark.parametrize("name", ERASING)
def test_only_who_sets_up_may_erase(
    world: World, sides: tuple[Side, Side], name: str, tmp_path: Path
) -> None:
    make_key(tmp_path)
    erasure_list.append(
        tmp_path, []
    )  # a home that has erased: there may be somebody to erase again
    got = ""
    for column in columns(world):
        acting: Acting = lambda conn, c=column: Context(conn, c.actor, CLOCK)  # type: ignore[misc]
        said = said_of(lambda acting=acting: ERASING[name](world.db.engine, acting, tmp_path))  # type: ignore[misc]
        got += "." if said == "." else "y"
    assert got == SET_UP.replace(" ", "")


@pytest.mark.parametrize("name", MIGRATING)
def test_only_who_sets_up_may_migrate_and_register_webhooks(
    world: World,
    sides: tuple[Side, Side],
    name: str,
) -> None:
    got = ""
    for column in columns(world):
        acting: Acting = lambda conn, c=column: Context(conn, c.actor, CLOCK)  # type: ignore[misc]
        try:
            said = said_of(lambda acting=acting: MIGRATING[name](world.hub, acting))  # type: ignore[misc]
        except AttributeError:  # the place of the database was looked at, so the right was there
            said = "y"
        got += "." if said == "." else "y"
    assert got == SET_UP.replace(" ", "")


def _modules() -> Iterator[Any]:
    for found in pkgutil.walk_packages(actions.__path__, "hub.actions."):
        yield importlib.import_module(found.name)


@cache
def _public() -> dict[str, list[Any]]:
    """Return the parameters of each public function of the package, by their annotations."""
    return {
        f"{module.__name__.removeprefix('hub.actions.')}.{name}": [
            p.name if p.name == "who" else p.annotation
            for p in inspect.signature(function).parameters.values()
        ]
        for module in _modules()
        for name, function in vars(module).items()
        if inspect.isfunction(function)
        and function.__module__ == module.__name__
        and not name.startswith("_")
    }


def test_every_action_has_its_row() -> None:
    there = {name for name, takes in _public().items() if Context in takes or Acting in takes}
    assert there == {*TABLE, *OPENING, *ERASING, *MIGRATING, *PARTS}


def test_an_action_takes_the_context_first_and_no_name_of_who_acts() -> None:
    for name, takes in _public().items():
        assert "who" not in takes, name
        assert Context not in takes[1:], name


def _calls(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func).rpartition(".")[2]


def test_only_the_command_line_makes_the_machines_owner() -> None:
    root = Path(hub.__file__).parent
    makers = {
        str(path.relative_to(root))
        for path in root.rglob("*.py")
        if "MachineOwner" in _calls(ast.parse(path.read_text(encoding="utf-8")))
    }
    assert makers == {"cli/acting.py"}


def test_parts_of_actions_are_called_by_actions_alone() -> None:
    root = Path(hub.__file__).parent
    for path in root.rglob("*.py"):
        if "actions" in path.relative_to(root).parts:
            continue
        said = path.read_text(encoding="utf-8")
        for part in PARTS:
            module, _, name = part.rpartition(".")
            assert f"hub.actions.{module} import" not in said or name not in said, (path, part)


def test_somebody_is_named_by_e_mail_or_by_a_name_that_is_theirs_alone(
    world: World, sides: tuple[Side, Side]
) -> None:
    assert sides
    with world.db.engine.begin() as conn:
        extra = [
            owners.Person(f"sam{n}@team.example.com", "Sam Roe", True, "UTC", {}) for n in (1, 2)
        ]
        owners.apply_people(conn, extra)
        for said in (
            ANN,
            "ANN@Team.Example.com",
            " ann@team.example.com ",
        ):
            assert rights.member_named(conn, said).email == ANN
        assert rights.member_named(conn, "MEG").email == MEG
        for said in (
            "",
            " ",
            "Nobody",
            "nobody@team.example.com",
            LEFT,
            "Left",
            "Sam Roe",
            "%",
            "root",
        ):
            with pytest.raises(ActionError) as told:
                rights.member_named(conn, said)
            assert told.value.code == "forbidden"
            assert told.value.hint
