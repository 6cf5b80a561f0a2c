"""Change made records: typos, missing values, opt-outs, conversions, merges, deletions.

Not here: the rates (`rates.py`), the unchanged records (`generator.py`).
"""

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from random import Random

from hub.sandbox.fake_data import FakeData
from hub.sandbox.fields import FIELDS, Record, drop, is_person, read, write, write_name
from hub.sandbox.ids import salesforce_id
from hub.sandbox.population import Population, sample_share
from hub.sandbox.rates import BAD_VALUES, MEMBER_STATUSES, RATES

_UNTIL_ENDED = timedelta(minutes=50)
_OPT_OUTS: Mapping[str, tuple[str, object]] = {
    "salesforce": ("HasOptedOutOfEmail", True),
    "hubspot": ("hs_email_optout", "true"),
}
_WITH_MERGES = ("salesforce", "hubspot")


def corrupt(records: Sequence[Record], population: Population, seed: int, now: datetime) -> None:
    """Change the records in place, each kind of change at its rate."""
    persons = [record for record in records if is_person(record)]
    by_source = {
        source: [record for record in persons if record["source"] == source] for source in FIELDS
    }
    rng = population.rng
    _mistype(persons, population, population.fake)
    _make_unreachable(persons, population)
    for source, (field, value) in _OPT_OUTS.items():
        for record in sample_share(rng, by_source[source], RATES["opted_out"]):
            record["values"][field] = value
    _set_members(rng, by_source["mailchimp"])
    _convert(rng, by_source["salesforce"], seed, now)
    for source in _WITH_MERGES:
        _merge_two(by_source[source], now)
    tickets = [record for record in records if record["stream"] == "tickets"]
    for those in (by_source["salesforce"], by_source["hubspot"], tickets):
        _delete(rng, those, now)


def add_bad_values(rng: Random, records: Sequence[Record]) -> list[Record]:
    """Write one bad value of each kind, and return the list for the key `planted`."""
    spared = {id(one["merged_into"]) for one in records if "merged_into" in one}
    planted = []
    for source, field, value in BAD_VALUES:
        able = [
            one
            for one in records
            if is_person(one)
            and one["source"] == source
            and not one.get("deleted")
            and not one["values"].get("IsConverted")
            and read(one["values"], field)
            and id(one) not in spared
        ]
        if able:
            record = rng.choice(able)
            spared.add(id(record))
            write(record["values"], field, value.format(read(record["values"], field)))
            planted.append({"record": record, "field": field})
    return planted


def text(at: datetime) -> str:
    """Return a time as the universe's format writes it."""
    return at.astimezone(UTC).replace(microsecond=0).strftime("%Y-%m-%dT%H:%M:%SZ")


def time_of(written: str) -> datetime:
    """Return the time that a text of the universe's format gives."""
    return datetime.fromisoformat(written)


def _mistype(persons: Sequence[Record], population: Population, fake: FakeData) -> None:
    for record in sample_share(population.rng, persons, RATES["mistyped"]):
        person = population.by_id[record["person"]]
        first, last = person.first_name, person.last_name
        if population.rng.random() < 0.4:  # noqa: PLR2004
            first = fake.with_typo(first)
        else:
            last = fake.with_typo(last)
        write_name(record["source"], record["values"], first, last)


def _make_unreachable(persons: Sequence[Record], population: Population) -> None:
    """Remove e-mail addresses and phone numbers, but none that another rate counts."""
    rng = population.rng
    kept = population.with_two_emails | population.with_role_address
    with_email = [
        record
        for record in persons
        if record["person"] not in kept and not FIELDS[record["source"]].needs_email
    ]
    wanted = math.ceil(len(persons) * RATES["unreachable"])
    losing = rng.sample(with_email, min(len(with_email), int(wanted * RATES["without_email"])))
    for record in losing:
        drop(record["values"], FIELDS[record["source"]].email)
    lost = {id(record) for record in losing}
    with_phone = [one for one in persons if one["person"] not in population.with_shared_phone]
    both = [record for record in with_phone if id(record) in lost]
    other = [record for record in with_phone if id(record) not in lost]
    both_n, other_n = int(wanted * RATES["without_both"]), wanted - len(losing)
    for record in [
        *rng.sample(both, min(len(both), both_n)),
        *rng.sample(other, min(len(other), other_n)),
    ]:
        drop(record["values"], FIELDS[record["source"]].phone)


def _set_members(rng: Random, members: Sequence[Record]) -> None:
    rest = rng.sample(members, len(members))
    for status, share in MEMBER_STATUSES.items():
        count = math.ceil(round(len(members) * share, 6))
        chosen, rest = rest[:count], rest[count:]
        for record in chosen:
            record["values"]["status"] = status
            if status == "pending":
                record["values"]["timestamp_opt"] = ""


def _convert(rng: Random, leads: Sequence[Record], seed: int, now: datetime) -> None:
    for n, record in enumerate(sample_share(rng, leads, RATES["converted"]), start=1):
        at = min(time_of(record["at"]) + timedelta(days=rng.randrange(30)), now)
        record["modified_at"] = text(at)
        record["values"] |= {
            "Status": "Closed - Converted",
            "IsConverted": True,
            "ConvertedDate": at.date().isoformat(),
            "ConvertedAccountId": "001" + salesforce_id(seed, "accounts", n)[3:],
            "ConvertedContactId": "003" + salesforce_id(seed, "contacts", n)[3:],
        }


def _merge_two(records: Sequence[Record], now: datetime) -> None:
    """Merge one record into another record of the same person."""
    first: dict[str, Record] = {}
    for record in records:
        if record["values"].get("IsConverted"):
            continue
        winner = first.setdefault(record["person"], record)
        if winner is not record:
            at = max(time_of(record["at"]), time_of(winner["at"])) + _UNTIL_ENDED
            at = min(at, now)
            record["deleted"] = True
            record["modified_at"] = winner["modified_at"] = text(at)
            record["merged_into"] = winner
            return


def _delete(rng: Random, records: Sequence[Record], now: datetime) -> None:
    winners = {id(one["merged_into"]) for one in records if "merged_into" in one}
    able = [
        one
        for one in records
        if not one.get("deleted")
        and not one["values"].get("IsConverted")
        and id(one) not in winners
    ]
    for record in sample_share(rng, able, RATES["deleted"], of=len(records)):
        record["deleted"] = True
        record["modified_at"] = text(min(time_of(record["at"]) + _UNTIL_ENDED, now))
