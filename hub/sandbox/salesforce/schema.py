"""The objects and fields of the emulated org, read once from the files in `objects`.

A universe may have further fields (`Region__c`). They become custom fields with the type of their
values. Not here: the describe answer (`describe.py`), values of rows (`store.py`).
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import cache
from importlib.resources import files

import yaml

SYSTEM_FIELDS = frozenset(
    {"Id", "CreatedDate", "LastModifiedDate", "SystemModstamp", "IsDeleted", "MasterRecordId"}
)
TEXT_TYPES = frozenset(
    {"string", "picklist", "multipicklist", "textarea", "phone", "email", "url", "combobox"}
)
NUMBER_TYPES = frozenset({"int", "double", "currency", "percent"})
ID_TYPES = frozenset({"id", "reference"})
_LONG_TEXT, _DIGITS = 255, 18
_FILES = ("leads.yaml", "sales.yaml", "activities.yaml")
_DATETIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d")
_DATE = re.compile(r"\d{4}-\d\d-\d\d$")


@dataclass(frozen=True, slots=True)
class FieldSpec:
    """One field, as describe answers and queries need it."""

    name: str
    type: str
    length: int = 0
    flags: str = ""
    label: str = ""
    compound: str | None = None
    info: str | None = None
    relationship: str | None = None
    targets: tuple[str, ...] = ()
    precision: int = 0
    scale: int = 0
    picklist: tuple[str, ...] = ()
    default: str | bool | None = None
    custom: bool = False
    calculated: bool = False

    @property
    def is_compound(self) -> bool:
        """Tell whether the field consists of other fields (an address)."""
        return self.type == "address"

    @property
    def is_optional(self) -> bool:
        """Tell whether only an org with the feature has the field: person accounts, currencies."""
        return "O" in self.flags

    @property
    def is_filterable(self) -> bool:
        """Whether a WHERE may name the field."""
        return "X" not in self.flags and not self.is_compound and self.type != "base64"


def is_aggregatable(spec: FieldSpec) -> bool:
    """Tell whether COUNT, MIN and MAX take the field; all say so in describe."""
    return is_plain(spec) and spec.type not in {"boolean", "base64"}


def is_groupable(spec: FieldSpec) -> bool:
    """Tell whether GROUP BY takes the field."""
    ungrouped = {"datetime", "multipicklist", "base64"} | (NUMBER_TYPES - {"int"})
    return is_plain(spec) and spec.type not in ungrouped


def is_plain(spec: FieldSpec) -> bool:
    """Tell whether the field is neither a long text nor made of other fields."""
    return not spec.is_compound and not (spec.type == "textarea" and spec.length > _LONG_TEXT)


@dataclass(frozen=True, slots=True)
class SObject:
    """One object of the org; `fields` by lower-case name, in describe order."""

    name: str
    stream: str
    prefix: str
    plural: str
    deletable: bool
    mergeable: bool
    fields: Mapping[str, FieldSpec] = field(repr=False)

    def field(self, name: str) -> FieldSpec | None:
        """Return the field with that name, in any letter case."""
        return self.fields.get(name.lower())

    def by_relationship(self, name: str) -> FieldSpec | None:
        """Return the reference whose parent is called `name` (`Owner` → OwnerId)."""
        wanted = name.lower()
        for spec in self.fields.values():
            if spec.relationship is not None and spec.relationship.lower() == wanted:
                return spec
        return None

    def without_unused(self, used: Iterable[str]) -> "SObject":
        """Return the object without the optional fields that no row of the org has."""
        kept = set(used)
        fields = {
            key: spec
            for key, spec in self.fields.items()
            if not spec.is_optional or spec.name in kept
        }
        return self if len(fields) == len(self.fields) else replace(self, fields=fields)

    def with_custom(
        self,
        values: Iterable[Mapping[str, object]],
        names: set[str],
        formulas: frozenset[str],
        told: Mapping[str, Mapping[str, object]],
    ) -> "SObject":
        """Return the object with custom fields for further `names` in its rows.

        The formulas among them are calculated: a client reads them and cannot write them. What the
        universe tells of a field (type, label, choices) goes before what its values show.
        """
        samples: dict[str, object] = {}
        for row in values:
            for name in names - samples.keys():
                if row.get(name) is not None:
                    samples[name] = row[name]
        extra = {
            name.lower(): _told_field(_custom_field(name, samples.get(name)), told.get(name, {}))
            for name in sorted(names)
        }
        for key, spec in extra.items():
            if spec.name in formulas:
                extra[key] = replace(spec, calculated=True, flags="n", default=None)
        return replace(self, fields={**self.fields, **extra})


@cache
def load_objects() -> Mapping[str, SObject]:
    """Return the shipped objects by lower-case name."""
    folder = files("hub.sandbox.salesforce").joinpath("objects")
    document: dict[str, dict[str, object]] = {}
    for name in _FILES:
        text = folder.joinpath(name).read_text(encoding="utf-8")
        document |= yaml.load(text, Loader=yaml.CSafeLoader)
    return {name.lower(): _read_object(name, block) for name, block in document.items()}


def object_of_stream(stream: str) -> str | None:
    """Return the name of the object that has a stream's rows."""
    return next((one.name for one in load_objects().values() if one.stream == stream), None)


