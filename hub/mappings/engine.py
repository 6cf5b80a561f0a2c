"""Map a batch of raw records with one mapping document.

In: a bound document, raw records, context (form definitions by id), settings. Out: canonical
records, exclusions, rejects, problems and drift. One bad record never stops the batch. Not here:
where the results are stored (`hub.etl.normalize`).
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from hub.errors import RecordError
from hub.mappings.compiler import compile_document
from hub.mappings.document import MappingDocument
from hub.mappings.parsing import SHORT, ParsedRecord, parse_records
from hub.mappings.places import is_country
from hub.mappings.plan import Getter, Plan, TargetPlan
from hub.mappings.record_consents import (
    ADDRESSES,
    CONSENT,
    RecordConsent,
    is_no,
    record_consents,
)
from hub.mappings.registry import Ctx
from hub.mappings.rows import (
    FAILED,
    Reject,
    Row,
    is_blank,
    shorten,
)
from hub.mappings.text import kind_of
from hub.model.drift import Unknown
from hub.model.entities import PEOPLE
from hub.model.records import FAULT, NO_ID_PREFIX, CanonicalRecord, JsonValue, Problem, RawRecord
from hub.model.verdicts import Op


@dataclass(frozen=True, slots=True)
class NormalizeSettings:
    """Settings of a run that no document contains.

    Args:
        default_region: ISO-2 country for the phones of records without a country.
        now: aware UTC; a time more than a day later is refused. With None no time is refused.
    """

    default_region: str = "FR"
    now: datetime | None = None


@dataclass(frozen=True, slots=True)
class Normalized:
    """The results of a batch.

    Args:
        records: in the order of the raw records; those of one record in the order of the targets.
        excluded: ids of records that no primary target took, or that were deleted at the source.
        problems: refused values (severity field) and rejected records (severity record).
        rejected: ids of rejected records; a rejected record gives no canonical record.
        unknowns: drift and placeholders, counted.
        superseded: ids that came twice; the last record was mapped.
        deleted: the ids among `excluded` for which the document's `deleted` is true.
        consents: what every record says of consent, rejected and excluded ones too.
    """

    records: list[CanonicalRecord] = field(default_factory=list)
    excluded: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    rejected: list[str] = field(default_factory=list)
    unknowns: Counter[Unknown] = field(default_factory=Counter)
    superseded: list[str] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    consents: list[RecordConsent] = field(default_factory=list)

    @property
    def placeholders(self) -> int:
        """How many placeholders were found; each left its field empty."""
        return sum(n for unknown, n in self.unknowns.items() if unknown.kind == "placeholder")


def normalize(
    document: MappingDocument,
    records: Sequence[RawRecord],
    context: Mapping[str, Any],
    settings: NormalizeSettings,
) -> Normalized:
    """Map a batch. Each id is emitted, excluded or rejected exactly once."""
    return normalize_parsed(document, parse_records(document, records), context, settings)


def normalize_parsed(
    document: MappingDocument,
    records: Sequence[ParsedRecord],
    context: Mapping[str, Any],
    settings: NormalizeSettings,
) -> Normalized:
    """Map a batch whose payloads are parsed; see `normalize`."""
    batch = _Batch(compile_document(document), context, settings)
    newest: dict[str, ParsedRecord] = {}
    for one in records:
        if one.record.source_id in newest:
            batch.result.superseded.append(one.record.source_id)
        newest[one.record.source_id] = one
    for one in newest.values():
        batch.add(one)
    return batch.result


MOST_ITEMS = 50
"""A target with `each` is emitted for at most so many entries of the list."""


class _Batch:
    def __init__(self, plan: Plan, context: Mapping[str, Any], settings: NormalizeSettings) -> None:
        self.result = Normalized()
        self._plan = plan
        self._context = context
        self._default = Ctx(settings.default_region)
        self._ctxs: dict[tuple[object, str], Ctx] = {}
        self._forms: dict[str, Any] = {}
        self._copied: dict[tuple[int, str], bool] = {}
        self._taken: dict[tuple[int, tuple[str, ...]], tuple[str, ...]] = {}
        self._latest = _latest(settings.now)

    def add(self, one: ParsedRecord) -> None:
        record, payload = one.record, one.payload
        source_id = record.source_id
        if record.op is not Op.UPSERT:
            self._exclude(source_id, is_deleted=True)
            return
        if isinstance(payload, RecordError):
            self._reject(source_id, "", _head(record.payload), payload.message)
            return
        row = self._plan.paths.row(
            payload,
            source_id,
            said=one.said,
            context=self._context,
            latest=self._latest,
            ctx=self._default,
            forms=self._forms,
            copied=self._copied,
            taken=self._taken,
        )
        try:
            self._map_row(row)
        except Reject as exc:
            self.result.problems.extend(row.problems)
            self._reject(source_id, exc.place, exc.value, exc.reason)
            self._add_consents(row)
        except RecursionError:
            self._reject(source_id, "", _head(record.payload), "nested too deeply")

    def _map_row(self, row: Row) -> None:
        plan = self._plan
        if is_blank(row.source_id) or row.source_id.startswith(NO_ID_PREFIX):
            raise Reject("id", None, "no source id")
        if (plan.deleted and plan.deleted(row)) or (plan.when and not plan.when(row)):
            is_deleted = bool(plan.deleted and plan.deleted(row))
            self._exclude(row.source_id, is_deleted=is_deleted)
            self._set_place(row)
            self._add_consents(row, is_deleted=is_deleted)
            return
        self._set_place(row)
        emitted: list[CanonicalRecord] = []
        has_primary = False
        for target in plan.targets:
            is_primary = target.target.primary
            if is_primary and has_primary:
                continue
            if target.each is not None:
                emitted += self._emit_each(target, target.each, row)
                continue
            if target.when is not None and not target.when(row):
                continue
            has_primary = has_primary or is_primary
            for holds, reason in target.reject_if:
                if holds(row):
                    raise Reject("", row.payload.get(FAULT), reason)
            emitted.append(self._emit(target, row))
        emitted = _last_of_key(emitted, plan)
        self.result.records.extend(emitted)
        self.result.problems.extend(row.problems)
        self._count(row)
        if not has_primary:
            self._exclude(row.source_id)
        person = next((one.values for one in emitted if one.entity in PEOPLE), None)
        self._keep_consents(row, emitted, person)

    def _add_consents(self, row: Row, *, is_deleted: bool = False) -> None:
        """Add what a rejected or excluded record says of consent; a deleted one can only refuse."""
        row.silent += 1
        emitted: list[CanonicalRecord] = []
        for target in self._plan.targets:
            if target.target.entity != CONSENT:
                continue
            with suppress(Reject, RecursionError):
                if target.each is not None:
                    emitted += self._emit_each(target, target.each, row)
                elif target.when is None or target.when(row):
                    emitted.append(self._emit(target, row))
        emitted = _last_of_key(emitted, self._plan)
        if is_deleted:
            emitted = [one for one in emitted if is_no(one)]
        self._keep_consents(row, emitted, None)
        row.silent -= 1

    def _keep_consents(
        self, row: Row, emitted: Sequence[CanonicalRecord], person: Mapping[str, JsonValue] | None
    ) -> None:
        if any(one.entity == CONSENT for one in emitted):
            known = self._addresses(row) if person is None else person
            self.result.consents.extend(record_consents(emitted, known))

    def _addresses(self, row: Row) -> dict[str, JsonValue]:
        """Return the addresses in a record of which no person was made."""
        found: dict[str, JsonValue] = {}
        row.silent += 1
        for target in self._plan.targets:
            if target.target.entity not in PEOPLE or found:
                continue
            for name, get in target.fields:
                if name in ADDRESSES:
                    with suppress(Reject, RecursionError):
                        value = get(row)
                        found |= {name: value} if isinstance(value, str) else {}
        row.silent -= 1
        return found

    def _set_place(self, row: Row) -> None:
        """Set the country that the record's phones are read in, and the language of its names.

        No country is stated: the setting's. One is, and cannot be read: none, for a national number
        would be read in the wrong one.
        """
        if self._plan.region is None and self._plan.language is None:
            return
        row.silent += 1
        stated = self._plan.region(row) if self._plan.region else None
        spoken = self._plan.language(row) if self._plan.language else None
        row.silent -= 1
        key = (
            stated if isinstance(stated, str) or stated is None else FAILED,
            spoken[:SHORT] if isinstance(spoken, str) else "",
        )
        ctx = self._ctxs.get(key)
        if ctx is None:
            ctx = self._ctxs[key] = Ctx(self._region_of(stated), key[1])
        row.set_place(ctx)

    def _region_of(self, stated: object) -> str:
        if is_blank(stated) and stated is not FAILED:
            return self._default.region
        return stated if isinstance(stated, str) and is_country(stated) else ""

    def _emit_each(self, plan: TargetPlan, each: Getter, row: Row) -> list[CanonicalRecord]:
        entries = each(row)
        listed = entries if isinstance(entries, list) else []
        if not isinstance(entries, list) and not is_blank(entries):
            row.refuse(plan.target.entity, entries, _other_type("a list", entries))
        if len(listed) > MOST_ITEMS:
            row.note(plan.target.entity, len(listed), f"more than {MOST_ITEMS} entries")
        emitted = []
        for entry in listed[:MOST_ITEMS]:
            if not isinstance(entry, dict):
                row.refuse(plan.target.entity, entry, _other_type("an object", entry))
                continue
            row.item = entry
            if plan.when is None or plan.when(row):
                emitted.append(self._emit(plan, row))
        row.item = None
        return emitted

    def _emit(self, plan: TargetPlan, row: Row) -> CanonicalRecord:
        values: dict[str, JsonValue] = {}
        for name, get in plan.fields:
            value = get(row)
            if value is FAILED:
                values[name] = None
            elif value is not None:
                values[name] = value
        objects: dict[str, dict[str, JsonValue]] = {}
        for name, copied in plan.copies:
            objects.setdefault(name, {}).update(copied.values(row, name))
        for name, key, get in plan.nested:
            value = get(row)
            if value is not None and value is not FAILED:
                objects.setdefault(name, {})[key] = value
        values.update({name: keys for name, keys in objects.items() if keys})
        refs = {name: str(ref) for name, get in plan.refs if not is_blank(ref := get(row))}
        target = plan.target
        return CanonicalRecord(
            row.source_id, target.entity, values, refs, target.primary, self._plan.document.trust
        )

    def _count(self, row: Row) -> None:
        unknowns = self.result.unknowns
        for unknown in row.unknowns:
            unknowns[unknown] += 1
        for key in self._plan.known.unknown_in(row.payload):
            unknowns[Unknown("field", shorten(key), "")] += 1

    def _exclude(self, source_id: str, *, is_deleted: bool = False) -> None:
        self.result.excluded.append(source_id)
        if is_deleted:
            self.result.deleted.append(source_id)

    def _reject(self, source_id: str, place: str, value: JsonValue, reason: str) -> None:
        said = "" if value is None else shorten(value)
        self.result.rejected.append(source_id)
        self.result.problems.append(Problem(source_id, place, said, reason, "record"))


def _other_type(expected: str, value: object) -> RecordError:
    found = "text" if isinstance(value, str) else kind_of(value)
    return RecordError(f"expected {expected}, got {found}", found_type=found)


def _latest(now: datetime | None) -> str | None:
    return (now.astimezone(UTC) + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ") if now else None


def _head(payload: bytes) -> str:
    return payload[:SHORT].decode("utf-8", "replace")


def _last_of_key(emitted: list[CanonicalRecord], plan: Plan) -> list[CanonicalRecord]:
    """Return the records without those that a later one with the same entity and key replaces."""
    if len(emitted) < 2:  # noqa: PLR2004 nothing to tell apart
        return emitted
    keys = {target.target.entity: target.target.key for target in plan.targets}
    by_key = {
        (record.entity, *(str(record.values.get(name)) for name in keys[record.entity])): record
        for record in emitted
    }
    return list(by_key.values())
