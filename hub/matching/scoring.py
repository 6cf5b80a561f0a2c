"""The weight of a pair: how many bits of evidence for one person, and which facts forbid it.

In: two views and a model. Out: judgement, weight, reasons that add up to the weight, and a veto.
Symmetric, and a function of the two records and of the model only. So bulk and incremental matching
give the same.
"""

from hub.frozen import dataclass
from hub.matching import names
from hub.matching.compare import Levels, compare
from hub.matching.keys import MatchView
from hub.matching.model import DEFAULT, Model
from hub.model.verdicts import Judgement

_MARGIN = 0.1  # how far below `same` a gate puts a pair
_HALF_NAMES = frozenset({"initial", "last_only", "last_only_typo"})
_LIKE_NAMES = frozenset({"variant", "typo", "typo_both"})
_AT_HOME = frozenset({"address", "address_near"})
_CONFIRMED = frozenset({"same", "near"})


@dataclass(frozen=True, slots=True)
class Scored:
    """The judgement of a pair.

    Args:
        judgement: same, different, unsure.
        weight: bits; at least the model's `same` is same, at least its `unsure` is unsure.
        reasons: each comparison with its bits, in a fixed order; they sum up to `weight`.
        veto: why the two may not share a cluster even through others, if so.
        is_proven: birth date and a personal number or address prove it, against all other comparisons.
    """

    judgement: Judgement
    weight: float
    reasons: tuple[tuple[str, float], ...]
    veto: str | None
    is_proven: bool = False


def score(a: MatchView, b: MatchView, model: Model = DEFAULT) -> Scored:
    """Judge a pair."""
    found = compare(a, b, model)
    return _scored(found, _weigh(found, model), model)


def worth(a: MatchView, b: MatchView, model: Model = DEFAULT) -> Scored | None:
    """Judge a pair; None if it is different, as most candidates are."""
    found = compare(a, b, model)
    weight = _weigh(found, model)
    if weight < model.unsure and found.email != "same" and not found.is_claim:
        return None  # no gate lifts it
    scored = _scored(found, weight, model)
    return None if scored.judgement is Judgement.DIFFERENT else scored


def asked(a: MatchView, b: MatchView, model: Model = DEFAULT) -> Scored | None:
    """Judge a pair as `worth` does; edits of the two can make it a question, never a merge."""
    said = worth(a, b, model)
    if (a.typed is None and b.typed is None) or (said and said.judgement is Judgement.SAME):
        return said
    sides = ((x, y) for x in (a, a.typed) for y in (b, b.typed) if x and y and (x, y) != (a, b))
    found = [s for x, y in sides if (s := worth(x, y, model)) is not None]
    best = max(found, key=lambda s: s.weight, default=None)
    if best is None or (said is not None and said.weight >= best.weight):
        return said
    weight = min(best.weight, model.same - _MARGIN)
    gate = ("gate:typed_by_hand", round(weight - best.weight, 4))
    reasons = (*best.reasons, gate) if gate[1] else best.reasons
    return Scored(Judgement.UNSURE, round(weight, 4), reasons, best.veto)


def _weigh(found: Levels, model: Model) -> float:
    return (
        model.prior
        + sum(found.bits.values())
        + model.weights["birth"][found.birth]
        + model.weights["identifier"][found.identifier]
    )


def _scored(found: Levels, weight: float, model: Model) -> Scored:
    bits = [
        ("prior", model.prior),
        *((f"{c}:{getattr(found, c)}", b) for c, b in found.bits.items()),
        (f"birth:{found.birth}", model.weights["birth"][found.birth]),
        (f"identifier:{found.identifier}", model.weights["identifier"][found.identifier]),
    ]
    gate = _gate(found, weight, model)
    if gate is not None:
        name, bound = gate
        bits.append((f"gate:{name}", bound - weight))
        weight = bound
    reasons = tuple((r, round(b, 4)) for r, b in bits if b)
    judgement = _judge(weight, model)
    proven = judgement is Judgement.SAME and (_is_proven(found) or _is_firm(found))
    return Scored(judgement, round(weight, 4), reasons, _veto(found), proven)


def _judge(weight: float, model: Model) -> Judgement:
    if weight >= model.same:
        return Judgement.SAME
    return Judgement.UNSURE if weight >= model.unsure else Judgement.DIFFERENT


