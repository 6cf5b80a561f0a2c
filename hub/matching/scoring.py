"""The weight of a pair: how many bits speak for one person, and which facts forbid it.

In: two views and a model. Out: judgement, weight, reasons that add up to the weight, and a veto.
Symmetric; a function of the two records and of the model only, so bulk and incremental matching
say the same.
"""

from dataclasses import dataclass

from hub.matching import names
from hub.matching.compare import Levels, compare
from hub.matching.keys import MatchView
from hub.matching.model import DEFAULT, Model
from hub.model.verdicts import Judgement

_MARGIN = 0.1  # how far below `same` a gate puts a pair
_HALF_NAMES = frozenset({"initial", "last_only", "last_only_typo"})
_CONFIRMED = frozenset({"same", "near"})


@dataclass(frozen=True, slots=True)
class Scored:
    """The answer about a pair.

    Args:
        judgement: same, different, unsure.
        weight: bits; at least the model's `same` is same, at least its `unsure` is unsure.
        reasons: what added how much, in a fixed order; they sum up to `weight`.
        veto: why the two may not share a cluster even through others, if so.
    """

    judgement: Judgement
    weight: float
    reasons: tuple[tuple[str, float], ...]
    veto: str | None


def score(a: MatchView, b: MatchView, model: Model = DEFAULT) -> Scored:
    """Judge a pair."""
    found = compare(a, b, model)
    bits = [
        ("prior", model.prior),
        *((f"{c}:{getattr(found, c)}", found.bits[c]) for c in ("name", "email", "phone", "context")),
        (f"birth:{found.birth}", model.weights["birth"][found.birth]),
        (f"identifier:{found.identifier}", model.weights["identifier"][found.identifier]),
    ]  # fmt: skip
    weight = sum(b for _, b in bits)
    gate = _gate(found, weight, model)
    if gate is not None:
        name, bound = gate
        bits.append((f"gate:{name}", bound - weight))
        weight = bound
    reasons = tuple((r, round(b, 4)) for r, b in bits if b)
    return Scored(_judge(weight, model), round(weight, 4), reasons, _veto(found))


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
    """Return why a pair that weighs enough still goes to a person."""
    doubts = {
        "surname": found.name not in names.SURNAME_AGREES and found.identifier != "same",
        "two_given_names": found.name == "near",
        "numbered_mailbox": found.is_numbered,
        "two_mailboxes": _are_two_mailboxes(found),
        "generation": found.generations > 0 and not _is_confirmed(found),
        "birth": found.birth == "differs" and found.identifier not in _CONFIRMED,
        "identifier": found.identifier == "differs" and found.birth != "same",
        "household": found.name in _HALF_NAMES
        and (found.email == "differs" or found.phone not in {"same", "shared"})
        and found.context in {"address", "address_near"},
        "name_alone": not _has_more_than_a_name(found),
    }
    return next((doubt for doubt, holds in doubts.items() if holds), None)


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
    """Say whether both a birth date and a number given by the state, or a generation, disagree."""
    return (found.birth == "differs" and found.identifier == "differs") or found.generations > 1


def _veto(found: Levels) -> str | None:
    shares_mailbox = found.email == "same"
    vetoes = {
        "names": found.name == "conflict" and found.identifier != "same",
        "first_name": found.name == "first_differs" and found.identifier != "same",
        "last_name": found.name == "last_differs"
        and not shares_mailbox
        and found.identifier != "same",
        "numbered_mailbox": found.is_numbered,
        "two_mailboxes": _are_two_mailboxes(found),
        "generation": found.generations > 1
        or (found.generations > 0 and not _is_confirmed(found)),
        "birth": found.birth == "differs"
        and not shares_mailbox
        and found.identifier not in _CONFIRMED,
    }
    return next((veto for veto, holds in vetoes.items() if holds), None)


def _are_two_mailboxes(found: Levels) -> bool:
    return found.email == "same_domain_differs" and found.name not in names.AGREES
