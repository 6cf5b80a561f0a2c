"""The end of each load of deals and activities: verdicts, problems, and what records wait for."""

from collections.abc import Sequence

from sqlalchemy import Connection

from hub.frozen import dataclass
from hub.landing import load_problems
from hub.landing.load_problems import LoadProblem
from hub.model.records import Problem
from hub.model.verdicts import Verdict
from hub.records import plain_records, wanted
from hub.records.plain_records import PlainRecord
from hub.records.verdicts import set_verdicts
from hub.records.wanted import ObjectKey


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a load did with a record.

    Args:
        record: the record.
        verdict: None while it waits, or where another stage gives the verdict.
        wanted: objects that it names and that are not here.
        problems: values that cannot be used.
    """

    record: PlainRecord
    verdict: Verdict | None
    wanted: frozenset[ObjectKey] = frozenset()
    problems: tuple[Problem, ...] = ()


def verdict_of(
    *, is_refused: bool, is_written: bool, is_new: bool, is_changed: bool
) -> Verdict | None:
    """Return the verdict of a record; None of one that waits."""
    if is_refused:
        return Verdict.REJECTED
    if not is_written:
        return None
    if is_new:
        return Verdict.CREATED
    return Verdict.UPDATED if is_changed else Verdict.UNCHANGED


def finish(conn: Connection, outcomes: Sequence[Outcome]) -> None:
    """Store verdicts, problems, and what records wait for."""
    ids = [one.record.id for one in outcomes]
    wanted.replace(conn, ids, ((one.record.id, key) for one in outcomes for key in one.wanted))
    refused = [one.record.id for one in outcomes if one.verdict is Verdict.REJECTED]
    plain_records.refuse(conn, refused)
    problems = [_problem(one.record, problem) for one in outcomes for problem in one.problems]
    load_problems.replace(conn, [one.record.raw_id for one in outcomes], problems)
    set_verdicts(
        conn,
        [
            (one.record.batch_id, *one.record.key, one.verdict)
            for one in outcomes
            if one.verdict is not None and not one.record.is_beside
        ],
    )


def _problem(record: PlainRecord, problem: Problem) -> LoadProblem:
    return LoadProblem(
        record.batch_id,
        record.raw_id,
        record.source,
        record.stream,
        record.source_id,
        problem.field,
        problem.value,
        problem.reason,
        problem.severity,
    )
