"""The filters of reports and the values that exist; an unknown name is refused.

In: names as people write them. Out: names as the records have them. Not here: periods (`scope`).
"""

import difflib
from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import Connection, text

PERIOD, OWNER, PIPELINE, SOURCE, OUTCOME = "from", "owner", "pipeline", "source", "outcome"
_OF_LEADS = frozenset({PERIOD, OWNER, SOURCE})
_OF_DEALS = frozenset({PERIOD, OWNER, PIPELINE, SOURCE})
OF_REPORT: Mapping[str, frozenset[str]] = {
    "sales-cycle": _OF_DEALS,
    "won-lost": _OF_DEALS,
    "pipeline": _OF_DEALS - {PERIOD},
    "response-time": _OF_LEADS,
    "lead-sources": _OF_LEADS,
    "leads": _OF_LEADS,
    "unasked": _OF_LEADS,
    "activity": frozenset({PERIOD, OWNER, OUTCOME}),
}
"""Report → its filters."""

_KNOWN = {
    OWNER: 'SELECT email FROM crm."user" WHERE email IS NOT NULL ORDER BY is_active DESC, email',
    PIPELINE: "SELECT name FROM crm.pipeline ORDER BY position, id",
    OUTCOME: "SELECT DISTINCT name FROM crm.outcome ORDER BY name",
}
# the rollups know every source that a record ever had, and are small
_SOURCES = {
    True: "SELECT DISTINCT source FROM ops.deal_rollup WHERE source IS NOT NULL ORDER BY source",
    False: "SELECT source FROM ops.lead_rollup WHERE source IS NOT NULL UNION "
    "SELECT lead_source FROM crm.contact WHERE unasked_since IS NOT NULL "
    "AND lead_source IS NOT NULL ORDER BY source",
}


def known(conn: Connection, field: str, report: str) -> Sequence[str]:
    """Return the values that a filter of a report may have."""
    is_of_deals = PIPELINE in OF_REPORT[report]
    statement = _SOURCES[is_of_deals] if field == SOURCE else _KNOWN[field]
    return list(conn.execute(text(statement)).scalars())


def found(said: str, names: Iterable[str]) -> str | None:
    """Return the name that is meant: as written, else letter case aside where one is meant."""
    there = list(names)
    if said in there:
        return said
    alike = [name for name in there if name.casefold() == said.strip().casefold()]
    return alike[0] if len(alike) == 1 else None


def near(said: str, names: Sequence[str]) -> str:
    """Say which names are like one that is not there, else the first of them."""
    by_fold = {name.casefold(): name for name in names}
    close = difflib.get_close_matches(said.casefold(), by_fold, n=3, cutoff=0.5)
    if close:
        return f"did you mean {' or '.join(by_fold[name] for name in close)}?"
    shown = ", ".join(names[:10]) + (" …" if len(names) > 10 else "")  # noqa: PLR2004
    return f"known: {shown or 'none yet'}"
