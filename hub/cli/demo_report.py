"""What the demo prints: counts read back from the database, held against the sandbox's truth."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import comb
from typing import Any

import requests
from sqlalchemy import Connection, text

from hub.cli.demo_list import Listed, show_list
from hub.cli.demo_routing import OnTrial, show_trial
from hub.cli.demo_sales import Sales, show_sales
from hub.cli.demo_subscriber import Told
from hub.cli.output import print_mapping, print_table
from hub.db.engine import Database
from hub.model.verdicts import Verdict

_SOURCES = text("""
SELECT source, stream, verdict, count(*) AS n FROM reporting.source_records
WHERE verdict IS NOT NULL GROUP BY source, stream, verdict ORDER BY source, stream
""")
_TOTALS = text("""
SELECT (SELECT count(*) FROM crm.lead WHERE merged_into IS NULL AND archived_at IS NULL) AS leads,
       (SELECT count(*) FROM crm.contact WHERE merged_into IS NULL AND archived_at IS NULL
        AND NOT is_organization) AS contacts,
       (SELECT count(*) FROM crm.contact WHERE merged_into IS NULL AND archived_at IS NULL
        AND is_organization) AS companies,
       (SELECT count(*) FROM ops.review r JOIN ops.source_record a ON a.id = r.a
        JOIN ops.source_record b ON b.id = r.b
        WHERE r.decided_at IS NULL AND a.entity_id <> b.entity_id) AS review_pairs,
       (SELECT count(*) FROM crm.lead WHERE owner_id IS NOT NULL AND merged_into IS NULL
        AND archived_at IS NULL) AS assigned,
       (SELECT count(*) FROM crm.lead WHERE owner_id IS NULL AND merged_into IS NULL
        AND archived_at IS NULL) AS unassigned,
       (SELECT count(*) FROM crm.alert) AS alerts,
       (SELECT count(*) FROM ops.delivery WHERE channel = 'email' AND state = 'sent') AS emails,
       (SELECT count(*) FROM ops.outbox WHERE event = 'leads_digest') AS digests,
       (SELECT count(*) FROM crm.alert WHERE event <> 'leads_digest') AS instant_alerts,
       (SELECT count(*) FROM ops.delivery d JOIN ops.outbox o ON o.id = d.outbox_id
        WHERE d.channel = 'email' AND d.state = 'sent' AND o.event <> 'leads_digest')
        AS instant_emails,
       (SELECT count(*) FROM landing.raw) AS raw,
       (SELECT count(*) FROM ops.change) + (SELECT count(*) FROM crm.lead) AS changes,
       (SELECT coalesce(max(id), 0) FROM crm.lead) AS last_lead,
       (SELECT coalesce(max(id), 0) FROM ops.assignment) AS last_turn
""")
_INBOUND = text("""
SELECT (SELECT count(*) FROM crm.lead WHERE id > :last_lead AND id <= :until_lead
        AND merged_into IS NULL) AS new,
       (SELECT count(*) FROM crm.lead WHERE id > :last_lead AND id <= :until_lead
        AND merged_into IS NULL AND owner_id IS NOT NULL) AS assigned
