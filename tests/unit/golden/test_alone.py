"""The quick ways of a person with one record, or without rows, give what the general ways give."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from hub.golden.alone import survive_alone
from hub.golden.fate import Person, Rows, fate, fate_with_rows, needs_past
from hub.golden.fold import FoldContext, fold, fold_all, source_version
from hub.golden.rules import SHIPPED, By, SurvivorshipRules
from hub.golden.survive import survive
from hub.model.folding import FoldRecord, LegacyOwner, StaleEntity
from hub.model.verdicts import Cause

NOW = datetime(2026, 5, 5, tzinfo=UTC)
TEXT = st.sampled_from([None, "", " ", "\n", "x", "Y", "New", "Unqualified"])
TIMES = st.sampled_from([None, "", " ", "2026-01-01T00:00:00Z", "2026-02-01", "nonsense", 5])
JSON = st.recursive(
    st.one_of(TEXT, st.booleans(), st.integers(-2, 2), st.sampled_from([0.0, 1.5])),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from("ab "), inner, max_size=2)
    ),
    max_leaves=4,
)
ADDRESSES = st.sampled_from(
    [None, "", "a@x.example", "A@x.example", "ß@x.example", "ss@x.example", 7]
)
VALUES: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries({}, optional={
    **dict.fromkeys(("first_name", "last_name", "organization_name", "phone", "mobile", "city", "status", "unqualified_reason"), TEXT),
    **dict.fromkeys(("created_at", "converted_at", "last_activity_at"), TIMES),
    "email": ADDRESSES, "emails": st.one_of(JSON, st.lists(ADDRESSES, max_size=4)),
    "tags": st.one_of(JSON, st.lists(TEXT, max_size=4)), "custom_fields": JSON, "industry": JSON,
})  # fmt: skip
RECORDS = st.builds(
    FoldRecord, id=st.integers(1, 9), entity_id=st.just(1), stream=st.just("contacts"),
    source=st.sampled_from(["salesforce", "hubspot", "typeform", "elsewhere"]), source_id=st.just("1"),
    trust=st.sampled_from(["trusted", "open"]), values=VALUES, source_at=st.sampled_from([None, NOW]),
    refs=st.sampled_from([{}, {"owner": "1"}, {"owner": "2"}, {"owner": "3"}, {"owner": ""}]),
    is_gone=st.booleans(), gone_at=st.sampled_from([None, NOW]), gone_why=st.sampled_from([None, Cause.DELETED.value]),
    batch_id=st.integers(1, 3), joined_batch_id=st.none(), open_verdict=st.booleans(),
    role=st.sampled_from([None, "person", "lead", "contact"]), lane=st.sampled_from(["bulk", "live"]),
)  # fmt: skip
ENTITIES = st.builds(
    StaleEntity, id=st.just(1), version=st.just(1), anchor_id=st.just(1), batch_id=st.integers(1, 3),
    lane=st.sampled_from(["bulk", "live"]), merged_into=st.none(), is_new=st.booleans(),
)  # fmt: skip


def _rules(by: By, **parts: Any) -> SurvivorshipRules:
    groups = {name: {**group, "by": by.value} for name, group in SHIPPED["groups"].items()}
    return SurvivorshipRules.bind({**SHIPPED, "groups": groups, **parts})


RULES = st.builds(
    _rules, st.sampled_from(list(By)), union=st.sampled_from([["tags", "emails"], ["industry"]]),
    trusted_union=st.sampled_from([["emails"], ["tags"]]),
    per_key=st.sampled_from([["custom_fields"], ["custom_fields", "tags"]]),
    earliest=st.sampled_from([["created_at"], ["created_at", "city"]]),
)  # fmt: skip
OWNERS = {
    ("hubspot", "1"): LegacyOwner(7, is_active=True, is_queue=False),
    ("salesforce", "1"): LegacyOwner(7, is_active=False, is_queue=False),
    ("hubspot", "2"): LegacyOwner(None, is_active=False, is_queue=True),
}


@given(RECORDS, RULES)
def test_the_values_of_one_record_survive_alone_as_among_many(
    record: FoldRecord, rules: SurvivorshipRules
) -> None:
    alone = survive_alone(record.values, rules)
    among = survive([source_version(record)], rules=rules).values
    assert alone == among
    assert list(alone) == list(among)


@given(ENTITIES, RECORDS, RULES)
def test_one_record_folds_alone_as_among_many(
    entity: StaleEntity, record: FoldRecord, rules: SurvivorshipRules
) -> None:
    context = FoldContext(rules, frozenset({"unqualified"}), OWNERS)
    assert fold(entity, [record], (), context) == fold_all(entity, [record], (), context)


@given(ENTITIES, st.lists(RECORDS, min_size=1, max_size=3), st.booleans(), st.booleans())
def test_a_person_without_rows_has_the_same_fate_by_the_quick_way(
    entity: StaleEntity, records: list[FoldRecord], has_edits: bool, only_asks: bool
) -> None:
    context = FoldContext(_rules(By.PRECEDENCE), frozenset(), OWNERS)
    golden = fold(entity, records, (), context)
    for one in (golden, replace(golden, archived_at=NOW, converted_at="2026-01-01T00:00:00Z")):
        person = Person(one, records, Rows(), has_edits, only_asks)
        assert needs_past(person) == (not has_edits and all(r.is_gone for r in records))
        assert fate(person) == fate_with_rows(person)
