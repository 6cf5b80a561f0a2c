"""From a document to SQL: conditions and groups, every value bound, negations pushed to the leaves.

A condition holds or does not; an empty value fulfils none but `is empty` and negations. So `not`
may occur anywhere, and an index still serves the conditions under `all`.
"""

from typing import Any, NoReturn

from sqlalchemy import and_, false, or_, true

from hub.errors import ActionError
from hub.lists.document import (
    NEGATED,
    All,
    AnyOf,
    Condition,
    ListDocument,
    Not,
    Op,
    conditions_of,
)
from hub.lists.fields import Catalogue, Field
from hub.lists.predicates import Asking, Column, UnfitError


def where(document: ListDocument, fields: Catalogue, asking: Asking) -> Column:
    """Return what the rows of a list fulfil.

    Raises:
        ActionError: a field is unknown, or is asked what it cannot be.
    """
    named = {fields.find(one.field) for one in conditions_of(document.filter)}
    asked = {field.name for field in named if field is not None}
    implied = [c for name, c in fields.unless_asked.items() if name not in asked]
    return and_(*fields.standing, *implied, _node(document.filter, fields, asking, negated=False))


def field_of(name: str, fields: Catalogue, *, place: str) -> Field:
    """Return a field by its name.

    Raises:
        ActionError: there is none.
    """
    found = fields.find(name)
    if found is None:
        raise ActionError(
            f"a {fields.object} has no field {name[:100]!r} to list by",
            resource="smart_list",
            field=place,
            code="not_found",
            hint=f"fields: {', '.join(fields.fields)}",
        )
    return found


def _node(node: Any, fields: Catalogue, asking: Asking, *, negated: bool) -> Column:
    match node:
        case All(all=nodes) | AnyOf(any=nodes):
            parts = [_node(part, fields, asking, negated=negated) for part in nodes]
            if isinstance(node, All) is not negated:
                return and_(true(), *parts)
            return or_(false(), *parts)
        case Not(not_=inner):
            return _node(inner, fields, asking, negated=not negated)
        case _:
            return _condition(node, fields, asking, negated=negated)


def _condition(condition: Condition, fields: Catalogue, asking: Asking, *, negated: bool) -> Column:
    field = field_of(condition.field, fields, place=condition.field)
    op = NEGATED.get(condition.op, condition.op)
    negated = negated is not (op is not condition.op)
    if op is Op.EMPTY and negated and field.kind in {"moment", "date", "days", "user"}:
        return ~field.predicate(field.column, op, (), asking)  # IS NOT NULL, as an index knows it
    try:
        holds = field.predicate(field.column, op, condition.values, asking)
    except (UnfitError, OverflowError) as exc:
        _refuse(condition, exc)
    return holds.is_not(true()) if negated else holds


def _refuse(condition: Condition, exc: Exception) -> NoReturn:
    why = str(exc) if isinstance(exc, UnfitError) else "that is beyond all dates"
    raise ActionError(
        f"{condition.field} cannot be asked `{condition.op}`: {why}",
        resource="smart_list",
        field=condition.field,
        code="invalid",
        hint="docs/lists.md shows what each kind of field is asked",
    ) from exc