""")
_LOADED = text("""
SELECT source, stream, source_id, entity_id FROM ops.source_record
WHERE target = 'person' AND entity_id IS NOT NULL
""")


@dataclass(frozen=True, slots=True)
class Window:
    """The counts at one moment, so that two moments can be compared."""

    totals: Mapping[str, int]

    @classmethod
    def now(cls, database: Database) -> "Window":
        """Read the counts."""
        with database.engine.begin() as conn:
            return cls(_totals(conn))


@dataclass(frozen=True, slots=True)
class Truth:
    """Pairs of loaded source records that are one person, against the sandbox's truth.

    Args:
        pairs: true pairs.
        precision: share of the pairs found that are true.
        recall: share of the true pairs that were found.
        f1: harmonic mean of both.
    """

    pairs: int
    precision: float
    recall: float
    f1: float


@dataclass(frozen=True, slots=True)
class Inbound:
    """What new records of the vendors became.

    Args:
        new: new leads.
        assigned: of these with an owner.
        alerts: alerts at once.
        emails: e-mails at once.
    """

    new: int
    assigned: int
    alerts: int
    emails: int


@dataclass(frozen=True, slots=True)
class SecondSync:
    """What a sync without news has changed: nothing.

    Args:
        landed: versions of records.
        changed: changes of the CRM.
    """

    landed: int
    changed: int


@dataclass(frozen=True, slots=True)
class DagsterRuns:
    """The demo's runs in Dagster.

    Args:
        runs: how many.
        failed: of these, failed.
        materializations: assets that were materialized.
        checks_passed: asset checks that passed.
        checks_failed: asset checks that failed.
    """

    runs: int
    failed: int
    materializations: int
    checks_passed: int
    checks_failed: int


@dataclass(frozen=True, slots=True)
class DemoReport:
    """The demo's document, in the order of its schema.

    Args:
        seed: seed of the universe.
        sources: source, stream: records landed, and the last verdict of each.
        leads: leads.
        contacts: people who are contacts.
        companies: companies.
        review_pairs: pairs of records for review.
        truth: the matching, against the truth.
        assigned: leads with an owner.
        unassigned: leads without one.
        alerts: alerts in the hub.
        emails: e-mails that were sent.
        digests: notices that name many leads.
        inbound: what new records became.
        second_sync: what a sync without news has changed.
        crm: the sales process.
        subscriber: what a program that subscribes to events has received.
        prospects: what became of a list of prospects, after all other figures.
        routing: decisions replayed, and the rules in force tried on the last leads.
        dagster: runs in Dagster.
        seconds: duration.
    """

    seed: int
    sources: Mapping[str, Mapping[str, Mapping[str, int]]]
    leads: int
    contacts: int
    companies: int
    review_pairs: int
    truth: Truth
    assigned: int
    unassigned: int
    alerts: int
    emails: int
    digests: int
    inbound: Inbound
    second_sync: SecondSync
    crm: Sales
    subscriber: Told
    prospects: Listed
    routing: OnTrial
    dagster: DagsterRuns
    seconds: float


def _totals(conn: Connection) -> dict[str, int]:
    return dict(conn.execute(_TOTALS).mappings().one())


def read_report(
    database: Database,
    seed: int,
    control: str,
    *,
    inbound: Window,
    second: Window,
    proved: Window,
    crm: Sales,
    subscriber: Told,
    prospects: Callable[[], Listed],
    routing: Callable[[], OnTrial],
    runs: Sequence[Mapping[str, Any]],
    seconds: float,
) -> DemoReport:
    """Return the demo's document (schema: docs/reference/demo.schema.json)."""
    truth = requests.get(f"{control}/truth", timeout=30).json()["records"]
    with database.engine.begin() as conn:
        totals = _totals(conn)
        last_lead = inbound.totals["last_lead"]
        came = conn.execute(
            _INBOUND, {"last_lead": last_lead, "until_lead": second.totals["last_lead"]}
        ).one()
        sources = _sources(conn)
        loaded = [tuple(row) for row in conn.execute(_LOADED)]
    return DemoReport(
        seed=seed,
        sources=sources,
        leads=totals["leads"],
        contacts=totals["contacts"],
        companies=totals["companies"],
        review_pairs=totals["review_pairs"],
        truth=score_truth(truth, loaded),
        assigned=totals["assigned"],
        unassigned=totals["unassigned"],
        alerts=totals["alerts"],
        emails=totals["emails"],
        digests=totals["digests"],
        inbound=Inbound(
            new=came.new,
            assigned=came.assigned,
            alerts=second.totals["instant_alerts"] - inbound.totals["instant_alerts"],
            emails=second.totals["instant_emails"] - inbound.totals["instant_emails"],
        ),
        second_sync=SecondSync(
            landed=proved.totals["raw"] - second.totals["raw"],
            changed=proved.totals["changes"] - second.totals["changes"],
        ),
        crm=crm,
        subscriber=subscriber,
        prospects=prospects(),
        routing=routing(),
        dagster=_dagster(runs),
        seconds=round(seconds, 2),
    )


