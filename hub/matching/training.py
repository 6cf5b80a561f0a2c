"""Learn the model's m and u on a customer's own records, with Splink.

In: views of the records. Out: a model. Levels are compared by the scorer's own functions, which
DuckDB calls, so training and use have the same levels.

Why not Splink's usual way: random pairs that agree on an e-mail are mostly one person's, so u of
near-unique values comes out far too high; EM finds the household instead of the person. Here u
comes from one record of each person found by strong keys. m comes from pairs that another strong
key proves. Neither may move further than a fixed factor from the shipped numbers.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from importlib import import_module
from itertools import combinations
from typing import Any

from hub.errors import ConfigError
from hub.matching import names
from hub.matching.bulk import Resolution, resolve
from hub.matching.compare import Levels, compare
from hub.matching.facts import learn
from hub.matching.keys import MatchView
from hub.matching.model import BY_FREQUENCY, DEFAULT, Model

MIN_PAIRS = 50  # pairs that a strong key proves, below which nothing is learned
_STEP = 4.0  # a trained m or u is at most so many times more or less than the shipped one
_FLOOR = 1e-6
_SAMPLED = 60_000
_MOST_LABELS = 20_000
_SEED = 1
_BY_MAILBOX = ("name", "phone", "context", "birth", "identifier")
_MISSING = "missing"


def train(views: Sequence[MatchView], base: Model = DEFAULT) -> Model:
    """Return the base model with the facts of these records and weights trained on them.

    Raises:
        ConfigError: Splink is not installed, or too few pairs are proved.
    """
    model = learn((v.traits for v in views), base)
    found = resolve(views, model)
    labels = {
        "mailbox": _proven(views, found, model, by="email"),
        "phone": _proven(views, found, model, by="phone"),
    }
    if len(labels["mailbox"]) < MIN_PAIRS:
        raise ConfigError(
            f"{len(labels['mailbox'])} pairs share a mailbox; {MIN_PAIRS} are needed to train",
            hint="the shipped model stays in use; train again with more records",
        )
    representatives = [members[0] for members in found.clusters]
    trainer = _Trainer(views, model)
    u = trainer.u(representatives)
    m = trainer.m(labels["mailbox"])
    if len(labels["phone"]) >= MIN_PAIRS:
        m["email"] = trainer.m(labels["phone"])["email"]
    else:
        m["email"] = {}
    for level in BY_FREQUENCY:  # their u is the name's own frequency, counted in the facts
        u.get("name", {}).pop(level, None)
    levels = {
        comparison: {
            level: (
                _near(m.get(comparison, {}).get(level), shipped[0]),
                _near(u.get(comparison, {}).get(level), shipped[1]),
            )
            for level, shipped in table.items()
        }
        for comparison, table in base.levels.items()
    }
    levels = {c: {**t, _MISSING: base.levels[c][_MISSING]} for c, t in levels.items()}
    trained = {
        "tool": trainer.tool,
        "records": len(views),
        "representatives": len(representatives),
        "pairs_by_mailbox": len(labels["mailbox"]),
        "pairs_by_phone": len(labels["phone"]),
    }
    return replace(model, version=f"trained-{len(views)}", levels=levels, trained=trained)


def _near(found: float | None, shipped: float) -> float:
    """Return a trained probability, limited to a factor of the shipped one; without data the shipped one."""
    if found is None:
        return shipped
    return min(max(found, shipped / _STEP, _FLOOR), shipped * _STEP, 1.0)


def _proven(
    views: Sequence[MatchView], found: Resolution, model: Model, *, by: str
) -> list[tuple[int, int]]:
    """Return pairs inside a cluster that one strong key proves, without the other comparisons."""
    pairs = []
    for members in found.clusters:
        for a, b in combinations(members[:10], 2):
            levels = compare(views[a], views[b], model)
            is_sure = levels.email == "same" if by == "email" else levels.phone == "same" and levels.name in names.AGREES  # fmt: skip
            if is_sure:
                pairs.append((a, b))
            if len(pairs) == _MOST_LABELS:
                return pairs
    return pairs


class _Trainer:
    """Splink over the scorer's comparisons."""

    def __init__(self, views: Sequence[MatchView], model: Model) -> None:
        try:
            import splink  # noqa: PLC0415 - an optional extra
        except ImportError as exc:
            raise ConfigError(
                "training needs Splink", hint="pip install 'lead-hub[train]'"
            ) from exc
        self.arrow = import_module("pyarrow")  # comes with Splink, without types
        self.tool = f"splink {splink.__version__}"
        self.levels = {c: list(t) for c, t in model.levels.items()}

        @lru_cache(maxsize=262_144)
        def compared(a: int, b: int) -> Levels:
            return compare(views[a], views[b], model)

        self.compared = compared

    def u(self, records: Sequence[int]) -> dict[str, dict[str, float]]:
        """Return u of every level among records that are all different people."""
        linker = self._linker(records)
        linker.training.estimate_u_using_random_sampling(
            max_pairs=_SAMPLED, seed=_SEED, min_count_per_level=None, num_chunks=1
        )
        return _numbers(linker, "u_probability")

    def m(self, pairs: Sequence[tuple[int, int]]) -> dict[str, dict[str, float]]:
        """Return m of every level among pairs of one person."""
        linker = self._linker(sorted({i for pair in pairs for i in pair}))
        labels = self.arrow.Table.from_pydict(
            {"unique_id_l": [a for a, _ in pairs], "unique_id_r": [b for _, b in pairs]}
        )
        registered = linker._db_api.register(labels, table_name="pair_labels")  # noqa: SLF001
        linker.training.estimate_m_from_pairwise_labels(registered)
        return _numbers(linker, "m_probability")

    def _linker(self, records: Sequence[int]) -> Any:
        import duckdb  # noqa: PLC0415
        from splink import DuckDBAPI, Linker  # noqa: PLC0415

        connection = duckdb.connect()
        for comparison in self.levels:
            connection.create_function(
                f"compare_{comparison}", self._function(comparison), ["BIGINT", "BIGINT"], "VARCHAR"
            )
        api = DuckDBAPI(connection=connection)
        table = self.arrow.Table.from_pydict(
            {"unique_id": list(records), "record_no": list(records)}
        )
        return Linker(api.register(table), self._settings(), log_level=None)

    def _function(self, comparison: str) -> Any:
        def level(a: int, b: int) -> str:
            return str(getattr(self.compared(a, b), comparison))

        return level

    def _settings(self) -> dict[str, Any]:
        def condition(comparison: str, level: str) -> str:
            return f"compare_{comparison}(record_no_l, record_no_r) = '{level}'"

        def levels(comparison: str) -> list[dict[str, Any]]:
            known = [level for level in self.levels[comparison] if level != _MISSING]
            return [
                {
                    "sql_condition": condition(comparison, _MISSING),
                    "label_for_charts": _MISSING,
                    "is_null_level": True,
                },
                *(
                    {"sql_condition": condition(comparison, level), "label_for_charts": level}
                    for level in known
                ),
                {"sql_condition": "ELSE", "label_for_charts": "else"},
            ]

        return {
            "link_type": "dedupe_only",
            "unique_id_column_name": "unique_id",
            "comparisons": [
                {
                    "output_column_name": f"{comparison}_levels",
                    "comparison_description": comparison,
                    "comparison_levels": levels(comparison),
                }
                for comparison in self.levels
            ],
            "blocking_rules_to_generate_predictions": ["l.record_no = r.record_no"],
        }


def _numbers(linker: Any, wanted: str) -> dict[str, dict[str, float]]:
    """Return comparison → level → probability of what the linker has learned."""
    document = linker.misc.save_model_to_json()
    return {
        comparison["output_column_name"].removesuffix("_levels"): {
            level["label_for_charts"]: float(level[wanted])
            for level in comparison["comparison_levels"]
            if level.get(wanted) is not None
        }
        for comparison in document["comparisons"]
    }
