"""The fold of one record without edits: there is no other record, so its values are copied.

In: the record, the rules. Out: the result of `hub.golden.survive` and `hub.golden.status` for this
record, several times as fast; a property test compares the two. Most people have one record. Not
here: more than one record, edits, explanations.
"""

from collections.abc import Mapping

from hub.golden.rules import SurvivorshipRules
from hub.golden.survive import Values, distinct, is_blank, members
from hub.model.records import JsonValue


def survive_alone(said: Mapping[str, JsonValue], rules: SurvivorshipRules) -> Values:
    """Return the golden values of a person whose one record has the values `said`."""
    special = rules.special
    values = {n: v for n, v in said.items() if n not in special and not is_blank(v)}
    for name in rules.earliest:
        moment = said.get(name)
        if isinstance(moment, str) and moment:
            values[name] = moment
    for name in rules.union:
        if united := distinct(members(said, name)):
            values[name] = united
    for name in rules.per_key:
        own = said.get(name)
        if isinstance(own, dict) and (kept := _kept(own)):
            values[name] = kept
    return {name: values[name] for name in sorted(values)}


def _kept(own: Mapping[str, JsonValue]) -> Values:
    return {key: value for key, value in sorted(own.items()) if not is_blank(value)}
