"""The metrics, for Prometheus: those of this process of the gateway, and those of the whole hub.

What workers do is read from the database. So it is shown however many workers and gateways run, survives
a restart, and every gateway shows the same: take it from one of them.
"""

from collections.abc import Callable, Iterator
from time import monotonic

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from hub.db.outbox_figures import OWNER_S
from hub.landing.inbox import Depth
from hub.views.live_figures import Figures

_KNOWN_S = 30.0
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Metrics:
    """What is counted."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        self.requests = Counter(
            "hub_gateway_requests", "Requests by door and status.", ("door", "status"),
            registry=self.registry,
        )  # fmt: skip
        self.seconds = Histogram(
            "hub_gateway_request_seconds", "Seconds from a request to its answer.", ("door",),
            buckets=_SECONDS, registry=self.registry,
        )  # fmt: skip
        self.deliveries = Counter(
            "hub_gateway_deliveries", "Deliveries by source and outcome.", ("source", "outcome"),
            registry=self.registry,
        )  # fmt: skip
        self.events = Counter(
            "hub_gateway_events", "New events in the inbox, by source.", ("source",),
            registry=self.registry,
        )  # fmt: skip

    def watch_inbox(self, depth: Callable[[], Depth], now: Callable[[], float]) -> None:
        """Add the depth of the inbox, asked for at each scrape.

        Args:
            depth: asks the database.
            now: seconds since 1970.
        """
        self.registry.register(_InboxCollector(depth, now))

    def watch_hub(self, read: Callable[[], Figures]) -> None:
        """Add the figures of the whole hub, asked for at each scrape, but seldom.

        Args:
            read: asks the database.
        """
        self.registry.register(_HubCollector(read))

    def text(self) -> bytes:
        """Return all metrics in Prometheus' text format."""
        return generate_latest(self.registry)


class _InboxCollector(Collector):
    """The depth of the inbox; without an answer of the database there are no figures."""

    def __init__(self, depth: Callable[[], Depth], now: Callable[[], float]) -> None:
        self._depth, self._now = depth, now

    def describe(self) -> Iterator[Metric]:
        """Return nothing: to describe is not to ask the database."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """Ask the database."""
        try:
            found = self._depth()
        except Exception:  # noqa: BLE001 a scrape shows the rest
            return
        oldest = self._now() - found.oldest_at.timestamp() if found.oldest_at else 0.0
        yield GaugeMetricFamily(
            "hub_inbox_waiting", "Events that wait in the inbox.", found.waiting
        )
        yield GaugeMetricFamily("hub_inbox_dead", "Events that no worker tries again.", found.dead)
        yield GaugeMetricFamily(
            "hub_inbox_oldest_seconds", "Age of the oldest event that waits.", max(oldest, 0.0)
        )


class _HubCollector(Collector):
    """The figures of the whole hub: every gateway shows the same, whichever worker did the work."""

    def __init__(self, read: Callable[[], Figures]) -> None:
        self._read = read
        self._known: tuple[float, Figures] | None = None

    def describe(self) -> Iterator[Metric]:
        """Return nothing: to describe is not to ask the database."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """Ask the database, unless it was asked a moment ago."""
        try:
            found = self._figures()
        except Exception:  # noqa: BLE001 a scrape shows the rest
            return iter(())
        return _families(found)

    def _figures(self) -> Figures:
        if self._known is None or monotonic() >= self._known[0]:
            self._known = (monotonic() + _KNOWN_S, self._read())
        return self._known[1]


def _families(found: Figures) -> Iterator[Metric]:
    leads = CounterMetricFamily(
        "hub_leads", "New leads with a first owner, by the source with which they began.",
        labels=("source",),
    )  # fmt: skip
    for source, n in sorted(found.leads.items()):
        leads.add_metric((source,), n)
    yield leads
    bounds = [*map(str, OWNER_S), "+Inf"]
    yield HistogramMetricFamily(
        "hub_lead_owner_seconds", "Seconds from a request of a source to the owner of its lead.",
        buckets=list(zip(bounds, found.owner_times.counts, strict=True)),
        sum_value=found.owner_times.total_s,
    )  # fmt: skip
    mails = GaugeMetricFamily("hub_mails", "Mails by state.", labels=("state",))
    for state in ("sent", "deferred", "failed"):
        mails.add_metric((state,), found.mails.get(state, 0))
    yield mails
    recovered = GaugeMetricFamily(
        "hub_recovered", "New objects that the latest sync found and a webhook had missed.",
        labels=("source", "stream"),
    )  # fmt: skip
    for one in found.recovered:
        recovered.add_metric((one.source, one.stream), one.objects)
    yield recovered
    left = GaugeMetricFamily(
        "hub_budget_left", "Requests that a vendor's account still allows.",
        labels=("account", "budget"),
    )  # fmt: skip
    for budget, n in sorted(found.budget_left.items()):
        left.add_metric(budget, n)
    yield left
