"""Custom fields that a migration defines: those to which the user gave a type.

In: `fields:` of the account's answers, or the mapping file of files. Out: definitions, kept with the
migration, so that a plan defines the same fields as its dry run. Not here: how a field is defined, and who
may (`hub.actions.batches.planned_fields`); how it is taken back (`hub.undo.fields`).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hub.connectors.base import Connector, Defines, FieldUse
from hub.crm.custom_fields import WITH_CHOICES, CustomField
from hub.etl.context import Hub
from hub.mappings.document import MappingDocument
from hub.mappings.folders import ANSWERS
from hub.mappings.tailoring import Answers, FieldAnswer, answers_of

OBJECTS: Mapping[str, str] = {
    "lead": "lead",
    "contact": "person",
    "organisation": "company",
    "deal": "deal",
}
"""Entities of mappings that have custom fields, and their kind of record."""


@dataclass(frozen=True, slots=True)
class FieldPlan:
    """What becomes of one field.

    Args:
        object: lead, person, company or deal.
        key: in `custom_fields`.
        name: that people read.
        type: of custom fields.
        choices: of a list.
        outcome: `new`, `more choices`, `is there`, or `refused`.
        why: of a refused one.
    """

    object: str
    key: str
    name: str
    type: str
    choices: Sequence[str]
    outcome: str
    why: str = ""


def answers_for(hub: Hub, source: str) -> Answers:
    """Return the account's answers of a source; empty ones without a file."""
    folder = hub.settings.mappings_dir
    path = Path(folder) / source / ANSWERS if folder else None
    return answers_of(path) if path is not None and path.is_file() else Answers()


def wanted(hub: Hub, source: str) -> list[CustomField]:
    """Return the custom fields that a migration of a source is to define."""
    answers = answers_for(hub, source).fields
    found = [
        _answered(object_, name, one)
        for stream, said in answers.items()
        for object_ in objects_of(hub.mappings.get(f"{source}/{stream}"))
        for name, one in said.items()
        if one is not None
    ]
    return found + list(_of_connector(hub.mappings, hub.connector(source)))


def objects_of(document: MappingDocument | None) -> list[str]:
    """Return the kinds of records with custom fields that a mapping gives; none without a mapping."""
    if document is None:
        return []
    entities = dict.fromkeys(target.entity for target in document.emit)
    return [OBJECTS[entity] for entity in entities if entity in OBJECTS]


def name_of(key: str) -> str:
    """Return the name of a field that has none: Salesforce's key without its ending."""
    return key.removesuffix("__c").replace("_", " ").strip() or key


_TYPES: Mapping[str, str] = {
    "textarea": "text",
    "picklist": "list",
    "multipicklist": "multi_select_list",
    "double": "number",
    "currency": "number",
    "percent": "number",
    "int": "number",
    "long": "number",
    "date": "date",
    "datetime": "datetime",
    "boolean": "bool",
    "email": "email",
    "phone": "phone",
    "url": "url",
}
"""Types of Salesforce's describe, and ours; any other one is a line of text.
https://developer.salesforce.com/docs/atlas.en-us.object_reference.meta/object_reference/field_types.htm"""
_MOST_CHOICES, _LONGEST_CHOICE = 500, 100


def proposal_of(one: FieldUse) -> FieldAnswer:
    """Return the definition to propose for a custom field; the name is "" if it follows from the key."""
    type_ = _TYPES.get(one.kind, "string")
    choices = list(dict.fromkeys([*one.choices, *(value for value in one.values if value)]))
    if type_ in WITH_CHOICES:
        is_fit = 0 < len(choices) <= _MOST_CHOICES
        if not is_fit or any(len(choice) > _LONGEST_CHOICE for choice in choices):
            type_ = "string"
    name = one.label if one.label not in {"", one.name, name_of(one.name)} else ""
    return FieldAnswer(type=type_, name=name, choices=choices if type_ in WITH_CHOICES else [])


def _answered(object_: str, key: str, said: FieldAnswer) -> CustomField:
    return CustomField(object_, key, said.name or name_of(key), said.type, tuple(said.choices))


def _of_connector(
    mappings: Mapping[str, MappingDocument], connector: Connector
) -> Iterator[CustomField]:
    if not isinstance(connector, Defines):
        return
    for stream, fields in connector.custom_fields().items():
        for object_ in objects_of(mappings.get(f"{connector.source}/{stream}")):
            yield from (_used(object_, one) for one in fields)


def _used(object_: str, one: FieldUse) -> CustomField:
    return CustomField(object_, one.name, one.label or one.name, one.kind, tuple(one.choices))