def _gate(found: Levels, weight: float, model: Model) -> tuple[str, float] | None:
    """Return the gate that moves this pair towards review and the weight it gets there."""
    doubt = model.same - _MARGIN
    if found.email == "same":
        if found.name in {"conflict", "first_differs"} or _disagree(found):
            return ("shared_mailbox", min(max(weight, model.unsure), doubt))
        return ("same_mailbox", model.same) if weight < model.same else None
    if found.is_claim and weight < model.unsure:
        return ("claimed_phone", model.unsure)
    if weight < model.same:
        return None
    reason = _doubt(found)
    return (reason, doubt) if reason else None


def _doubt(found: Levels) -> str | None:
    """Return why a pair that weighs enough still goes to review."""
    doubts = {
        "surname": found.name not in names.SURNAME_AGREES and not _is_proven(found),
        "two_given_names": found.name == "near",
        "numbered_mailbox": found.is_numbered,
        "two_mailboxes": _are_two_mailboxes(found),
        "generation": found.generations > 0 and not _is_confirmed(found),
        "birth": found.birth == "differs"
        and found.identifier not in _CONFIRMED
        and not (
            found.context in _AT_HOME and found.name in names.AGREES and found.phone == "same"
        ),
        "identifier": found.identifier == "differs"
        and found.birth != "same"
        and not (found.birth == "near" and found.context in _AT_HOME),
        "household": _may_be_relatives(found),
        "place_alone": found.context in {"city", "postal_code"}
        and found.phone == "differs"
        and found.email in {"differs", "missing"}
        and not {found.birth, found.identifier} & _CONFIRMED,
        "name_alone": not _has_more_than_a_name(found),
    }
    return next((doubt for doubt, holds in doubts.items() if holds), None)


def _differs_only(found: Levels) -> bool:
    """Tell whether the two have different numbers or mailboxes, and none in common."""
    marks = {found.email, found.phone}
    return "differs" in marks and marks <= {"differs", "missing"}


def _may_be_relatives(found: Levels) -> bool:
    """Tell whether two at one address may be relatives: half a name in common, or a similar one."""
    if found.context not in _AT_HOME or {found.birth, found.identifier} & _CONFIRMED:
        return False
    if found.name in _HALF_NAMES:
        return found.email == "differs" or found.phone not in {"same", "shared"}
    return found.name in _LIKE_NAMES and _differs_only(found)


def _has_more_than_a_name(found: Levels) -> bool:
    return (
        found.email in {"near", "same_local", "role_same"}
        or found.phone in {"same", "shared"}
        or found.bits["context"] > 0
        or bool({found.birth, found.identifier} & _CONFIRMED)
    )


def _is_confirmed(found: Levels) -> bool:
    return found.email == "same" or found.birth == "same" or found.identifier == "same"


def _disagree(found: Levels) -> bool:
    """Tell whether both birth date and state number disagree, or the generations."""
    return (found.birth == "differs" and found.identifier == "differs") or found.generations > 1


def _is_proven(found: Levels) -> bool:
    """Tell whether birth date and the state's number prove one person, against the names.

    Twins share a birth date, an address and a last name, so another first name needs both; another
    last name under the same first name is a marriage.
    """
    if found.generations > 1:
        return False
    if found.identifier == "same" and found.birth in _CONFIRMED:
        return True
    if found.identifier == "same" and (
        found.context in _AT_HOME or found.name not in {"first_differs", "conflict", "missing"}
    ):
        return True
    if found.name in {"first_differs", "conflict"}:
        return found.identifier == "near" and found.birth == "same"
    seen_elsewhere = (
        found.identifier in _CONFIRMED or found.context in _AT_HOME or found.phone == "same"
    )
    return found.birth == "same" and seen_elsewhere


def _is_firm(found: Levels) -> bool:
    """Tell whether the full name and the birth date agree."""
    return (
        found.name in names.AGREES - {"initial"}
        and found.birth == "same"
        and found.generations == 0
    )


def _veto(found: Levels) -> str | None:
    if _is_proven(found):
        return None
    shares_mailbox = found.email == "same"
    vetoes = {
        "names": found.name == "conflict",
        "first_name": found.name == "first_differs",
        "last_name": found.name == "last_differs" and not shares_mailbox,
        "numbered_mailbox": found.is_numbered,
        "two_mailboxes": _are_two_mailboxes(found),
        "generation": found.generations > 1 or (found.generations > 0 and not _is_confirmed(found)),
        "birth": found.birth == "differs"
        and not shares_mailbox
        and found.identifier not in _CONFIRMED
        and found.context not in _AT_HOME,
    }
    return next((veto for veto, holds in vetoes.items() if holds), None)


def _are_two_mailboxes(found: Levels) -> bool:
    return (
        found.email == "same_domain_differs"
        and found.phone != "same"
        and not {found.birth, found.identifier} & _CONFIRMED
    )
