"""The catalogue of transforms: importing this module registers all of them.

In: a value of a raw record. Out: a canonical value (JSON types, clean text). The functions are in
`text`, `people`, `emails`, `phones`, `places`, `websites`, `amounts`, `values`, `permissions`,
`listed` and `moments`.
`DEFAULTS` has the transform of a field whose rule names none.
"""

from collections.abc import Mapping

from hub.mappings import (
    amounts,
    emails,
    listed,
    moments,
    people,
    permissions,
    phones,
    places,
    text,
    values,
    websites,
)
from hub.mappings.registry import REGISTRY, Args, Ctx, Outcome, Remark, Transform

__all__ = ["DEFAULTS", "REGISTRY", "Ctx", "Remark", "Transform", "apply", "catalogue"]

THEMES = (
    text,
    people,
    emails,
    phones,
    places,
    websites,
    amounts,
    values,
    permissions,
    listed,
    moments,
)

DEFAULTS: Mapping[str, str] = {
    "text": "text",
    "email": "email",
    "phone": "phone",
    "date": "date",
    "datetime": "datetime",
    "number": "number",
    "money": "money",
    "bool": "bool",
    "list": "tags",
    "json": "plain",
    "ref": "identifier",
}


def apply(name: str, value: object, args: Args | None = None, ctx: Ctx | None = None) -> Outcome:
    """Apply one transform, as the engine does; for tests and the reference's examples."""
    found = REGISTRY[name]
    if value is None and not found.sees_null:
        return None
    return found.function(value, args or {}, ctx or Ctx())


def catalogue() -> list[tuple[str, str, list[str]]]:
    """Return (name, one line, argument names) of every transform, by name."""
    return [(t.name, t.doc, sorted(t.params)) for _, t in sorted(REGISTRY.items())]
