"""A matching model and its versions, in the one JSON form; of the values that it counts only how many."""

from collections.abc import Mapping, Sequence
from typing import Any

from hub.frozen import dataclass
from hub.matching.model import DEFAULT, Facts, Model
from hub.records.models import StoredModel


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What a model knows of the records that it was trained on.

    Args:
        n: how many records.
        name_correlation: how much likelier a first and a last name meet than by chance.
        values: how many frequent values of each kind it counts.
        shared_phones: how many numbers belong to several people.
        shared_mailboxes: how many addresses belong to several people.
        public_domains: how many domains have addresses of people who do not belong together.
    """

    n: int
    name_correlation: float
    values: Mapping[str, int]
    shared_phones: int
    shared_mailboxes: int
    public_domains: int


@dataclass(frozen=True, slots=True)
class MatchModel:
    """The matching model in use.

    Args:
        version: its version.
        same: the least weight of a pair that is one person, in bits.
        unsure: the least weight of a pair for review, in bits.
        prior: the bits against two records that are one person, before the facts are counted.
        comparisons: comparison, level: the probabilities m and u.
        trained: where the numbers come from.
        weights: comparison, level: bits.
        facts: what was counted; null of the shipped model.
        shipped: version of the shipped model.
        versions: trained models, the newest first.
    """

    version: str
    same: float
    unsure: float
    prior: float
    comparisons: Mapping[str, Mapping[str, tuple[float, float]]]
    trained: Mapping[str, Any]
    weights: Mapping[str, Mapping[str, float]]
    facts: ModelFacts | None
    shipped: str
    versions: tuple[StoredModel, ...]


@dataclass(frozen=True, slots=True)
class TrainedModel:
    """A model that was trained just now, and is in use.

    Args:
        version: its version.
        tool: the library that estimated it.
        records: how many records it was trained on.
        representatives: how many of them differ.
        pairs_by_mailbox: pairs that share a mailbox.
        pairs_by_phone: pairs that share a number.
    """

    version: str
    tool: str
    records: int
    representatives: int
    pairs_by_mailbox: int
    pairs_by_phone: int


@dataclass(frozen=True, slots=True)
class RematchQueued:
    """Records that are matched again in the background.

    Args:
        queued: how many.
    """

    queued: int


def match_model(model: Model, versions: Sequence[StoredModel]) -> MatchModel:
    """Return the model in use as it is printed."""
    return MatchModel(
        version=model.version,
        same=model.same,
        unsure=model.unsure,
        prior=model.base_prior,
        comparisons=model.levels,
        trained=model.trained,
        weights=model.weights,
        facts=None if model.facts is None else _facts(model.facts),
        shipped=DEFAULT.version,
        versions=tuple(versions),
    )


def _facts(facts: Facts) -> ModelFacts:
    return ModelFacts(
        n=facts.n,
        name_correlation=facts.name_correlation,
        values={kind: len(found) for kind, found in facts.counts.items()},
        shared_phones=len(facts.shared_phones),
        shared_mailboxes=len(facts.shared_mailboxes),
        public_domains=len(facts.public_domains),
    )
