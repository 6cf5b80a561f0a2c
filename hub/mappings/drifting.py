"""Suggestions for drift: what the operator can do about keys and values that no mapping knows.

Pure. In: drift and fill rates. Out: messages for the operator.
"""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches

from hub.model.drift import Fill


def suggestion(name: str, kind: str, field: str, value: str, known: Sequence[str]) -> str:
    """Return what the operator can do about one drift.

    Args:
        name: the stream, `source/stream`.
        kind: `field` (a key that no rule reads), `value` (not in a known list), `type`.
        field: the vendor's key, or the canonical field.
        value: the unknown list value, or the JSON type that came instead of text.
        known: the canonical fields that the mapping fills.
    """
    file = f"mappings/{name}.yaml"
    if kind == "field":
        near = get_close_matches(_plain(field), known, n=1)
        target = near[0] if near else f"custom_fields.{_plain(field)}"
        return (
            f"map it in {file} ({target}: {field}) or list it under `ignore`; then hub remap {name}"
        )
    if kind == "value":
        return f"give {value!r} a meaning in the list of `{field}` in {file}; then hub remap {name}"
    return f"`{field}` came as {value}: give its rule a transform for that in {file}"


def frequent_change(name: str, field: str, changed: int, compared: int) -> str:
    """Return what the operator can do about a field whose values change daily without an edit."""
    return (
        f"{changed} of {compared} values changed without an edit (a formula with today's date?),"
        f" so `{field}` is read weekly; map its inputs in mappings/{name}.yaml instead, or exclude it"
    )


def vanished(fills: Sequence[Fill], new: Sequence[str]) -> Mapping[str, str]:
    """Return the fields that a source no longer fills, each with its fill rates."""
    found = {}
    for fill in fills:
        if fill.is_vanished:
            near = get_close_matches(fill.field, [_plain(n) for n in new], n=1)
            renamed = next((n for n in new if near and _plain(n) == near[0]), None)
            found[fill.field] = (
                f"filled in {fill.before:.0%} of {fill.before_n} records, in none of the newest "
                f"{fill.newest_n}" + (f": is it `{renamed}` now?" if renamed else "")
            )
    return found


def _plain(name: str) -> str:
    """Return a vendor's key in snake case: `FirstName`, `first-name` → first_name."""
    spaced = "".join(
        f"_{c.lower()}" if c.isupper() and i and not name[i - 1].isupper() else c.lower()
        for i, c in enumerate(name)
    )
    return "_".join(part for part in spaced.replace("-", "_").replace(".", "_").split("_") if part)
