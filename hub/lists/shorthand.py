"""Conditions as people write them in a line: `status is New`, `tags any of vip, fair`.

A field, an operation, a value; a field with spaces is quoted. `next_task_at is empty` has no value,
and `last_activity_at more than 30 days ago` is `before 30 days ago`. Pure.
"""

import re
from typing import Any

from hub.errors import ActionError
from hub.lists.document import ALIASES, WITH_MANY, WITHOUT_VALUE, Op

_FIELD = re.compile(r'\s*(?:"([^"]+)"|([^\s<>=!]+))\s*(.*)', re.DOTALL)
_WORDS: dict[str, Op] = {**{str(op): op for op in Op}, **ALIASES}
_LONGEST_FIRST = sorted(_WORDS, key=len, reverse=True)
_AGO = re.compile(r"(more|less) than (\d+ \w+ ago)", re.IGNORECASE)


def condition(said: str) -> dict[str, Any]:
    """Return one condition as a document writes it.

    Raises:
        ActionError: it is none.
    """
    found = _FIELD.fullmatch(said)
    if found is None:
        raise _unread(said)
    name, rest = found[1] or found[2], found[3].strip()
    if ago := _AGO.fullmatch(rest):
        op = Op.BEFORE if ago[1].lower() == "more" else Op.AFTER
        return {"field": name, "op": str(op), "value": ago[2]}
    for word in _LONGEST_FIRST:
        head, value = rest[: len(word)].lower(), rest[len(word) :]
        if head == word and (not value or value[0].isspace() or not word[-1].isalpha()):
            return _made(said, name, _WORDS[word], value.strip())
    raise _unread(said)


def _made(said: str, name: str, op: Op, value: str) -> dict[str, Any]:
    if (op in WITHOUT_VALUE) is not (value == ""):
        raise _unread(said)
    made: dict[str, Any] = {"field": name, "op": str(op)}
    if op in WITH_MANY:
        joint = r"\s+and\s+|," if op is Op.BETWEEN else ","
        made["value"] = [part.strip() for part in re.split(joint, value) if part.strip()]
    elif value:
        made["value"] = value
    return made


def _unread(said: str) -> ActionError:
    return ActionError(
        f"{said[:100]!r} is no condition",
        resource="smart_list",
        field="where",
        code="invalid",
        hint="write FIELD OPERATION VALUE: status is New · tags any of vip, fair · next_task_at is empty",
    )
