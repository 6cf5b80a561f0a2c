"""Transforms of lists, booleans, times, ids and whole JSON values."""

import functools
import json
import math
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

from hub.errors import RecordError
from hub.mappings.registry import Args, Ctx, Outcome, Remark, transform
from hub.mappings.text import (
    LONGEST,
    as_text,
    clean,
    clean_lines,
    fold,
    kind_of,
    multiline,
)
from hub.model.records import JsonValue

_TRUE = frozenset(("true", "1", "yes", "y", "oui", "vrai", "x", "on", "ja", "si"))
_FALSE = frozenset(("false", "0", "no", "n", "non", "faux", "off", "nein"))
DEEPEST = 12


_MAPS: dict[int, tuple[Mapping[str, Any], dict[str, Any]]] = {}


def _folded_map(source: Mapping[str, Any]) -> dict[str, Any]:
    """Return a document's map by folded key.

    The cache key is the map's id. The cache entry holds the map too, so the id stays in use.
    """
    known = _MAPS.get(id(source))
    if known is None:
        if len(_MAPS) > 1000:  # noqa: PLR2004 more than any set of documents has
            _MAPS.clear()
        known = _MAPS[id(source)] = (source, {fold(str(k)): v for k, v in source.items()})
    return known[1]


@transform(
    params={"map": (dict,), "default": (str, int, float, bool, type(None)), "on_unknown": (str,)},
    needs=("map",),
    idempotent=False,
)
def picklist(value: object, args: Args, _ctx: Ctx) -> Outcome:
    """A picklist value by the map, without case and accents; on_unknown: keep (drift), default (drift), create, quarantine."""
    raw = clean(str(value).lower() if isinstance(value, bool) else as_text(value))
    if not raw:
        return args.get("default")
    if len(raw) > 255:  # noqa: PLR2004 no picklist has longer values
        raise RecordError("too long for a list value")
    known = _folded_map(args["map"])
    word = fold(raw)
    if word in known:
        return known[word]  # type: ignore[no-any-return]
    policy = args.get("on_unknown", "keep")
    if policy == "quarantine":
        raise RecordError("not one of the known values")
    if policy == "create":
        return raw
    return Remark(raw if policy == "keep" else args.get("default"), "unknown list value", "unknown")


_ACRONYM = 4
"""A word of so many letters stays as it is: it may be an abbreviation."""
_CONSTANT = re.compile(r"[A-Z0-9]{2,}(?:_[A-Z0-9]+)*", re.ASCII)


@transform()
def label(value: object, _args: Args, _ctx: Ctx) -> Outcome:
    """A value that a vendor writes as a constant (`COMPUTER_SOFTWARE`), in words; any other text stays as it is."""
    raw = clean(as_text(value))
    if not raw or not _CONSTANT.fullmatch(raw) or ("_" not in raw and len(raw) <= _ACRONYM):
        return raw or None
    return " ".join(word.capitalize() for word in raw.split("_"))


def _distinct(parts: list[str]) -> list[JsonValue] | None:
    if sum(map(len, parts)) > LONGEST:
        raise RecordError(f"longer than {LONGEST} characters")
    return [*dict.fromkeys(p for p in map(clean, parts) if p)] or None


@transform(params={"sep": (str,)})
def multi(value: object, args: Args, _ctx: Ctx) -> Outcome:
    """The distinct trimmed values of a multi-value text (`sep`, default ";"), in order."""
    parts = value if isinstance(value, list) else as_text(value).split(args.get("sep") or ";")
    return _distinct([as_text(p) for p in parts if p is not None])


@transform()
def tags(value: object, _args: Args, _ctx: Ctx) -> Outcome:
    """Tags: the distinct values of a list, or of a text split at commas and semicolons; case is ignored."""
    parts = value if isinstance(value, list) else re.split("[,;]", as_text(value))
    found: dict[str, str] = {}
    for part in parts:
        for tag in part if isinstance(part, list) else [part]:
            word = clean(as_text(tag)) if tag is not None else ""
            if len(word) > 255:  # noqa: PLR2004
                raise RecordError("a tag is longer than 255 characters")
            if word:
                found.setdefault(word.casefold(), word)
    return [*found.values()] or None


