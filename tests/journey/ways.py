"""What a journey needs of one vendor: its org, what changes there meanwhile, and what must hold afterwards.

Beside each source, leads of another source arrive (`Other`). A new source adds a folder and a line to
`WAYS`; `drive.py` stays as it is.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.journey.org import Org
from tests.journey.rows import Check
from tests.processes import SandboxProcess


@dataclass(frozen=True, slots=True)
class Other:
    """A source whose leads arrive while another source is migrated.

    Args:
        source: vendor name.
        stream: the vendor's table of the leads.
        lead: makes the values of a lead: first name, last name, e-mail address, and the user who owns it.
        settings: of the source in hub.yaml.
    """

    source: str
    stream: str
    lead: Callable[[str, str, str, Mapping[str, Any] | None], Mapping[str, Any]]
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Way:
    """One vendor that can be migrated.

    Args:
        org: how its records are read.
        sandbox: the options of the sandbox for an org with so many leads, of that seed; it may write
            files into the folder.
        other: the source beside it.
        known: of three leads of the other source: first name, last name and address. The first two are
            people of the org.
        while_reading: changes records, at a share of the reading.
        before_applying: changes, deletes and makes records between the plan and the run.
        checks: of the content.
        settings: of the source in hub.yaml.
        storms_met: what the vendor answers in the storms, by the beginning of the status.
    """

    org: type[Org]
    sandbox: Callable[[int, int, Path], Sequence[str]]
    other: Other
    known: Callable[[Any], Iterator[tuple[str, str, str]]]
    while_reading: Callable[[Any, SandboxProcess, float], None]
    before_applying: Callable[[Any, SandboxProcess], None]
    checks: Sequence[Check]
    settings: Mapping[str, Any]
    storms_met: Mapping[str, str]

    @property
    def source(self) -> str:
        """The vendor's name."""
        return self.org.source


def _hubspot_lead(
    first: str, last: str, email: str, owner: Mapping[str, Any] | None
) -> Mapping[str, Any]:
    own = {"hubspot_owner_id": owner["id"]} if owner else {}
    return {
        "firstname": first, "lastname": last, "email": email, "lifecyclestage": "lead",
        "jobtitle": "Known from the other source", **own,
    }  # fmt: skip


HUBSPOT_LEADS = Other("hubspot", "contacts", _hubspot_lead, {"lag_s": 1})


def way_of(source: str) -> Way:
    """Return the way of a source."""
    from tests.journey import hubspot, salesforce  # it needs the classes above

    return {"salesforce": salesforce.WAY, "hubspot": hubspot.WAY}[source]


SOURCES = ("salesforce", "hubspot")