def _dagster(runs: Sequence[Mapping[str, Any]]) -> DagsterRuns:
    return DagsterRuns(
        runs=len(runs),
        failed=sum(1 for run in runs if not run["success"]),
        materializations=sum(run["materializations"] for run in runs),
        checks_passed=sum(run["checks_passed"] for run in runs),
        checks_failed=sum(run["checks_failed"] for run in runs),
    )


def _sources(conn: Connection) -> dict[str, dict[str, dict[str, int]]]:
    sources: dict[str, dict[str, dict[str, int]]] = defaultdict(dict)
    for row in conn.execute(_SOURCES):
        counts = sources[row.source].setdefault(
            row.stream, {"landed": 0, **{verdict.value: 0 for verdict in Verdict}}
        )
        counts["landed"] += row.n
        counts[row.verdict] += row.n
    return dict(sources)


def score_truth(truth: Iterable[Mapping[str, Any]], loaded: Iterable[tuple[Any, ...]]) -> Truth:
    """Return pairwise precision, recall and F1 over the loaded source records.

    A pair is true when both records are of one person; `pairs` is the number of true pairs.
    """
    person_of: dict[tuple[str, str, str], str] = {}
    for record in truth:
        if record.get("person"):
            person_of[record["source"], record["stream"], str(record["id"])] = record["person"]
    by_person: dict[str, int] = defaultdict(int)
    by_entity: dict[int, int] = defaultdict(int)
    by_both: dict[tuple[str, int], int] = defaultdict(int)
    for source, stream, source_id, entity in loaded:
        # A form answer is known by form and token in the hub, by its token at the vendor.
        person = person_of.get((source, stream, source_id)) or person_of.get(
            (source, stream, source_id.rpartition(":")[2])
        )
        if person is None:
            continue
        by_person[person] += 1
        by_entity[entity] += 1
        by_both[person, entity] += 1
    true = sum(comb(n, 2) for n in by_person.values())
    found = sum(comb(n, 2) for n in by_entity.values())
    right = sum(comb(n, 2) for n in by_both.values())
    precision = right / found if found else 1.0
    recall = right / true if true else 1.0
    f1 = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
    return Truth(
        pairs=true, precision=round(precision, 4), recall=round(recall, 4), f1=round(f1, 4)
    )


def show_report(report: DemoReport) -> None:
    """Print the document as tables."""
    counted = [c for streams in report.sources.values() for c in streams.values()]
    verdicts = [v.value for v in Verdict if any(counts[v.value] for counts in counted)]
    print_table(
        "Result of every record",
        ("source", "stream", "landed", *verdicts),
        [
            (source, stream, counts["landed"], *(counts[v] or "" for v in verdicts))
            for source, streams in report.sources.items()
            for stream, counts in streams.items()
        ],
    )
    truth = report.truth
    print_mapping(
        "The CRM",
        {
            "leads": report.leads,
            "contacts": report.contacts,
            "companies": report.companies,
            "assigned / unassigned": f"{report.assigned} / {report.unassigned}",
            "pairs to review": report.review_pairs,
            "matching": f"precision {truth.precision}, recall {truth.recall} "
            f"of {truth.pairs} true pairs",
            "new since the initial load": report.inbound.new,
            "alerts / e-mails": f"{report.alerts} / {report.emails}, of which digests "
            f"{report.digests}",
            "second sync landed / changed": f"{report.second_sync.landed} / "
            f"{report.second_sync.changed}",
            "Dagster runs (failed), checks passed": f"{report.dagster.runs} "
            f"({report.dagster.failed}), {report.dagster.checks_passed}",
            "seconds": report.seconds,
        },
    )
    show_sales(report.crm)
    print_mapping(
        "Events for a subscriber",
        {
            **report.subscriber.events,
            "with a wrong signature": report.subscriber.wrong_signatures,
        },
    )
    show_list(report.prospects)
    show_trial(report.routing)
