"""Rows of files that may only add, or only update: which records of an entity count."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from hub.model.folding import ADD, MODE, UPDATE, FoldRecord, by_mode

AT = datetime(2026, 1, 1, tzinfo=UTC)


def record(number: int, mode: str | None) -> FoldRecord:
    refs = {"owner": "o", **({MODE: mode} if mode else {})}
    return FoldRecord(
        number, 1, "csv", "leads", str(number), "trusted", {"city": "Paris"}, refs, AT, False, None, None,
        1, None, True, "lead", "bulk",
    )  # fmt: skip


def counting(*modes: str | None) -> list[int]:
    return [r.id for r in by_mode([record(i, m) for i, m in enumerate(modes, 1)]) if not r.is_gone]


def test_a_row_that_may_only_add_counts_alone_and_one_that_may_only_update_beside_another() -> None:
    assert counting(ADD) == [1]
    assert counting(None, ADD) == [1]
    assert counting(ADD, None) == [1, 2]
    assert counting(UPDATE) == []
    assert counting(UPDATE, UPDATE) == []
    assert counting(None, UPDATE) == [1, 2]
    assert counting(UPDATE, None) == [1, 2]
    assert counting(ADD, ADD, UPDATE) == [1, 3]


def test_a_row_that_is_left_out_says_nothing() -> None:
    (left,) = by_mode([record(1, UPDATE)])
    assert (left.values, left.refs, left.gone_why) == ({}, {MODE: UPDATE}, "excluded")


@given(st.lists(st.sampled_from([None, ADD, UPDATE]), min_size=1, max_size=6), st.randoms())
def test_the_order_of_records_does_not_matter(modes: list[str | None], random: object) -> None:
    records = [record(i, mode) for i, mode in enumerate(modes)]
    mixed = records.copy()
    random.shuffle(mixed)  # type: ignore[attr-defined]  # hypothesis' own random
    assert sorted(by_mode(mixed), key=lambda r: r.id) == by_mode(records)
    assert by_mode(by_mode(records)) == by_mode(records)
