"""The status of a lead by its sources, until a person or a command here sets it.

The order is that of the other fields. Between equally good records, an open status counts before one
that ends the work, then the later one. So the order of reading does not matter.
"""

from collections.abc import Collection, Sequence

from hub.golden.rules import SurvivorshipRules
from hub.golden.survive import SourceVersion, order

NEW = "New"
_STATUS = "status"
_AS_GOOD = 3  # trust, gone, and the first rule of the group: records equal in all three are a tie


def status_of(
    records: Sequence[SourceVersion], rules: SurvivorshipRules, unqualified: Collection[str]
) -> tuple[str, str | None]:
    """Return the status and its reason.

    Args:
        records: of one person.
        rules: the rules of survivorship.
        unqualified: statuses that end the work, in lower case.
    """
    group = rules.groups[rules.group_of(_STATUS)]
    having = sorted((order(r, group), i) for i, r in enumerate(records) if r.values.get(_STATUS))
    if not having:
        return NEW, None
    best = having[0][0][:_AS_GOOD]
    tied = [(place, records[i]) for place, i in having if place[:_AS_GOOD] == best]
    _, chosen = min(tied, key=lambda t: (_is_over(t[1], unqualified), t[0]))
    reason = chosen.values.get("unqualified_reason")
    return str(chosen.values[_STATUS]), reason if isinstance(reason, str) else None


def _is_over(record: SourceVersion, unqualified: Collection[str]) -> bool:
    return str(record.values[_STATUS]).lower() in unqualified
