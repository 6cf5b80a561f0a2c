"""The figures of `bench.live`, and the Markdown block that shows them."""

import math
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

MOST_S = 2.0
"""The mail server has 95 % of the mails within this time."""
_FULL = 0.85
"""A process of Python that takes so much of one core does no more."""


@dataclass
class Figures:
    """One run. Times are in seconds, of requests that were not repeated.

    Args:
        name: idle, sync, undo, or the rate.
        rate: new people a second.
        longest_s: the longest hold of the identity lock by one transaction, by part.
        held: the share of the time in which the identity lock was held, by part.
        cores: how many cores each part took.
        beside: what ran beside, and how long.
        late_s: how late the bench itself sent a request, at most.
    """

    name: str
    rate: float
    people: int
    requests: int
    refused: int
    seconds: float
    ack_p50: float
    ack_p95: float
    mail_p50: float
    mail_p95: float
    mail_max: float
    leads: int
    owners: int
    assignments: int
    notices: int
    late_s: float = 0.0
    longest_s: Mapping[str, float] = field(default_factory=dict)
    held: Mapping[str, float] = field(default_factory=dict)
    cores: Mapping[str, float] = field(default_factory=dict)
    load: float = 0.0
    beside: str = ""

    @property
    def is_right(self) -> bool:
        """Whether each person is one lead with one owner and one notice."""
        counts = {self.leads, self.owners, self.assignments, self.notices}
        return counts == {self.people} and not self.refused

    @property
    def holds(self) -> bool:
        """Whether p95 stayed under two seconds, and every mail came."""
        return self.is_right and self.mail_p95 < MOST_S

    @property
    def longest(self) -> float:
        """Return the longest hold of the identity lock, by any part."""
        return max(self.longest_s.values(), default=0.0)


def quantile(values: Sequence[float], share: float) -> float:
    """Return the value below which this share lies; not a number without values."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else math.nan


def bound(one: Figures) -> str:
    """Say what bounds a run: a part that has a core for itself, the machine, or the lock."""
    cores_n = os.cpu_count() or 1
    full = [name for name, took in one.cores.items() if took >= _FULL and name != "PostgreSQL"]
    held = sum(one.held.values())
    if full:
        return f"the {' and the '.join(full)}: a core for one process of Python"
    if sum(one.cores.values()) >= cores_n * _FULL:
        return f"the CPU of the machine, {cores_n} cores"
    if held >= _FULL:
        return f"the identity lock, held {held:.0%} of the time"
    if one.load > 2 * cores_n and sum(one.cores.values()) < cores_n / 2:
        return f"other work on the machine (load {one.load:.0f})"
    return "none of CPU and identity lock: what waits is the disk or the mail server"


def block(
    runs: Sequence[Figures], rates: Sequence[Figures], sizes: Mapping[str, int | str]
) -> Iterator[str]:
    """Yield the lines for the docs."""
    idle = runs[0]
    yield (
        f"`python -m bench.live`: {idle.rate:g} new people a second, 10 % of the requests twice, 10 % out of order; six of ten "
        f"by Typeform, three by HubSpot, one by Mailchimp; {sizes['leads']:,} leads in the emulated Salesforce; "
        f"{os.cpu_count()} cores, which the bench and the emulated vendors share."
    )
    yield ""
    yield "| | " + " | ".join(_title(one) for one in runs) + " |"
    yield "|---|" + "---:|" * len(runs)
    for title, said in _ROWS:
        yield f"| {title} | " + " | ".join(said(one, idle) for one in runs) + " |"
    if rates:
        yield ""
        yield "| new people a second | request to mail, p50 | p95 | acknowledged, p95 | identity lock held | CPU, cores |"
        yield "|---:|---:|---:|---:|---:|---|"
        for one in rates:
            wrong = "" if one.is_right else f" ({one.notices} of {one.people} mails)"
            yield (
                f"| {one.rate:g} | {one.mail_p50:.2f} s | {one.mail_p95:.2f} s{wrong} | {one.ack_p95 * 1000:.0f} ms "
                f"| {sum(one.held.values()):.0%} of the time | {_cores(one)} |"
            )
        yield ""
        yield verdict(rates)


def verdict(rates: Sequence[Figures]) -> str:
    """Say the highest rate that held, and what bounds it."""
    good = [one for one in rates if one.holds]
    bad = next((one for one in rates if not one.holds), None)
    if not good:
        return f"No rate kept p95 under {MOST_S:g} s. What bounds it: {bound(rates[0])}."
    best = good[-1]
    said = f"The highest rate with p95 under {MOST_S:g} s is {best.rate:g} a second (p95 {best.mail_p95:.2f} s)"
    if bad is None:
        return f"{said}, the highest that was tried; there, the limit is {bound(best)}."
    return f"{said}; at {bad.rate:g} the limit is {bound(bad)}."


def _title(one: Figures) -> str:
    return one.name if not one.beside else f"beside {one.beside}"


def _cores(one: Figures) -> str:
    shown = sorted(one.cores.items(), key=lambda part: -part[1])
    return ", ".join(f"{name} {took:.2f}" for name, took in shown if took >= 0.005)


def _right(one: Figures, _idle: Figures) -> str:
    if one.is_right:
        return "yes"
    return (
        f"**no**: {one.people} people, {one.leads} leads, {one.owners} owners, "
        f"{one.assignments} assignments, {one.notices} notices, {one.refused} refused"
    )


def _longest(one: Figures, _idle: Figures) -> str:
    each = ", ".join(f"{name} {s * 1000:.0f}" for name, s in sorted(one.longest_s.items()))
    return f"{one.longest * 1000:.0f} ms ({each})" if each else "0 ms"


def _ratio(one: Figures, idle: Figures) -> str:
    return "1" if one is idle else f"{one.mail_p95 / idle.mail_p95:.1f}"


_ROWS = (
    ("seconds; people; requests", lambda o, _: f"{o.seconds:.0f}; {o.people:,}; {o.requests:,}"),
    ("each person one lead, one owner, one notice", _right),
    (
        "acknowledged, p50; p95",
        lambda o, _: f"{o.ack_p50 * 1000:.0f} ms; {o.ack_p95 * 1000:.0f} ms",
    ),
    ("request to mail, p50", lambda o, _: f"{o.mail_p50:.2f} s"),
    ("request to mail, p95", lambda o, _: f"{o.mail_p95:.2f} s"),
    ("p95 against idle", _ratio),
    ("request to mail, longest", lambda o, _: f"{o.mail_max:.2f} s"),
    ("identity lock, longest hold (by part, ms)", _longest),
    ("identity lock, share of the time", lambda o, _: f"{sum(o.held.values()):.0%}"),
    ("CPU, cores", lambda o, _: _cores(o)),
    ("load", lambda o, _: f"{o.load:.1f}"),
)