def _read_object(name: str, block: Mapping[str, object]) -> SObject:
    picklists = block.get("picklists")
    defaults = block.get("defaults")
    lists = picklists if isinstance(picklists, dict) else {}
    default_of = defaults if isinstance(defaults, dict) else {}
    specs = [
        replace(
            spec,
            picklist=tuple(lists.get(spec.name, ())),
            default=default_of.get(spec.name, False if spec.type == "boolean" else None),
        )
        for spec in map(_read_field, str(block["fields"]).splitlines())
    ]
    return SObject(
        name=name,
        stream=str(block["stream"]),
        prefix=str(block["prefix"]),
        plural=str(block["plural"]),
        deletable=bool(block["deletable"]),
        mergeable=bool(block["mergeable"]),
        fields={spec.name.lower(): spec for spec in specs},
    )


def _read_field(line: str) -> FieldSpec:
    name, kind, length, flags, label, *rest = line.split("|")
    extra = dict(pair.split("=", 1) for pair in rest[0].split(" ")) if rest else {}
    return FieldSpec(
        name=name,
        type=kind,
        length=int(length),
        flags=flags,
        label=label,
        compound=extra.get("in"),
        info=extra.get("info"),
        relationship=extra.get("rel"),
        targets=tuple(filter(None, extra.get("to", "").split(","))),
        precision=int(extra.get("precision", 0)),
        scale=int(extra.get("scale", 0)),
    )


def _custom_field(name: str, sample: object) -> FieldSpec:
    kind, length, precision, scale = _custom_type(sample)
    return FieldSpec(
        name=name,
        type=kind,
        length=length,
        flags="cud" if kind == "boolean" else "cun",
        label=name.removesuffix("__c").replace("_", " "),
        precision=precision,
        scale=scale,
        default=False if kind == "boolean" else None,
        custom=name.endswith("__c"),
    )


def _told_field(spec: FieldSpec, told: Mapping[str, object]) -> FieldSpec:
    """Return the field with the type, label and choices that the universe tells."""
    kind, choices = str(told.get("type") or spec.type), told.get("choices")
    is_number = kind in NUMBER_TYPES
    return (
        replace(
            spec,
            type=kind,
            label=str(told.get("label") or spec.label),
            length=_LONG_TEXT if kind in TEXT_TYPES else 0,
            precision=_DIGITS if is_number else 0,
            scale=2 if is_number and kind != "int" else 0,
            picklist=tuple(map(str, choices)) if isinstance(choices, list) else (),
        )
        if told
        else spec
    )


def _custom_type(sample: object) -> tuple[str, int, int, int]:
    """Return type, length, precision and scale of a custom field from one of its values."""
    if isinstance(sample, bool):
        return "boolean", 0, 0, 0
    if isinstance(sample, int | float):
        return "double", 0, 18, 2
    if isinstance(sample, datetime) or _DATETIME.match(str(sample)):
        return "datetime", 0, 0, 0
    if isinstance(sample, date) or _DATE.match(str(sample)):
        return "date", 0, 0, 0
    return "string", 255, 0, 0
