"""The shape of the rules in a mapping document: steps, answers, consents, copies, lookups, conditions.

In: plain Python values from YAML. Out: frozen models in which every shorthand is expanded. Not here: the
document around the rules (`hub.mappings.document`).
"""

import difflib
from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError


class Strict(BaseModel):
    """A frozen model; the error for an unknown key names the nearest valid one."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    @model_validator(mode="before")
    @classmethod
    def _known_keys(cls, raw: object) -> object:
        raw = cls.expand(raw)
        if not isinstance(raw, Mapping):
            return raw
        valid = [field.alias or name for name, field in cls.model_fields.items()]
        for key in raw:
            if key not in valid:
                near = nearest(str(key), valid)
                message = "unknown key '{key}'" + ("; did you mean '{near}'?" if near else "")
                context = {"key": str(key), "near": near or ""}
                raise PydanticCustomError("unknown_key", message, context)
        return raw

    @classmethod
    def expand(cls, raw: object) -> object:
        """Expand a shorthand; the default has none."""
        return raw


def nearest(word: str, valid: list[str]) -> str | None:
    """Return the valid word most like `word`, or None."""
    found = difflib.get_close_matches(word, valid, n=1, cutoff=0.5)
    return found[0] if found else None


class Step(Strict):
    """One named transform with its arguments."""

    name: str
    args: dict[str, Any] = Field(default_factory=dict)

    @classmethod
    def expand(cls, raw: object) -> object:
        """Expand `email` and `{picklist: {map: …}}` to a step."""
        if isinstance(raw, str):
            return {"name": raw}
        if isinstance(raw, Mapping) and len(raw) == 1:
            name, args = next(iter(raw.items()))
            return {"name": name, "args": args or {}}
        raise PydanticCustomError("step", "a transform is a name, or one {{name: arguments}}")


class Answer(Strict):
    """Selects one answer of a form: by ref, else by question type, else by its title.

    Each answer goes to one selector only: refs before types before titles. A title selects an answer
    if it equals a phrase after greetings, articles and polite words are removed: "What's your *first
    name*?" is `first name`, but "Company size" is not `company`. A hidden field of the form is used
    if no question gave an answer; `refs` has its name.

    Args:
        refs: refs of questions and names of hidden fields, without regard to case.
        types: types of questions (`email`) or answers (`phone_number`). A question about another
            person ("Your colleague's e-mail") is not selected by its type.
        field: a field whose titles are known in six languages: see `form_titles.yaml`.
        titles: phrases that are a question's title, without case, accents or punctuation.
        of: types of answers that a title may choose; a ref or a type chooses any.
        max_words: a longer title is a sentence and asks for no field.
    """

    refs: list[str] = Field(default_factory=list)
    types: list[str] = Field(default_factory=list)
    field: str | None = None
    titles: list[str] = Field(default_factory=list)
    of: list[str] = Field(default_factory=lambda: ["text", "choice"])
    max_words: int = 12

    @model_validator(mode="after")
    def _selects(self) -> Self:
        if not (self.refs or self.types or self.field or self.titles):
            raise PydanticCustomError("answer", "an answer needs refs, types, a field or titles")
        return self


class Consents(Strict):
    """Reads the consents in the answers of a form: see `hub.mappings.consent_phrases`.

    It gives a list of `{channel, purpose, state, proof}` for a target's `each`. The question's words
    decide. An answer that gives a consent goes to no other selector.

    Args:
        refs: refs of questions that you know to ask for marketing. They are used if the question's
            words are unknown, and never against its words.
    """

    refs: list[str] = Field(default_factory=list)


class Copy(Strict):
    """Copies keys that match a pattern (`*__c`) under their own names.

    The keys are those of the record, or of the object at `of`. A list of `{id, value}` at `of` is
    read as an object with the ids as keys.

    Args:
        keys: patterns of the keys to copy, `*` for all.
        of: path of the object (or list of `{id, value}`) with the keys; none: the record.
        except: patterns of keys to leave out.
        definitions: a context stream of the source with one definition for each key, by its name.
        unless: a predicate over a key's definition; if it is true, the key is left out.
        except_undefined: patterns of keys to leave out if their definition has not landed.
        labels: whether an object `{id, name}` is a choice of a list, and is read as its name.
    """

    keys: list[str]
    of: str | None = None
    except_: list[str] = Field(default_factory=list, alias="except")
    definitions: str | None = None
    unless: "Predicate | None" = None
    except_undefined: list[str] = Field(default_factory=list)
    labels: bool = False


SOURCES = (
    "path",
    "first_of",
    "all_of",
    "const",
    "answer",
    "question",
    "unmapped_answers",
    "form",
    "copy",
    "lookup",
    "consents",
    "item",
)


class Lookup(Strict):
    """Reads another object of the source: an object of a context stream, by an id in the record.

    Args:
        stream: the object's stream, of the same source.
        id: the rule that gives the object's id.
        path: the path of the value in that object.
    """

    stream: str
    id: "Rule"
    path: str


class Rule(Strict):
    """The source of a value (exactly one), its transforms, and the handling of errors.

    Args:
        path: keys and list places on the way to a value: `a.b[0].c`; a missing step is null.
        first_of: rules; the first whose value is not blank.
        all_of: rules; all their values as a list, null if all are null.
        const: the same value for every record.
        answer: the answer of a form that this selects.
        question: the title of the question whose answer this selects.
        unmapped_answers: true for the answers that no selector took, one `question: answer` a line.
        form: `id` or `title` of the form that was answered.
        copy: many keys at once, under their own names; its field is written `custom_fields.*`.
        lookup: a value of another object of the same source.
        consents: what the answers of a form agree to, as a list; for `each`.
        item: a path in the list entry that a target with `each` is emitted for.
        transform: one transform, or a list applied in order; none: the default of the field's kind.
        when: a predicate; if it is false, the value is null.
        required: a record without a value is rejected.
        on_error: for a value that cannot be used: `null` leaves the field empty, `keep` keeps the
            typed value. Both write a quarantine row.
    """

    path: str | None = None
    first_of: list["Rule"] | None = None
    all_of: list["Rule"] | None = None
    const: Any = None
    answer: Answer | None = None
    question: Answer | None = None
    unmapped_answers: bool | None = None
    form: Literal["id", "title"] | None = None
    copy_: Copy | None = Field(default=None, alias="copy")
    lookup: Lookup | None = None
    consents: Consents | None = None
    item: str | None = None
    transform: list[Step] | None = None
    when: "Predicate | None" = None
    required: bool = False
    on_error: Literal["null", "keep"] = "null"

    @classmethod
    def expand(cls, raw: object) -> object:
        """Expand a bare string to a path, and one transform to a list."""
        if isinstance(raw, str):
            return {"path": raw}
        if isinstance(raw, Mapping):
            out = dict(raw)
            if "on_error" in out and out["on_error"] is None:
                out["on_error"] = "null"
            if isinstance(out.get("transform"), str | Mapping):
                out["transform"] = [out["transform"]]
            return out
        raise PydanticCustomError("rule", "a rule is a path, or a mapping such as {{path: …}}")

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        given = [
            name
            for name in SOURCES
            if ("copy_" if name == "copy" else name) in self.model_fields_set
        ]
        if len(given) != 1:
            raise PydanticCustomError(
                "one_source",
                "a rule has exactly one of {sources}; this one has {given}",
                {"sources": ", ".join(SOURCES), "given": ", ".join(given) or "none"},
            )
        return self


class Comparison(Strict):
    """A rule's value against one value, or a list of them."""

    rule: Rule
    values: list[Any]


