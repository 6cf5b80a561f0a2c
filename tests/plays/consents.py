"""The consent of an address, from all raw versions that landed and from the team's decisions.

A no is history: any version that says it counts. A yes is present: the newest version that stands
must say it, and no later no may stand. Two things lift an older no: an opt-in that was confirmed (a
list with double opt-in on), and a correction, which does not lift a no that the person gave by a
link. A no that was said of a person reaches the addresses that are hers alone, and stays with them.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from tests.plays.home import TeamWord, Version, plain_state
from tests.plays.present import by_object, is_mapped, said_of_consent

About = tuple[str, str, str]  # address, channel, purpose
_PHONES = ("phone", "sms")


@dataclass(frozen=True)
class Word:
    """Something said: `key` is the object, `is_now` whether its newest version still says it."""

    key: str
    about: About
    state: str | None
    at: datetime
    of_person: bool = False
    by_link: bool = False
    is_confirmed: bool = False
    is_now: bool = True


def words(versions: Sequence[Version]) -> list[Word]:
    """Return what all versions say, with the time from which each counts."""
    found: list[Word] = []
    for all_of_it in by_object(versions).values():
        standing = [v for v in all_of_it if not v.is_undone]
        before: dict[tuple[About, str | None], Word] = {}
        confirmed: dict[tuple[About, datetime], bool] = {}
        latest: datetime | None = None
        for version in all_of_it:
            if version.raw.into is not None or version.raw.op != "upsert":
                continue
            moment = version.raw.at or version.landed_at
            if latest is not None and moment <= latest:
                moment = version.landed_at
            latest = max(latest or moment, version.raw.at or moment)
            now: dict[tuple[About, str | None], Word] = {}
            for word, at in _said(version):
                same = before.get((word.about, word.state))
                known = at or (same.at if same else moment)
                is_confirmed = word.is_confirmed
                if word.state == "yes" and at:
                    is_confirmed = confirmed.setdefault((word.about, at), is_confirmed)
                kept = replace(word, at=known, is_confirmed=is_confirmed)
                now[word.about, word.state] = kept
                found.append(replace(kept, is_now=standing[-1:] == [version]))
            before = now
    return found


def _said(version: Version) -> Iterable[tuple[Word, datetime | None]]:
    if not is_mapped(version):
        return
    told = said_of_consent(version.source, version.stream, version.raw)
    if told.person is None:
        return
    for consent in told.of("consent"):
        values = consent.values
        channel = str(values.get("channel"))
        address = values.get("address") or told.person.values.get(
            "email" if channel == "email" else "phone"
        )
        at = values.get("at")
        yield (
            Word(
                version.key,
                (str(address or "").lower(), channel, str(values.get("purpose") or "")),
                plain_state(str(values.get("state"))),
                datetime.min.replace(tzinfo=UTC),
                values.get("said_of") == "person",
                values.get("voice") == "person",
                values.get("is_confirmed") is True,
            ),
            datetime.fromisoformat(str(at)) if at else None,
        )


def states(
    said: Sequence[Word], passed: Iterable[tuple[About, datetime]], team: Sequence[TeamWord]
) -> dict[About, str]:
    """Return yes or no by address, channel and purpose.

    Args:
        said: by all versions.
        passed: noes of people that reached another address: where, and since when.
        team: what the team said.
    """
    about: dict[About, list[Word]] = defaultdict(list)
    for word in said:
        about[word.about].append(word)
    for where, at in passed:
        about[where].append(Word("", where, "no", at))
    corrected = {
        where: max(w.at for w in team if w.is_correction and w.about == where)
        for where in {w.about for w in team if w.is_correction}
    }
    return {
        where: state
        for where in {*about, *corrected}
        if where[0] and (state := _state(about[where], corrected.get(where)))
    }


def _state(heard: Sequence[Word], corrected: datetime | None) -> str | None:
    yes = [word for word in heard if word.state == "yes" and word.is_now]
    confirmed = max((word.at for word in yes if word.is_confirmed), default=None)
    for no in heard:
        is_lifted = (confirmed is not None and no.at < confirmed) or (
            corrected is not None and no.at <= corrected and not no.by_link
        )
        if no.state == "no" and not is_lifted:
            return "no"
    return "yes" if yes or corrected is not None else None


def reaches(channel: str, values: Mapping[str, object]) -> set[str]:
    """Return the addresses among a person's values that a channel reaches."""
    custom = values.get("custom_fields")
    known = {**custom, **values} if isinstance(custom, dict) else dict(values)
    if channel == "email":
        names: tuple[str, ...] = ("email", "emails")
    elif channel in _PHONES:
        names = ("phone", "mobile", "other_phones")
    else:
        names = ("fax",) if channel == "fax" else ()
    some = [known.get(name) for name in names]
    flat = [one for value in some for one in (value if isinstance(value, list) else [value])]
    return {one.strip().lower() for one in flat if isinstance(one, str) and one.strip()}
