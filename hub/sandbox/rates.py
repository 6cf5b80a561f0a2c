"""How often something happens in the shipped universe: data only.

docs/reference/universe.md says the same in prose. Not here: how it is made to hold
(`population.py`, `corruption.py`).
"""

from collections.abc import Mapping

# who is where, in hundredths of the people: those in several sources come first
SOURCES_OF_PEOPLE: tuple[tuple[int, tuple[str, ...]], ...] = (
    (12, ("salesforce", "typeform")),
    (6, ("salesforce", "hubspot")),
    (5, ("hubspot", "mailchimp")),
    (4, ("salesforce", "mailchimp")),
    (4, ("typeform", "hubspot")),
    (4, ("salesforce", "zendesk")),
    (3, ("typeform", "mailchimp")),
    (3, ("salesforce", "typeform", "mailchimp")),
    (2, ("hubspot", "zendesk")),
    (2, ("salesforce", "hubspot", "zendesk")),
    (18, ("salesforce",)),
    (13, ("typeform",)),
    (12, ("hubspot",)),
    (7, ("mailchimp",)),
    (5, ("zendesk",)),
)
# of those in a source, how many have two records there
DUPLICATES: Mapping[str, float] = {"salesforce": 0.06, "typeform": 0.04, "hubspot": 0.03}
RATES: Mapping[str, float] = {
    "in_several_sources": 0.45,
    # of the people, and of the records of people
    "shared_phone": 0.05,
    "namesake": 0.03,
    "role_address": 0.05,
    # of all people, so of those with several records more
    "other_email": 0.16,
    # of the records of people
    "mistyped": 0.08,
    "unreachable": 0.10,
    # of the unreachable
    "without_email": 0.5,
    "without_both": 0.2,
    # of the leads
    "converted": 0.04,
    # of the leads, of the contacts in HubSpot, of the tickets
    "deleted": 0.02,
    # of the leads, of the contacts in HubSpot
    "opted_out": 0.10,
    "of_a_queue": 0.04,
    "of_a_leaver": 0.05,
    # of the tickets
    "for_sales": 0.20,
}
# of the members in Mailchimp; the others are subscribed
MEMBER_STATUSES: Mapping[str, float] = {
    "unsubscribed": 0.10,
    "cleaned": 0.04,
    "pending": 0.03,
    "archived": 0.03,
}
TICKETS_PER_USER: Mapping[int, int] = {1: 60, 2: 25, 3: 15}
# one bad value each, listed under `planted`
BAD_VALUES: tuple[tuple[str, str, str], ...] = (
    ("salesforce", "Email", "jean..dupont@@nowhere"),
    ("salesforce", "Status", "Nurturing (old CRM)"),
    ("typeform", "first_name", "{} 🚀"),
    ("hubspot", "lifecyclestage", "hotprospect2019"),
    ("hubspot", "phone", "ask at the front desk"),
    ("mailchimp", "merge_fields.PHONE", "n/a"),
    ("zendesk", "phone", "ext. 12"),
)
