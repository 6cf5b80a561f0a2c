"""Fit the shipped mappings of a source to one account: its values, its owners, fields to leave behind.

In: the plain values of a mapping document, and the account's answers (`<source>/answers.yaml` in the user's
folder of mappings). Out: the values of a document that is bound like any other. So every command, every
sync and every migration maps by the same answers, and a changed answer is a changed mapping.

Not here: what to ask (`hub.migration.questions`).
"""

import copy
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from hub.errors import ConfigError
from hub.mappings.files import read
from hub.mappings.rule_document import Strict

_OWNER_STREAMS = ("users", "owners")


class FieldAnswer(Strict):
    """What a custom field of the source is here.

    Args:
        type: a type of custom fields: string, number, date, list and others.
        name: that people read; "" for the source's own name.
        choices: of a list.
    """

    type: str
    name: str = ""
    choices: list[str] = Field(default_factory=list)

    @classmethod
    def expand(cls, raw: object) -> object:
        """Expand `number` to a field of this type."""
        return {"type": raw} if isinstance(raw, str) else raw


class PipelineAnswer(Strict):
    """The pipeline here of the deals of one record type.

    Args:
        pipeline: its name.
        stages: the source's stage → a stage of this pipeline; a stage that is not named is read as for
            all deals.
    """

    pipeline: str
    stages: dict[str, str | None] = Field(default_factory=dict)

    @classmethod
    def expand(cls, raw: object) -> object:
        """Expand a name to a pipeline whose stages are read as for all deals."""
        return {"pipeline": raw} if isinstance(raw, str) else raw


class Answers(Strict):
    """What one account's operator decided.

    Args:
        values: stream → field of the source → the source's value → what it is here; null: no value.
        fields: stream → custom field of the source → what it is here; null: its values are kept
            without a definition.
        pipelines: record type of deals at the source → pipeline here; null: the first one.
        owners: the source's id of an owner → the e-mail address of the user who gets the records.
        leave: stream → fields that are not taken over.
    """

    values: dict[str, dict[str, dict[str, str | None]]] = Field(default_factory=dict)
    fields: dict[str, dict[str, FieldAnswer | None]] = Field(default_factory=dict)
    pipelines: dict[str, PipelineAnswer | None] = Field(default_factory=dict)
    owners: dict[str, str | None] = Field(default_factory=dict)
    leave: dict[str, list[str]] = Field(default_factory=dict)


def answers_of(path: Path) -> Answers:
    """Return the answers of a file; empty answers are left out.

    Raises:
        ConfigError: the file is not what it should be; the message has the place.
    """
    value, lines = read(path)
    try:
        return Answers.model_validate(value or {})
    except ValidationError as exc:
        texts = [
            f"{path}:{lines.of(e['loc'])}: {'.'.join(map(str, e['loc']))}: {e['msg']}"
            for e in exc.errors()
        ]
        raise ConfigError("\n".join(texts)) from exc


def tailored(document: Mapping[str, Any], answers: Answers, path: Path) -> dict[str, Any]:
    """Return the values of a mapping document with an account's answers.

    Args:
        document: as YAML gives it, before it is bound.
        answers: of the source.
        path: of the answers, for messages.

    Raises:
        ConfigError: a value is answered of a field that the mapping reads by no list of values.
    """
    own = copy.deepcopy(dict(document))
    stream = str(own.get("stream"))
    for field, values in answers.values.get(stream, {}).items():
        said = {value: here for value, here in values.items() if here is not None}
        found = list(_picklists(own, field))
        if said and not found:
            raise ConfigError(
                f"{path}: values.{stream}.{field}: the mapping has no list of values for this field",
                hint=f"copy the mapping {own.get('source')}/{stream} into your folder and change it there",
            )
        for step in found:
            step["map"] = {**step.get("map", {}), **said}
    for name in answers.leave.get(stream, []):
        _leave(own, name)
    for name, kind in answers.fields.get(stream, {}).items():
        if kind is not None:
            _read_as(own, name, kind.type)
    for record_type, to in answers.pipelines.items():
        if to is not None:
            _put_into(own, record_type, to)
    given = {i: email for i, email in answers.owners.items() if email}
    if given and stream in _OWNER_STREAMS:
        _give(own, given)
    return own


def _dicts(node: Any) -> Iterator[dict[str, Any]]:
    """Yield every mapping of a document, at any depth, each once."""
    seen: set[int] = set()
    left = [node]
    while left:
        one = left.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        if isinstance(one, dict):
            yield one
            left += one.values()
        elif isinstance(one, list):
            left += one