PREDICATES: Mapping[str, str] = {
    "equals": "{path…, value: v}: the value is v (text is compared without case or accents)",
    "not_equals": "{path…, value: v}: the opposite of equals; true for an empty value",
    "in": "{path…, values: […]}: the value equals one of the list",
    "contains": "{path…, values: […]}: a text has one of the words or phrases in it as whole words, "
    "a list has one as an item (without case, accents or punctuation); `tarif*` is every word that "
    "begins so",
    "is_true": "rule: the value reads as true (true, 1, yes, oui, vrai, x)",
    "is_empty": "rule: null, blank text, empty list or object",
    "not_empty": "rule: the opposite of is_empty",
    "any": "[predicates]: at least one holds",
    "all": "[predicates]: every one holds",
    "not": "predicate: does not hold",
}


COMPARISONS: Mapping[str, str] = {
    "equals": "value",
    "not_equals": "value",
    "in": "values",
    "contains": "values",
}
"""Predicates that compare a rule's value with others → the key of these other values."""


class Predicate(Strict):
    """A predicate: exactly one entry of `PREDICATES`."""

    equals: Comparison | None = None
    not_equals: Comparison | None = None
    in_: Comparison | None = Field(default=None, alias="in")
    contains: Comparison | None = None
    is_true: Rule | None = None
    is_empty: Rule | None = None
    not_empty: Rule | None = None
    any_: list["Predicate"] | None = Field(default=None, alias="any")
    all_: list["Predicate"] | None = Field(default=None, alias="all")
    not_: "Predicate | None" = Field(default=None, alias="not")

    @classmethod
    def expand(cls, raw: object) -> object:
        """Write `{equals: {path: p, value: v}}` as a rule and its values."""
        if not isinstance(raw, Mapping) or len(raw) != 1:
            raise PydanticCustomError(
                "predicate", "a predicate is one of {names}", {"names": ", ".join(PREDICATES)}
            )
        name, operand = next(iter(raw.items()))
        if name not in COMPARISONS or not isinstance(operand, Mapping):
            return dict(raw)
        if "rule" in operand:
            return dict(raw)
        key = COMPARISONS[name]
        if key not in operand:
            raise PydanticCustomError(
                "predicate", "'{name}' needs '{key}'", {"name": name, "key": key}
            )
        rule = {k: v for k, v in operand.items() if k != key}
        values = operand[key] if key == "values" else [operand[key]]
        return {name: {"rule": rule, "values": values}}
