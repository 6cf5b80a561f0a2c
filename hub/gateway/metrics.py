"""The gateway's metrics, for Prometheus; each process of the gateway has its own."""

from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from hub.landing.inbox import Depth

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