@transform()
def names(value: object, _args: Args, _ctx: Ctx) -> Outcome:
    """The `name` of each object in a list; texts in the list stay as they are."""
    parts = value if isinstance(value, list) else [value]
    found = [part.get("name") if isinstance(part, dict) else part for part in parts]
    return _distinct([as_text(one) for one in found if one is not None])


@transform(idempotent=False)
def option_label(value: object, _args: Args, _ctx: Ctx) -> Outcome:
    """The label of the option with the value, from `all_of: [value, options]`; without such an option, the value."""
    parts = value if isinstance(value, list) else [value]
    chosen = clean(as_text(parts[0])) if parts[:1] not in ([], [None]) else ""
    options = parts[1] if len(parts) > 1 and isinstance(parts[1], list) else []
    labels = (
        one.get("label") for one in options if isinstance(one, dict) and one.get("value") == chosen
    )
    found = next((label for label in labels if isinstance(label, str)), chosen)
    return clean(found) or None


@transform(params={"values": (list,)}, needs=("values",), idempotent=False)
def has_any(value: object, args: Args, _ctx: Ctx) -> Outcome:
    """True if a list contains one of `values`; case and accents are ignored."""
    wanted = {fold(as_text(one)) for one in args["values"]}
    parts = value if isinstance(value, list) else [value]
    return any(fold(as_text(part)[:1000]) in wanted for part in parts if part is not None)


@transform()
def bool_(value: object, _args: Args, _ctx: Ctx) -> Outcome:
    """True/false from true 1 yes oui vrai x … and false 0 no non faux …."""
    if isinstance(value, bool):
        return value
    raw = as_text(value)
    word = fold(raw) if len(raw) < 100 else raw  # noqa: PLR2004
    if word in _TRUE or word in _FALSE:
        return word in _TRUE
    if not clean(raw):
        return None
    raise RecordError("neither true nor false")


_EITHER_ORDER = re.compile(r"\d{1,2}[/.-]\d{1,2}[/.-]\d{4}\b")
_SECONDS_END = 100_000_000_000  # larger epochs are milliseconds (the year 5138 in seconds)


@transform(params={"format": (str,)})
def datetime_(value: object, args: Args, _ctx: Ctx) -> Outcome:
    """UTC time as ISO-8601 text; reads ISO (any offset; none means UTC), +0000, epoch seconds and milliseconds, or `format`."""
    raw = clean(as_text(value))
    if not raw:
        return None
    if len(raw) > 64:  # noqa: PLR2004
        raise RecordError("not a time")
    return _time_text(raw, args.get("format"))


_AS_KEPT = re.compile(r"(\d{4}-\d\d-\d\dT(?:[01]\d|2[0-3]):\d\d:\d\d)(?:\.(\d{1,6}))?Z", re.ASCII)


def _time_text(raw: str, layout: str | None) -> str:
    moment = _moment(raw, layout)
    kept = _AS_KEPT.fullmatch(raw) if layout is None else None
    if kept is not None:  # as most vendors send it
        fraction = (kept[2] or "").rstrip("0")
        return f"{kept[1]}.{fraction}Z" if fraction else f"{kept[1]}Z"
    text = moment.replace(tzinfo=None).isoformat(timespec="seconds")
    fraction = f".{moment.microsecond:06d}".rstrip("0") if moment.microsecond else ""
    return f"{text}{fraction}Z"


_EPOCH = re.compile(r"-?\d{9,14}(\.\d+)?", re.ASCII)