def _picklists(document: dict[str, Any], field: str) -> Iterator[dict[str, Any]]:
    for rule in _dicts(document):
        if rule.get("path") != field:
            continue
        steps = rule.get("transform")
        for step in steps if isinstance(steps, list) else [steps]:
            if isinstance(step, dict) and isinstance(step.get("picklist"), dict):
                yield step["picklist"]


def _leave(document: dict[str, Any], name: str) -> None:
    for rule in _dicts(document):
        if isinstance(rule.get("copy"), dict):
            rule["copy"]["except"] = [*rule["copy"].get("except", []), name]
    document["ignore"] = [*document.get("ignore", []), name]
    for target in document.get("emit", []):
        fields = target.get("fields", {})
        target["fields"] = {
            own: rule
            for own, rule in fields.items()
            if rule != name and not (isinstance(rule, dict) and rule.get("path") == name)
        }


_AS_TYPE: Mapping[str, Any] = {
    "multi_select_list": {"multi": {"sep": ";"}},
    "date": "date",
    "datetime": "datetime",
    "number": "number",
    "bool": "bool",
}
"""How a value of the source becomes one of a type; those of other types are kept as they came."""


def _read_as(document: dict[str, Any], name: str, type_: str) -> None:
    """Read a custom field, which is copied as it comes, as a value of its type."""
    step = _AS_TYPE.get(type_)
    if step is None or not name.isidentifier():
        return
    for target in document.get("emit", []):
        fields = target.get("fields", {})
        copied = fields.get("custom_fields.*")
        if not isinstance(copied, dict) or "copy" not in copied:
            continue
        rule = copied["copy"]
        if rule.get("definitions") or not any(fnmatchcase(name, one) for one in rule["keys"]):
            continue
        fields["custom_fields.*"] = {"copy": {**rule, "except": [*rule.get("except", []), name]}}
        path = f"{rule['of']}.{name}" if rule.get("of") else name
        fields[f"custom_fields.{name}"] = {"path": path, "transform": step, "on_error": "keep"}


def _put_into(document: dict[str, Any], record_type: str, to: PipelineAnswer) -> None:
    """Put the deals of a record type into a pipeline, by its own stages where they are named."""
    stages = {name: here for name, here in to.stages.items() if here}
    for target in document.get("emit", []):
        fields = target.get("fields", {})
        rule = fields.get("pipeline")
        if target.get("entity") != "deal" or not isinstance(rule, dict):
            continue
        for step in _dicts(rule):
            if isinstance(step.get("picklist"), dict):
                step["picklist"]["map"] = {
                    **step["picklist"].get("map", {}),
                    record_type: to.pipeline,
                }
            if isinstance(step.get("in"), dict):
                step["in"]["values"] = [*step["in"].get("values", []), record_type]
        is_of_type = {"equals": {"path": rule["path"], "value": record_type}}
        for name in ("stage", "stage_history") if stages else ():
            usual = fields.get(name)
            if isinstance(usual, dict):
                own = _with_stages(copy.deepcopy(usual), stages)
                fields[name] = {"first_of": [{**own, "when": is_of_type}, usual]}


def _with_stages(rule: dict[str, Any], stages: Mapping[str, str]) -> dict[str, Any]:
    for step in _dicts(rule):
        if isinstance(step.get("picklist"), dict):
            step["picklist"]["map"] = {**step["picklist"].get("map", {}), **stages}
        if isinstance(step.get("objects"), dict) and "stage" in step["objects"].get("maps", {}):
            step["objects"]["maps"]["stage"] = {**step["objects"]["maps"]["stage"], **stages}
    return rule


def _give(document: dict[str, Any], owners: Mapping[str, str]) -> None:
    path = _id_path(document)
    is_given = {"in": {"path": path, "values": list(owners)}}
    by_id = {"path": path, "transform": {"picklist": {"map": dict(owners)}}, "when": is_given}
    for target in document.get("emit", []):
        if target.get("entity") == "user" and "email" in target.get("fields", {}):
            target["fields"]["email"] = {"first_of": [by_id, target["fields"]["email"]]}
            target["fields"]["is_active"] = {
                "first_of": [
                    {"const": True, "when": is_given},
                    target["fields"].get("is_active", {"const": True}),
                ]
            }


def _id_path(document: Mapping[str, Any]) -> str:
    rule = document["id"]
    return str(rule if isinstance(rule, str) else rule["path"])
