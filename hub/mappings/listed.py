"""Transforms of lists of objects: the stage history of a deal, the contacts of a deal.

Not here: lists of texts, such as tags (`hub.mappings.values`).
"""

from typing import Any

from hub.errors import RecordError
from hub.mappings.registry import REGISTRY, Args, Ctx, Outcome, Remark, transform
from hub.mappings.rows import look_up, path_parts
from hub.mappings.text import as_text, clean, clean_lines
from hub.mappings.values import picklist
from hub.model.records import JsonValue

MOST = 1_000
"""Entries of one list at most: the stage changes of one deal."""


@transform(
    params={"keys": (dict,), "with": (dict,), "maps": (dict,)},
    needs=("keys",),
    idempotent=False,
    reads=("region", "language"),
)
def objects(value: object, args: Args, ctx: Ctx) -> Outcome:
    """The objects of a list with the keys of `keys` (name: path) alone; `with` names a transform of a key, `maps` has its picklist."""
    if not isinstance(value, list):
        raise RecordError("expected a list of objects")
    if len(value) > MOST:
        raise RecordError(f"more than {MOST} entries")
    found: list[JsonValue] = [
        entry for one in value if isinstance(one, dict) and (entry := _entry(one, args, ctx))
    ]
    return found or None


@transform(params={"paths": (list,), "text": (str,)}, needs=("paths", "text"), idempotent=False)
def texts(value: object, args: Args, _ctx: Ctx) -> Outcome:
    """A text for each object of a list: `text` with `{0}`, `{1}`… replaced by what is at `paths`; an object whose first path is blank gives none."""
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise RecordError("expected a list of objects")
    if len(value) > MOST:
        raise RecordError(f"more than {MOST} entries")
    found: dict[str, None] = {}
    for one in value:
        held = [look_up(one, path_parts(str(path))) for path in args["paths"]]
        words = ["" if part is None else clean(as_text(part)) for part in held]
        if words and words[0]:
            text = args["text"]
            for n, word in enumerate(words):
                text = text.replace(f"{{{n}}}", word)
            found[text.replace(" ()", "")] = None
    return [*found] or None


def _entry(one: dict[str, Any], args: Args, ctx: Ctx) -> dict[str, JsonValue]:
    steps, maps = args.get("with") or {}, args.get("maps") or {}
    entry: dict[str, JsonValue] = {}
    for name, path in args["keys"].items():
        held = _changed(look_up(one, path_parts(str(path))), steps.get(name), ctx)
        if held is not None and name in maps:
            held = _bare(picklist(held, {"map": maps[name]}, ctx))
        if held is not None:
            entry[str(name)] = held
    return entry


def _changed(value: object, step: str | None, ctx: Ctx) -> JsonValue:
    if value is None:
        return None
    if step is not None:
        return _bare(REGISTRY[step].function(value, {}, ctx))
    if isinstance(value, str):
        return clean_lines(value) or None
    return value if isinstance(value, bool | int | float) else None


def _bare(outcome: Outcome) -> JsonValue:
    return outcome.value if isinstance(outcome, Remark) else outcome
