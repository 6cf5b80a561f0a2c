"""Which keys of a payload a mapping reads: by path, by pattern, in predicates and look-ups."""

from hub.mappings.uses import used
from tests.shipped import mappings


def of(name: str, *keys: str) -> set[str]:
    return set(used(mappings()[name], frozenset(keys)))


def test_copied_keys_are_used_and_ignored_ones_are_not() -> None:
    asked = ("Account_Tier__c", "ns__Score__c", "Jigsaw", "PhotoUrl", "LastActivityDate", "Nope")
    assert of("salesforce/leads", *asked) == {
        "Account_Tier__c",
        "ns__Score__c",
        "LastActivityDate",
    }


def test_keys_of_predicates_and_inner_paths_are_used() -> None:
    asked = ("tags", "member_rating", "location", "last_note", "stats", "email_client")
    assert of("mailchimp/members", *asked) == {"tags", "member_rating", "location", "last_note"}


def test_the_object_that_keys_are_copied_from_is_used() -> None:
    assert of("hubspot/contacts", "properties", "archivedAt") >= {"properties"}
