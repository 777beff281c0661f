"""The counts of the engine's scheduler as metrics, read once for every scrape.

Rates and shares are for whoever scrapes: tokens a second are the rate of drawn tokens, the share of
cached tokens is that of cached to prompt tokens.
"""

from collections.abc import Callable, Iterator, Mapping

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

Stats = Callable[[], Mapping[str, object] | None]
"""Reads the counts by name, None while the engine is away."""

_GAUGES: Mapping[str, tuple[str, str]] = {
    "num_waiting": ("queue_length", "Requests that wait for a place."),
    "num_running": ("batch_size", "Requests that share the engine's steps."),
    "pages_used": ("pages_used", "Pages of keys and values in use."),
    "num_pages": ("pages", "Pages of keys and values."),
}
_COUNTERS: Mapping[str, tuple[str, str]] = {
    "num_preemptions": ("preemptions", "Requests set back for want of pages or places."),
    "prompt_tokens": ("prompt_tokens", "Tokens of prompts that were begun."),
    "cached_tokens": ("cached_tokens", "Of them, those that the prefix cache held."),
    "drawn_tokens": ("drawn_tokens", "Tokens drawn."),
    "num_finished": ("requests_finished", "Requests that ended."),
    "num_refused": ("requests_refused", "Requests refused for a full queue."),
}
_PREFIX = "finsvc_scheduler_"


class SchedulerMetrics(Collector):
    """Yields what the engine counts; nothing while it is away."""

    def __init__(self, read: Stats) -> None:
        self._read = read

    def describe(self) -> Iterator[Metric]:
        """Yield nothing, so that being registered asks no engine."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics."""
        counts = self._read() or {}
        for field, (name, what) in _GAUGES.items():
            if field in counts:
                yield GaugeMetricFamily(f"{_PREFIX}{name}", what, float(str(counts[field])))
        for field, (name, what) in _COUNTERS.items():
            if field in counts:
                yield CounterMetricFamily(f"{_PREFIX}{name}", what, float(str(counts[field])))
