"""The journey of a Salesforce org."""

from collections.abc import Sequence
from pathlib import Path

from tests.journey.salesforce import changes
from tests.journey.salesforce.checks import OF_CONTENT
from tests.journey.salesforce.org import STREAMS, SalesforceOrg
from tests.journey.ways import HUBSPOT_LEADS, Way


def _sandbox(leads: int, seed: int, _folder: Path) -> Sequence[str]:
    return ("--org", str(leads), "--seed", str(seed))


WAY = Way(
    org=SalesforceOrg,
    sandbox=_sandbox,
    other=HUBSPOT_LEADS,
    known=changes.known_people,
    while_reading=changes.while_reading,
    before_applying=changes.before_applying,
    checks=OF_CONTENT,
    settings={"objects": [name for name in STREAMS if name != "users"]},
    storms_met={"a limit": "403", "an ended session": "401", "an error": "5"},
)
