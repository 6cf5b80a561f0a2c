"""What may be sent to an address, from every raw version ever landed.

A no is history: any version that says it counts. A yes is present: the newest version that stands
must say it, and nothing may have said no. No play confirms a double opt-in or corrects a consent, so
no way leads back from a no.
"""

from collections.abc import Sequence

from tests.plays.home import Version, plain_state
from tests.plays.present import by_object, is_mapped, said_of_consent

About = tuple[str, str, str]  # address, channel, purpose


def states(versions: Sequence[Version]) -> dict[About, str]:
    """Return yes or no by address, channel and purpose."""
    found: dict[About, str] = {}
    for all_of_it in by_object(versions).values():
        standing = [v for v in all_of_it if not v.is_undone]
        for version in standing[-1:]:
            found |= {about: s for about, s in _said(version) if s == "yes" and about not in found}
    for version in versions:
        found |= {about: s for about, s in _said(version) if s == "no"}
    return found


def _said(version: Version) -> list[tuple[About, str | None]]:
    if not is_mapped(version):
        return []
    told = said_of_consent(version.source, version.stream, version.raw)
    if told.person is None:
        return []
    found = []
    for consent in told.of("consent"):
        channel = str(consent.values.get("channel"))
        address = told.person.values.get("email" if channel == "email" else "phone")
        if isinstance(address, str):
            about = (address.lower(), channel, str(consent.values.get("purpose") or ""))
            found.append((about, plain_state(str(consent.values.get("state")))))
    return found


def is_said_of_person(version: Version) -> bool:
    """Whether the version says no of a person and not of one address: a Salesforce flag."""
    return version.source == "salesforce" and any(s == "no" for _, s in _said(version))
