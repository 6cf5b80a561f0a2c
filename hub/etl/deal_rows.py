"""What a record of a deal becomes: a row, moves from stage to stage, contacts in their roles. Pure.

A value that this hub does not know is never replaced by another one: an unknown stage, pipeline or
currency refuses the record, and its problem names the nearest known one.
"""

import difflib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

from hub.crm.pipelines import Pipeline, Stage
from hub.crm.related import Related
from hub.crm.source_deals import Move
from hub.etl.said_values import day_of, moment_of, named, text_of
from hub.model.records import JsonValue, Problem
from hub.records.plain_records import PlainRecord
from hub.records.wanted import ObjectKey

NO_NAME = "(no name)"
_MOST = Decimal(10) ** 16
_PERCENT = 100
_FEW = 12  # names that a message can list
REASONS = {"loss_reason": "loss", "unqualified_reason": "deal_unqualified"}


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What the team has set up.

    Args:
        pipelines: in their order; archived ones are left out.
        reasons: (kind, name in lower case) → number.
        currencies: ISO 4217 codes.
        currency: of deals without one.
    """

    pipelines: Sequence[Pipeline]
    reasons: Mapping[tuple[str, str], int]
    currencies: Collection[str]
    currency: str


@dataclass(slots=True)
class DealRow:
    """What a record becomes; without `row` it is refused, or waits for what it wants.

    Args:
        row: the columns of `crm.deal`.
        moves: its stages, the first one first.
        roles: contacts that take part, by row.
        wanted: objects that it names and that are not here.
        problems: values that cannot be used; one of severity "record" refuses it.
    """

    row: dict[str, Any] | None = None
    moves: list[Move] = field(default_factory=list)
    roles: dict[int, str] = field(default_factory=dict)
    wanted: set[ObjectKey] = field(default_factory=set)
    problems: list[Problem] = field(default_factory=list)

    @property
    def is_refused(self) -> bool:
        """Tell whether a value refuses the record."""
        return any(problem.severity == "record" for problem in self.problems)


def people_of(record: PlainRecord) -> Iterator[ObjectKey]:
    """Yield the people and companies that a record of a deal names."""
    for relation in ("contact", "company", "lead"):
        if key := named(record, relation):
            yield key
    for entry in _entries(record, "contacts"):
        if key := named(record, "contact", text_of(entry.get("ref"))):
            yield key


def owners_of(record: PlainRecord) -> Iterator[tuple[str, str]]:
    """Yield the users that a record of a deal names: source and id."""
    said = [record.refs.get("owner"), *(e.get("who") for e in _entries(record, "stage_history"))]
    for one in said:
        if ref := text_of(one):
            yield record.source, ref


def reasons_of(record: PlainRecord) -> Iterator[tuple[str, str]]:
    """Yield the reasons that a record gives: kind and name."""
    for name, kind in REASONS.items():
        if said := text_of(record.values.get(name)):
            yield kind, said


def deal_row(record: PlainRecord, related: Related, known: Vocabulary) -> DealRow:
    """Return what a record becomes, with what is here."""
    made = DealRow()
    stage = _stage(record, known, made)
    currency = _currency(record, known, made)
    contact, company = _contacts(record, related, made)
    owner = _owner(record, related, made)
    if stage is None or currency is None or contact is None:
        return made
    made.moves = _moves(record, related, known, stage, made)
    since = made.moves[-1].at
    first = moment_of(record.values.get("created_at")) or made.moves[0].at
    closed = moment_of(record.values.get("closed_at")) or since
    made.row = {
        "record_id": record.id,
        "name": text_of(record.values.get("name")) or NO_NAME,
        "contact_id": contact,
        "organization_id": company,
        "owner_id": owner,
        "pipeline_id": stage.pipeline_id,
        "stage_id": stage.id,
        "value": _value(record, made),
        "currency": currency,
        "is_hot": record.values.get("is_hot") is True,
        "source": text_of(record.values.get("lead_source")),
        **_reasons(record, known),
        "estimated_close_date": day_of(record.values.get("estimated_close_date")),
        "customized_win_likelihood": _likelihood(record, stage, made),
        "added_at": first,
        "closed_at": None if stage.is_active else closed,
        "last_stage_change_at": since,
        "tags": record.values.get("tags") or [],
        "custom_fields": record.values.get("custom_fields") or {},
    }
    return made


def _stage(record: PlainRecord, known: Vocabulary, made: DealRow) -> Stage | None:
    pipeline = _pipeline(record, known, made)
    if pipeline is None:
        return None
    said = text_of(record.values.get("stage"))
    stage = pipeline.stage(said) if said else None
    if stage is None:
        places = [one.name for one in pipeline.stages]
        what = f"the pipeline {pipeline.name} has no stage {said!r}" if said else "it has no stage"
        _refuse(made, record, "stage", said, _nearest(what, said, places))
        return None
    _cross_check(record, stage, made)
    return stage


def _pipeline(record: PlainRecord, known: Vocabulary, made: DealRow) -> Pipeline | None:
    said = text_of(record.values.get("pipeline"))
    if said is None:
        return next((p for p in known.pipelines if not p.is_disabled), None)
    found = next((p for p in known.pipelines if p.name.casefold() == said.casefold()), None)
    if found is None:
        what = f"there is no pipeline {said!r}"
        _refuse(
            made, record, "pipeline", said, _nearest(what, said, [p.name for p in known.pipelines])
        )
    return found


def _cross_check(record: PlainRecord, stage: Stage, made: DealRow) -> None:
    """Note where the source says something else of the stage than this hub."""
    closed, won = record.values.get("is_closed"), record.values.get("is_won")
    if isinstance(closed, bool) and closed == stage.is_active:
        is_open = "open" if stage.is_active else "closed"
        _note(made, record, "is_closed", str(closed), f"the stage {stage.name} is {is_open} here")
    elif won is True and stage.category != "won":
        _note(made, record, "is_won", "True", f"the stage {stage.name} is not won here")


def _currency(record: PlainRecord, known: Vocabulary, made: DealRow) -> str | None:
    said = text_of(record.values.get("currency"))
    if said is None:
        return known.currency
    code = said.upper()
    if code in known.currencies:
        return code
    what = f"{said!r} is no currency: write an ISO 4217 code"
    _refuse(made, record, "currency", said, _nearest(what, code, sorted(known.currencies)))
    return None


def _contacts(
    record: PlainRecord, related: Related, made: DealRow
) -> tuple[int | None, int | None]:
    """Return the primary contact and the company; note the others with their roles.

    A deal without a person has the company as its contact. A person whom a file has among the leads is
    the contact if the mapping has made one.
    """
    company_key = named(record, "company")
    company = related.contact(company_key)
    if company_key is not None and company is None:
        made.wanted.add(company_key)
    primary, first = named(record, "contact"), None
    for entry in _entries(record, "contacts"):
        key = named(record, "contact", text_of(entry.get("ref")))
        if key is None:
            continue
        first = first or key
        primary = primary or (key if entry.get("is_primary") is True else None)
        row = related.contact(key)
        if row is None:
            made.wanted.add(key)
        else:
            made.roles[row.id] = text_of(entry.get("role")) or "involved"
    person = related.contact(primary)
    if primary is not None and person is None:
        made.wanted.add(primary)
    lead = named(record, "lead") if primary is None and first is None else None
    if lead is not None and lead not in related.entities:
        made.wanted.add(lead)
    person = person or related.contact(lead)
    contact = person or company or (related.contact(first) if primary is None else None)
    if contact is None:
        if not made.wanted:
            why = "a deal needs a contact or a company, and it names none"
            _refuse(made, record, "contact", None, why)
        return None, None
    made.roles.pop(contact.id, None)
    is_firm = company is not None and company.is_company
    return contact.id, company.id if company is not None and is_firm else None


def _owner(record: PlainRecord, related: Related, made: DealRow) -> int | None:
    key = named(record, "owner")
    if key is None:
        return None
    owner = related.owners.get((key[0], key[2]))
    if owner is None:
        made.wanted.add(key)
    return None if owner is None else owner.user_id


def _moves(
    record: PlainRecord, related: Related, known: Vocabulary, stage: Stage, made: DealRow
) -> list[Move]:
    """Return the stages of a deal in their order; the last one is the one in which it is."""
    pipeline = next(p for p in known.pipelines if p.id == stage.pipeline_id)
    moves: list[Move] = []
    said = [(at, e) for e in _entries(record, "stage_history") if (at := moment_of(e.get("at")))]
    for at, entry in sorted(said, key=lambda one: one[0]):
        name = text_of(entry.get("stage"))
        to = pipeline.stage(name) if name else None
        if to is None:
            places = [one.name for one in pipeline.stages]
            what = f"the pipeline {pipeline.name} has no stage {name!r}; this move is left out"
            _note(made, record, "stage_history", name, _nearest(what, name, places))
        elif not moves or moves[-1].to_stage_id != to.id:
            who = related.owners.get((record.source, text_of(entry.get("who")) or ""))
            moves.append(
                Move(
                    moves[-1].to_stage_id if moves else None,
                    to.id,
                    (who.who if who else None) or record.source,
                    at,
                )
            )
    if not moves or moves[-1].to_stage_id != stage.id:
        moves.append(_last_move(record, stage, moves))
    return moves


def _last_move(record: PlainRecord, stage: Stage, before: Sequence[Move]) -> Move:
    """Return the move into the present stage, of which the history does not tell."""
    values = record.values
    said = [
        values.get("last_stage_change_at"),
        None if stage.is_active else values.get("closed_at"),
    ]
    if not before:
        said.append(values.get("created_at"))
    at = next((moment for one in said if (moment := moment_of(one))), record.said_at)
    if before:
        at = max(at, before[-1].at)
    return Move(before[-1].to_stage_id if before else None, stage.id, record.source, at)


def _reasons(record: PlainRecord, known: Vocabulary) -> dict[str, int | None]:
    return {
        f"{name}_id": known.reasons.get((kind, said.casefold()))
        if (said := text_of(record.values.get(name)))
        else None
        for name, kind in REASONS.items()
    }


def _value(record: PlainRecord, made: DealRow) -> Decimal:
    said = record.values.get("value")
    if said is None:
        return Decimal("0.00")
    try:
        amount = Decimal(str(said)).quantize(Decimal("0.01"))
    except InvalidOperation:
        amount = _MOST
    if not amount.is_finite() or abs(amount) >= _MOST:
        _note(made, record, "value", str(said), "no amount, or too large a one; left empty")
        return Decimal("0.00")
    return amount


def _likelihood(record: PlainRecord, stage: Stage, made: DealRow) -> int | None:
    """Return the likelihood of winning where it differs from the stage's."""
    said = record.values.get("win_likelihood")
    if not isinstance(said, int | float) or isinstance(said, bool):
        return None
    if not 0 <= said <= _PERCENT:
        _note(made, record, "win_likelihood", str(said), "no percentage from 0 to 100; left empty")
        return None
    return None if round(said) == stage.likelihood else round(said)


def _entries(record: PlainRecord, name: str) -> Iterator[Mapping[str, JsonValue]]:
    listed = record.values.get(name)
    for one in listed if isinstance(listed, list) else []:
        if isinstance(one, dict):
            yield one


def _nearest(what: str, said: str | None, valid: Iterable[str]) -> str:
    """Say which known name is near, else the known names if they are few: Qualified is no Unqualified."""
    folded = {one.casefold(): one for one in valid}
    near = difflib.get_close_matches((said or "").casefold(), folded, n=1, cutoff=0.8)
    near = [one for one in near if not one.startswith("un")]
    if near:
        return f"{what}; the nearest is {folded[near[0]]!r}"
    return f"{what}; known: {', '.join(folded.values())}" if len(folded) <= _FEW else what


def _refuse(made: DealRow, record: PlainRecord, name: str, said: str | None, why: str) -> None:
    made.problems.append(Problem(record.source_id, name, said or "", why, "record"))


def _note(made: DealRow, record: PlainRecord, name: str, said: str | None, why: str) -> None:
    made.problems.append(Problem(record.source_id, name, said or "", why, "field"))
