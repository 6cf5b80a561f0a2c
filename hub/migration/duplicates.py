"""People who may be in a source twice, or in the hub already: by e-mail address and by phone number.

In: samples of a source (`hub.migration.sampling`), its own counts, the keys of the hub. Out: numbers for
each stream. A whole stream is counted; of a sample the numbers are projected. Not here: who is one person
in the end: matching weighs names and companies too.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from hub.connectors.base import Inventory
from hub.migration.sampling import Keyed, Sample
from hub.records import identity, match_keys

_CHUNK = 2_000
_MOST_HOLDERS = 8  # of a key; one that more records have is no person's own


@dataclass(frozen=True, slots=True)
class StreamDuplicates:
    """People of one stream who may be there twice.

    Args:
        stream: its name.
        records_n: its living records; None: the vendor cannot count.
        read_n: how many of them were read.
        is_whole: whether all were read. Then the numbers are counts, otherwise projections of the sample.
        same_email_n: records whose e-mail address an earlier record of the stream has.
        is_email_counted: whether the vendor itself counted these, over all records.
        same_phone_n: records whose phone number an earlier record of the stream has.
        other_streams_n: records whose address or number a record of an earlier stream of the source has. A
            converted lead and its contact are two such records.
        in_hub_n: records whose address or number another record in the hub has.
    """

    stream: str
    records_n: int | None
    read_n: int
    is_whole: bool
    same_email_n: int
    is_email_counted: bool
    same_phone_n: int
    other_streams_n: int
    in_hub_n: int


def duplicates(
    conn: Connection, source: str, samples: Sequence[Sample], counts: Mapping[str, Inventory]
) -> list[StreamDuplicates]:
    """Return the numbers of each stream, in reading order.

    Args:
        conn: an open transaction.
        source: vendor name.
        samples: of its streams.
        counts: what the vendor counts, by stream.
    """
    found = []
    earlier: dict[int, float] = {}
    for one in samples:
        own = counts.get(one.stream)
        count_n = own.count_n if own else None
        times = projection(one, count_n)
        emails, phones = _repeats(one.people)
        counted = None if one.is_whole or own is None else _by_vendor(own)
        elsewhere = sum(
            max((earlier[key] for key in person.keys if key in earlier), default=0.0)
            for person in one.people
        )
        found.append(
            StreamDuplicates(
                one.stream,
                count_n,
                one.read_n,
                one.is_whole,
                _most(emails * times * times, count_n) if counted is None else counted,
                counted is not None,
                _most(phones * times * times, count_n),
                _most(elsewhere * times, count_n),
                _most(_in_hub(conn, source, one) * times, count_n),
            )
        )
        for person in one.people:
            for key in person.keys:
                earlier[key] = max(times, earlier.get(key, times))
    return found


def projection(sample: Sample, count_n: int | None) -> float:
    """Return how many records of the stream each record of a sample stands for.

    Two records that match are both in a sample of the n-th part only once in n times n.
    """
    if sample.is_whole or not sample.read_n or count_n is None:
        return 1.0
    return max(count_n / sample.read_n, 1.0)


def _most(n: float, count_n: int | None) -> int:
    return round(n) if count_n is None else min(round(n), count_n)


def _repeats(people: Sequence[Keyed]) -> tuple[int, int]:
    """Return the records with an e-mail address, and those with a number, of an earlier record."""
    emails: set[int] = set()
    phones: set[int] = set()
    same_email_n = same_phone_n = 0
    for one in people:
        same_email_n += not emails.isdisjoint(one.emails)
        same_phone_n += not phones.isdisjoint(one.phones)
        emails.update(one.emails)
        phones.update(one.phones)
    return same_email_n, same_phone_n


def _by_vendor(counts: Inventory) -> int | None:
    """Return the vendor's own count of records beyond the first of each address; None: it has none."""
    addresses = [
        (one.filled_n, one.distinct_n)
        for one in counts.fields
        if one.filled_n is not None and one.distinct_n is not None
    ]
    filled_n, distinct_n = max(addresses, default=(0, 0))
    return filled_n - distinct_n if addresses else None


def _in_hub(conn: Connection, source: str, sample: Sample) -> int:
    """Return the people of a sample whose keys other records in the hub have."""
    return sum(_held(conn, f"{source}/{sample.stream}", some) for some in _chunks(sample.people))


def _held(conn: Connection, stream: str, people: Sequence[Keyed]) -> int:
    keys = {key for one in people for key in one.keys}
    blocks = match_keys.holders(conn, dict.fromkeys(keys, _MOST_HOLDERS)).blocks
    holders = identity.load_records(conn, {i for ids in blocks.values() if ids for i in ids})
    names = {i: one.stable_key for i, one in holders.items() if not one.is_gone}

    def is_other(ids: Collection[int] | None, own: str) -> bool:
        return ids is None or any(names.get(i, own) != own for i in ids)

    return sum(
        any(
            key in blocks and is_other(blocks[key], f"{stream}/{one.source_id}") for key in one.keys
        )
        for one in people
    )


def _chunks(people: Sequence[Keyed]) -> Iterator[Sequence[Keyed]]:
    for start in range(0, len(people), _CHUNK):
        yield people[start : start + _CHUNK]
