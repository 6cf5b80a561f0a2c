"""Define many custom fields at once, as the plan of a migration proposes them.

A second call with the same list changes nothing. A field that is there gets the choices that it lacks. One
that is there with another type stays as it is, and the result says so: its values would be left behind.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from hub.actions.context import Context
from hub.actions.rights import Right, require
from hub.actions.setup import custom_field
from hub.crm import custom_fields
from hub.crm.custom_fields import WITH_CHOICES, CustomField
from hub.errors import ActionError

OBJECTS = {"contact": "person", "organisation": "company"}
"""Entities of mappings whose fields have another name here; all others have the same."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A field that was not defined, and why."""

    field: CustomField
    why: str


@dataclass(frozen=True, slots=True)
class FieldsDefined:
    """What became of a list of fields.

    Args:
        added: fields that are new.
        extended: fields that were there and got more choices.
        unchanged: fields that were there as asked.
        refused: fields that were not defined.
    """

    added: tuple[CustomField, ...]
    extended: tuple[CustomField, ...]
    unchanged: tuple[CustomField, ...]
    refused: tuple[Refused, ...]


def define(ctx: Context, fields: Sequence[CustomField]) -> FieldsDefined:
    """Define fields that are not there yet.

    Args:
        ctx: the actor, in an open transaction.
        fields: `object` may be an entity of a mapping (contact, organisation); an empty key is made
            from the name.

    Raises:
        ActionError: the actor may not set up fields.
    """
    require(ctx, Right.SET_UP)
    made = _Made(ctx)
    for field in fields:
        try:
            made.define(replace(field, object=OBJECTS.get(field.object, field.object)))
        except ActionError as refused:
            made.refused.append(Refused(field, str(refused)))
    return FieldsDefined(
        tuple(made.added), tuple(made.extended), tuple(made.unchanged), tuple(made.refused)
    )


class _Made:
    """The fields of one call, sorted by what became of them."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self.added: list[CustomField] = []
        self.extended: list[CustomField] = []
        self.unchanged: list[CustomField] = []
        self.refused: list[Refused] = []

    def define(self, field: CustomField) -> None:
        """Define one field, or extend the one that is there."""
        custom_fields.check_object(field.object, "custom_field")
        key = field.key or custom_field.key_of(field.name)
        old = custom_fields.fields_of(self._ctx.conn, field.object).get(key)
        if old is None:
            self.added.append(custom_field.add(self._ctx, replace(field, key=key)))
            return
        if old.type != field.type:
            raise ActionError(
                f"{field.object} has a field {key} of type {old.type}, not {field.type}",
                resource="custom_field",
                code="conflict",
            )
        known = {choice.casefold() for choice in old.choices}
        more = [c for c in field.choices if c.strip().casefold() not in known]
        if not more or field.type not in WITH_CHOICES:
            self.unchanged.append(old)
            return
        choices = (*old.choices, *more)
        self.extended.append(custom_field.edit(self._ctx, field.object, key, choices=choices))
