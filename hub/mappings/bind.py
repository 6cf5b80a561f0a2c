"""Check the names in a mapping document before any record is read.

In: a document. Out: faults with the place in the document and the nearest valid word.
"""

from hub.frozen import dataclass
from hub.mappings.document import MappingDocument, Target, walk_rules
from hub.mappings.form_titles import field_names
from hub.mappings.rows import path_parts
from hub.mappings.rule_document import Rule, Step, nearest
from hub.mappings.transforms import REGISTRY
from hub.model.entities import ENTITY_FIELDS

Loc = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Fault:
    """One error in a document: its place, and a message with the nearest valid word."""

    loc: Loc
    message: str


def faults(document: MappingDocument) -> list[Fault]:
    """Return all errors of a document in fields, transforms, arguments and paths."""
    found: list[Fault] = []
    for i, target in enumerate(document.emit):
        found += _target_faults(("emit", i), target)
    for loc, rule in walk_rules(document):
        found += _rule_faults(loc, rule)
    return found


def _target_faults(loc: Loc, target: Target) -> list[Fault]:
    if target.entity not in ENTITY_FIELDS:
        return [Fault((*loc, "entity"), _unknown("entity", target.entity, list(ENTITY_FIELDS)))]
    kinds = {f.name: f.kind for f in ENTITY_FIELDS[target.entity]}
    found = []
    for name, rule in target.fields.items():
        head, dot, _ = name.partition(".")
        place = (*loc, "fields", name)
        if head not in kinds:
            found.append(Fault(place, _unknown(f"{target.entity} field", head, list(kinds))))
        elif dot and kinds[head] != "json":
            found.append(Fault(place, f"'{head}' has no keys: it holds {kinds[head]}"))
        elif rule.copy_ and not name.endswith(".*"):
            found.append(Fault(place, f"copy fills many keys: write '{head}.*'"))
    found += [
        Fault((*loc, "key", i), _unknown(f"{target.entity} field", name, list(kinds)))
        for i, name in enumerate(target.key)
        if name not in kinds
    ]
    return found


def _rule_faults(loc: Loc, rule: Rule) -> list[Fault]:
    found = []
    paths = [
        (("path",), rule.path),
        (("item",), rule.item),
        (("copy", "of"), rule.copy_.of if rule.copy_ else None),
        (("lookup", "path"), rule.lookup.path if rule.lookup else None),
    ]
    for part, path in paths:
        if path is not None:
            try:
                path_parts(path)
            except ValueError as exc:
                found.append(Fault((*loc, *part), str(exc)))
    for name, selector in (("answer", rule.answer), ("question", rule.question)):
        known = field_names()
        if selector is not None and selector.field is not None and selector.field not in known:
            wrong = _unknown("field of form titles", selector.field, known)
            found.append(Fault((*loc, name, "field"), wrong))
    for i, step in enumerate(rule.transform or []):
        found += _step_faults((*loc, "transform", i), step)
    return found


def _step_faults(loc: Loc, step: Step) -> list[Fault]:
    known = REGISTRY.get(step.name)
    if known is None:
        return [Fault(loc, _unknown("transform", step.name, list(REGISTRY)))]
    found = [
        Fault((*loc, step.name, arg), _unknown(f"argument of {step.name}", arg, list(known.params)))
        for arg in step.args
        if arg not in known.params
    ]
    found += [
        Fault((*loc, step.name, arg), f"{step.name}: '{arg}' cannot be {type(value).__name__}")
        for arg, value in step.args.items()
        if arg in known.params and not isinstance(value, known.params[arg])
    ]
    named = step.args.get("with")
    found += [
        Fault((*loc, step.name, "with", key), _unknown("transform", str(name), list(REGISTRY)))
        for key, name in (named.items() if isinstance(named, dict) else ())
        if name not in REGISTRY
    ]
    missing = [arg for arg in known.needs if arg not in step.args]
    return found + [Fault(loc, f"{step.name} needs '{arg}'") for arg in missing]


def _unknown(what: str, word: str, valid: list[str]) -> str:
    near = nearest(word, valid)
    return f"unknown {what} '{word}'" + (f"; did you mean '{near}'?" if near else "")
