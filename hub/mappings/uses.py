"""Find the keys of a payload that a mapping document reads. Pure."""

from hub.mappings.copies import matches_any
from hub.mappings.document import MappingDocument, walk_rules
from hub.mappings.rows import path_parts
from hub.mappings.rule_document import Rule


def used(document: MappingDocument, keys: frozenset[str]) -> frozenset[str]:
    """Return the top-level keys that a rule reads by a path, or copies by a pattern (`*__c`)."""
    rules = [rule for _, rule in walk_rules(document)]
    return frozenset(key for key in keys if any(_reads(rule, key) for rule in rules))


def _reads(rule: Rule, key: str) -> bool:
    if rule.path:
        return path_parts(rule.path)[0] == key
    if rule.copy_ is None:
        return False
    if rule.copy_.of:
        return path_parts(rule.copy_.of)[0] == key
    return matches_any(key, rule.copy_.keys) and not matches_any(key, rule.copy_.except_)
