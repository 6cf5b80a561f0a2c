"""Run a search query: types, bounds of times, words.

Example: `type:user updated>2026-01-01 dupont`. The rows come by type, in the order of lists. A word
matches anywhere in the record's JSON. Other `key:value` terms match nothing: a client must not take
an ignored condition for a fulfilled one.
https://support.zendesk.com/hc/en-us/articles/4408886879258
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence

from hub.sandbox.world import Row, World
from hub.sandbox.zendesk.paging import live_rows
from hub.sandbox.zendesk.shapes import Json

MOST = 1000
_TIME = re.compile(r"(updated|created)(>=|<=|>|<|:)(\d{4}-\d\d-\d\d\S*)")
_COMPARE: Mapping[str, Callable[[str, str], bool]] = {
    ">=": lambda a, b: a >= b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    "<": lambda a, b: a < b,
    ":": lambda a, b: a.startswith(b),
}


def find(
    world: World, query: str, kinds: Mapping[str, str], show: Callable[[Row], Json]
) -> list[tuple[str, Json]]:
    """Return (type, record as JSON) of each matching record.

    Args:
        world: the world with the rows.
        query: the text of the query.
        kinds: name of a type in a query → the stream of its rows.
        show: turns a row into JSON.
    """
    terms = query.replace('"', " ").split()
    named = [term.partition(":")[2] for term in terms if term.startswith("type:")]
    rest = [term for term in terms if not term.startswith("type:")]
    found = []
    for kind, stream in kinds.items():
        if named and kind not in named:
            continue
        for row in live_rows(world, stream):
            shown = show(row)
            if _holds(shown, rest):
                found.append((kind, shown))
    return found


def _holds(shown: Json, terms: Sequence[str]) -> bool:
    text = json.dumps(shown, ensure_ascii=False).casefold()
    for term in terms:
        bound = _TIME.fullmatch(term)
        if bound:
            name, sign, wanted = bound.groups()
            if not _COMPARE[sign](str(shown[f"{name}_at"]), wanted):
                return False
        elif term.casefold() not in text:
            return False
    return True