def _moment(raw: str, layout: str | None) -> datetime:
    try:
        if layout:
            try:
                moment = datetime.strptime(raw, layout)  # noqa: DTZ007 the next line gives it a zone
            except ValueError:
                moment = datetime.fromisoformat(raw)
        elif _EPOCH.fullmatch(raw):
            epoch = float(raw)
            moment = datetime.fromtimestamp(
                epoch if abs(epoch) < _SECONDS_END else epoch / 1000, UTC
            )
        else:
            moment = datetime.fromisoformat(raw)
        if moment.tzinfo is UTC:
            return moment
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError, OSError) as exc:
        is_open = _EITHER_ORDER.match(raw)
        why = "the order of day and month is not known" if is_open else "not a time"
        raise RecordError(why) from exc


@transform(params={"format": (str,)})
def date_(value: object, args: Args, _ctx: Ctx) -> Outcome:
    """A calendar day as ISO text, never shifted by a time zone; `format` gives another layout."""
    raw = clean(as_text(value))
    if not raw:
        return None
    if len(raw) > 64:  # noqa: PLR2004
        raise RecordError("not a date")
    try:
        if re.fullmatch(r"\d{4}-\d\d-\d\d", raw, re.ASCII):
            return date.fromisoformat(raw).isoformat()
        if args.get("format"):
            return datetime.strptime(raw, args["format"]).date().isoformat()  # noqa: DTZ007 a day has no zone
        if re.fullmatch(r"\d{4}-\d\d-\d\d[T ].*", raw, re.ASCII):
            return datetime.fromisoformat(raw).date().isoformat()
        return _moment(raw, None).date().isoformat()
    except ValueError as exc:
        raise RecordError(f"not a date: {exc}"[:150]) from exc


_SUFFIX = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
_SF_ID = re.compile(r"[A-Za-z0-9]{15}(?:[A-Za-z0-9]{3})?", re.ASCII)


@functools.lru_cache(maxsize=4_096)
def sf_id_18(short: str) -> str:
    """Return the 18-character form of a 15-character Salesforce id."""
    marks = []
    for start in (0, 5, 10):
        bits = sum(1 << i for i, c in enumerate(short[start : start + 5]) if "A" <= c <= "Z")
        marks.append(_SUFFIX[bits])
    return short + "".join(marks)


@transform()
def sf_id(value: object, _args: Args, _ctx: Ctx) -> Outcome:
    """A Salesforce id in its 18-character form (the last three are a checksum of the case)."""
    raw = value.strip() if isinstance(value, str) else as_text(value)
    if not raw:
        return None
    if not _SF_ID.fullmatch(raw):
        raise RecordError("not a Salesforce id")
    return raw if len(raw) == 18 else sf_id_18(raw)  # noqa: PLR2004 the long form


@transform()
def identifier(value: object, _args: Args, _ctx: Ctx) -> Outcome:
    """An id as clean trimmed text of at most 255 characters."""
    raw = clean(as_text(value))
    if len(raw) > 255:  # noqa: PLR2004
        raise RecordError("too long for an id")
    return raw or None


@transform()
def plain(value: object, _args: Args, _ctx: Ctx) -> Outcome:
    """Any JSON value with clean texts; line breaks stay; blank → null."""
    if isinstance(value, str):
        return multiline(value, {}, _ctx)
    held = jsonable(value, DEEPEST)
    if isinstance(held, list | dict) and len(json.dumps(held)) > LONGEST:
        raise RecordError(f"longer than {LONGEST} characters")
    return held


def jsonable(value: object, depth: int) -> JsonValue:
    """Return a JSON value that PostgreSQL can hold: clean text, finite numbers, bounded depth."""
    if isinstance(value, str):
        return clean_lines(value) or None
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        if not math.isfinite(value) or abs(value) > 1e30:  # noqa: PLR2004
            raise RecordError("not a usable number")
        return value
    if depth == 0:
        raise RecordError("nested too deeply")
    if isinstance(value, list):
        return [jsonable(v, depth - 1) for v in value] or None
    if isinstance(value, dict):
        return {clean(str(k)): jsonable(v, depth - 1) for k, v in value.items()} or None
    raise RecordError(f"cannot hold {kind_of(value)}")
