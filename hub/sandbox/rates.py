"""The rates of the shipped universe: how often each difficulty occurs. Data only.

docs/reference/universe.md says the same in prose. Not here: the code that reaches the rates
(`population.py`, `corruption.py`).
"""

from collections.abc import Mapping

# percent of the people, and the sources they are in; people in several sources come first
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
# share of a source's people who have two records there
DUPLICATES: Mapping[str, float] = {"salesforce": 0.06, "typeform": 0.04, "hubspot": 0.03}
RATES: Mapping[str, float] = {
    "in_several_sources": 0.45,
    # share of the people, and share of the records of people
    "shared_phone": 0.05,
    "namesake": 0.03,
    "role_address": 0.05,
    # share of all people, so a higher share of the people with several records
    "other_email": 0.16,
    # share of the records of people
    "mistyped": 0.08,
    "unreachable": 0.10,
    # share of the unreachable records
    "without_email": 0.5,
    "without_both": 0.2,
    # share of the leads
    "converted": 0.04,
    # share of the leads, of the contacts in HubSpot, of the tickets
    "deleted": 0.02,
    # share of the leads, of the contacts in HubSpot
    "opted_out": 0.10,
    "of_a_queue": 0.04,
    "of_a_leaver": 0.05,
    # share of the tickets
    "for_sales": 0.20,
}
# share of the members in Mailchimp; the other members are subscribed
MEMBER_STATUSES: Mapping[str, float] = {
    "unsubscribed": 0.10,
    "cleaned": 0.04,
    "pending": 0.03,
    "archived": 0.03,
}
TICKETS_PER_USER: Mapping[int, int] = {1: 60, 2: 25, 3: 15}
# one record gets each bad value; the universe lists these records under `planted`
BAD_VALUES: tuple[tuple[str, str, str], ...] = (
    ("salesforce", "Email", "jean..dupont@@nowhere"),
    ("salesforce", "Status", "Nurturing (old CRM)"),
    ("typeform", "first_name", "{} 🚀"),
    ("hubspot", "lifecyclestage", "hotprospect2019"),
    ("hubspot", "phone", "ask at the front desk"),
    ("mailchimp", "merge_fields.PHONE", "n/a"),
    ("zendesk", "phone", "ext. 12"),
)
