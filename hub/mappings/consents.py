"""Read the consents in the answers of a form: one entry for each channel and purpose.

In: the answers with their questions. Out: `Consented`. A box that was not ticked, or a no, gives no
consent state: only a refusal in words is an opt-out. Not here: the meaning of wordings
(`hub.mappings.consent_phrases`).
"""

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import field

from hub.frozen import dataclass
from hub.mappings.answers import FormAnswer
from hub.mappings.consent_phrases import NOTHING, Reading, channel_of, read_wording, says
from hub.model.consent import ConsentState, stricter
from hub.model.records import JsonValue

MARKETING, TERMS = "marketing", "terms"
_LISTED = frozenset(
    ("multiple_choice", "dropdown", "checkbox", "picture_choice", "yes_no", "legal")
)


@dataclass(frozen=True, slots=True)
class Consented:
    """The consents of a response.

    Args:
        found: entries `{channel, purpose, state, proof, basis}`; of two with the same channel and
            purpose, the stricter one.
        taken: the identities of the answers with a consent.
        told: those among them with a consent only: they need no line in a note.
    """

    found: list[JsonValue] = field(default_factory=list)
    taken: AbstractSet[int] = frozenset()
    told: AbstractSet[int] = frozenset()


NO_CONSENT = Consented()


@dataclass(frozen=True, slots=True)
class _Consent:
    """One consent in an answer."""

    channel: str
    purpose: str
    state: ConsentState
    proof: str


def consented(given: Sequence[FormAnswer], refs: Sequence[str]) -> Consented:
    """Return the consents; `refs` are questions that ask for marketing with unknown words."""
    explicit = {ref.casefold() for ref in refs}
    strictest: dict[tuple[str, str], _Consent] = {}
    taken, told = set(), set()
    for one in given:
        said, is_whole = _read(one, is_explicit=one.ref.casefold() in explicit)
        for each in said:
            key = each.channel, each.purpose
            known = strictest.get(key)
            if known is None or stricter(known.state, each.state) is not known.state:
                strictest[key] = each
        if said:
            taken.add(id(one))
        if said and is_whole:
            told.add(id(one))
    return Consented([_entry(one) for one in strictest.values()], taken, told)


def _entry(said: _Consent) -> JsonValue:
    entry: dict[str, JsonValue] = {
        "channel": said.channel,
        "purpose": said.purpose,
        "state": said.state.value,
        "proof": said.proof,
    }
    if said.state is ConsentState.OPT_IN:
        entry["basis"] = "consent"
    return entry


def _read(one: FormAnswer, *, is_explicit: bool) -> tuple[list[_Consent], bool]:
    """Return the consents in an answer, and whether the answer has no other content."""
    asked = read_wording(one.title) if one.title else NOTHING
    choices = _choices(one)
    if choices is None:
        is_ticked = one.value is True and one.kind == "boolean"
        return (_ticked(one, asked, is_explicit=is_explicit) if is_ticked else []), True
    said: list[_Consent] = []
    is_whole = not one.has_other
    for label in choices:
        if says("yes", label):
            said += _ticked(one, asked, is_explicit=is_explicit, label=label)
        elif not says("no", label):
            read = list(_chosen(one, asked, label))
            is_whole = is_whole and bool(read)
            said += read
    return said, is_whole


def _choices(one: FormAnswer) -> Sequence[str] | None:
    """Return the chosen labels; None for an answer that is not a choice."""
    if one.labels:
        return one.labels
    if one.kind != "text" or not isinstance(one.value, str):
        return None
    is_listed = one.question_kind in _LISTED
    return [one.value] if is_listed or says("yes", one.value) else None


def _ticked(
    one: FormAnswer, asked: Reading, *, is_explicit: bool, label: str = ""
) -> list[_Consent]:
    """Return the consents of a yes to the question."""
    proof = f"{one.title}: {label}" if label and one.title else one.title or one.ref
    is_unknown = not (asked.is_opt_in or asked.is_opt_out or asked.is_terms)
    if is_unknown and is_explicit and (asked.is_usable or not one.title):
        return [_Consent("email", MARKETING, ConsentState.OPT_IN, proof)]
    return [] if asked.is_open else list(_of_reading(asked, proof))


def _chosen(one: FormAnswer, asked: Reading, label: str) -> Iterator[_Consent]:
    """Yield the consents of a choice whose label is neither yes nor no."""
    proof = f"{one.title}: {label}" if one.title else label
    channel = channel_of(label)
    if channel is not None:
        state = _state(asked)
        if state is not None:
            yield _Consent(channel, MARKETING, state, proof)
        return
    chosen = read_wording(label)
    is_plain = asked.is_opt_in or not one.title or (asked.is_usable and not asked.is_open)
    if chosen.is_opt_out or is_plain:
        yield from _of_reading(chosen, proof)


def _of_reading(reading: Reading, proof: str) -> Iterator[_Consent]:
    state = _state(reading)
    if state is not None:
        for channel in reading.channels or ("email",):
            yield _Consent(channel, MARKETING, state, proof)
    if reading.is_terms:
        yield _Consent("email", TERMS, ConsentState.ACCEPTED, proof)


def _state(reading: Reading) -> ConsentState | None:
    if reading.is_opt_out:
        return ConsentState.OPT_OUT
    return ConsentState.OPT_IN if reading.is_opt_in else None
