"""The journey of a HubSpot account."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.journey.hubspot import changes
from tests.journey.hubspot.checks import OF_CONTENT
from tests.journey.hubspot.org import STREAMS, HubspotOrg
from tests.journey.ways import Other, Way


def _sandbox(contacts: int, seed: int, _folder: Path) -> Sequence[str]:
    return ("--org", str(contacts), "--org-of", "hubspot", "--seed", str(seed))


def _salesforce_lead(
    first: str, last: str, email: str, owner: Mapping[str, Any] | None
) -> Mapping[str, Any]:
    own = {"OwnerId": owner["ids"]["salesforce"]} if owner else {}
    return {
        "FirstName": first, "LastName": last, "Email": email, "Company": email.partition("@")[2],
        "Title": "Known from the other source", "Status": "Open - Not Contacted", "IsConverted": False,
        **own,
    }  # fmt: skip


WAY = Way(
    org=HubspotOrg,
    sandbox=_sandbox,
    other=Other("salesforce", "leads", _salesforce_lead, {"lag_s": 1}),
    known=changes.known_people,
    while_reading=changes.while_reading,
    before_applying=changes.before_applying,
    checks=OF_CONTENT,
    settings={"objects": [name for name in STREAMS if name != "owners"]},
    storms_met={"a limit": "429", "an error": "5"},
)
