"""Blocks of a chunk say what the plain definition says, whatever came, changed and left before."""

from collections import defaultdict
from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from hub.matching import blocks, companies
from hub.matching.blocks import Chunk
from hub.matching.key_hash import hashed, hashes, limit_of
from hub.matching.keys import CANDIDATE_LIMIT, LIMITS, limit

# few keys with low limits, so that they are crossed all the time: (number, limit) as a hash has them
KEYS = [number << 8 | most for number, most in enumerate((4, 4, 4, 8, 8, 8))]
RECORDS = range(1, 21)
Stored = dict[int, tuple[int, ...]]
Pairs = set[tuple[int, int]]
owns = st.sets(st.sampled_from(KEYS), max_size=4).map(lambda own: tuple(sorted(own)))
chunks = st.lists(
    st.dictionaries(st.sampled_from(RECORDS), owns, min_size=1, max_size=12), min_size=1, max_size=8
)


def plain(stored: Stored) -> Pairs:
    """All pairs that share a key which no more records have than its limit."""
    having: defaultdict[int, list[int]] = defaultdict(list)
    for record, own in stored.items():
        for key in own:
            having[key].append(record)
    return {
        pair
        for key, records in having.items()
        if len(records) <= limit_of(key)
        for pair in combinations(sorted(records), 2)
    }


def looked_up(
    stored: Stored, most: dict[int, int], least: dict[int, int] | None = None
) -> dict[int, blocks.Block]:
    """Return the blocks that the look-up in the table finds."""
    found: dict[int, blocks.Block] = {}
    for key, wanted in most.items():
        having = [record for record, own in stored.items() if key in own]
        if len(having) >= (least or {}).get(key, 1):
            found[key] = having if len(having) <= wanted else None
    return found


def is_edge(pair: tuple[int, int]) -> bool:
    """Some candidates are judged different; no edge is stored of these."""
    return sum(pair) % 3 != 0


def match(stored: Stored, edges: Pairs, after: Stored) -> tuple[Stored, Pairs]:
    """Match a chunk as `hub.etl.keying` does; returns the keys and the edges that are stored then."""
    before = {i: own for i, own in stored.items() if i in after}
    chunk = Chunk(before, after)
    others = blocks.outside(chunk, looked_up(stored, chunk.most(), chunk.least()))
    flips = blocks.flips(chunk, others)
    sharers = {r for block in flips.freed.values() for r in block}
    sharers |= blocks.in_one_block(edges, flips.crowded.values())
    now = {i: own for i, own in {**stored, **after}.items() if own}
    of_sharers = {i: now[i] for i in sharers}
    more = {key for own in of_sharers.values() for key in own} - others.keys()
    known = blocks.whole(chunk, others) | looked_up(now, {key: limit_of(key) for key in more})
    again = {*after, *sharers}
    kept = {pair for pair in edges if not again.intersection(pair)}
    return now, kept | {p for p in blocks.pairs({**after, **of_sharers}, known) if is_edge(p)}


@given(chunks)
def test_edges_are_those_of_the_plain_definition_after_every_chunk(steps: list[Stored]) -> None:
    stored: Stored = {}
    edges: Pairs = set()
    for after in steps:
        stored, edges = match(stored, edges, after)
        assert edges == {pair for pair in plain(stored) if is_edge(pair)}


@given(chunks)
def test_the_pairs_of_a_chunk_are_those_of_the_plain_definition(steps: list[Stored]) -> None:
    stored: Stored = {}
    for after in steps:
        before = {i: own for i, own in stored.items() if i in after}
        chunk = Chunk(before, after)
        others = blocks.outside(chunk, looked_up(stored, chunk.most(), chunk.least()))
        stored = {i: own for i, own in {**stored, **after}.items() if own}
        found = blocks.pairs(after, blocks.whole(chunk, others))
        assert found == {pair for pair in plain(stored) if after.keys() & pair}


def test_a_hash_says_how_many_may_share_its_key() -> None:
    for kind in (*LIMITS, "email", "phone", "name_company"):
        (number,) = hashes([(kind, "martin")])
        assert limit_of(number) == limit(kind)
        assert -(2**63) <= number < 2**63


def test_no_key_of_a_person_has_the_hash_of_a_company() -> None:
    assert companies.LIMIT not in {CANDIDATE_LIMIT, *LIMITS.values()}
    assert all(most % 4 == 0 for most in (companies.LIMIT, CANDIDATE_LIMIT, *LIMITS.values()))
    one = companies.firm("1", {"name": "Kestrel Ltd", "website": "kestrel.example"})
    assert companies.key_hashes(one)
    assert {limit_of(number) for number in companies.key_hashes(one)} == {companies.LIMIT}


def test_a_stored_hash_is_found_by_every_later_version() -> None:
    """Another value here needs another KEYS_VERSION, or no stored record is found any more."""
    assert hashes([("email", "ada@example.com")]) == (-7813238199156367038,)
    assert hashes([("name", "adaélovelace")]) == (-1419670900978970616,)
    assert hashes([("first_company", "ada|kestrel")]) == (-9201567085183938495,)


def test_kinds_are_told_apart_and_the_order_does_not_matter() -> None:
    some = [("phone", "612345678"), ("local", "612345678"), ("email", "612345678")]
    assert len(set(hashes(some))) == len(some)
    assert hashes(some) == hashes(reversed(some)) == hashes(some * 2)


@given(
    st.lists(st.tuples(st.sampled_from(["name", "email", "phone", "local"]), st.text()), max_size=8)
)
def test_the_hashes_of_a_record_are_those_of_its_keys(some: list[tuple[str, str]]) -> None:
    of_each = {
        hashed(kind, value, limit_bits)
        for kind, value in some
        for limit_bits in [hashes([(kind, "")])[0] & 255]
    }
    assert hashes(some) == tuple(sorted(of_each))
