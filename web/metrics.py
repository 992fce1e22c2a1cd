"""Metrics for Prometheus: what is counted as it happens, and what is read from memory at a scrape.

No label takes its values from callers: routes are templates, codes and actors are enumerated. A
scrape asks neither the database nor the network (`actors.figures`). docs/metrics.md names each.
"""

import hmac
from collections.abc import Iterable, Iterator
from typing import Final

from attrs import define, field, frozen
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.gc_collector import GCCollector
from prometheus_client.metrics_core import CounterMetricFamily, Metric
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector
from quart import Response, request
from quart_trio import QuartTrio

from actors.figures import Figures, FiguresWatch
from actors.kernel import Node
from actors.system import System
from actors.watcher import WatcherState
from offerhub.domain.errors import DomainError, ErrorCode
from offerhub.domain.money import Money
from web.statuses import STATUS

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
_COMMIT_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0)
_GROUP_SIZES: Final = (1, 2, 4, 8, 16, 32, 64)
_STROOPS: Final = 10_000_000


class Metrics:
    """All metrics of a process; the counters live as long as it does."""

    def __init__(self) -> None:
        # When a counter was made is nothing that anybody asks of a process that tells its own start.
        disable_created_metrics()  # type: ignore[no-untyped-call]  # the library's
        self._registry = CollectorRegistry(auto_describe=False)
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)
        GCCollector(registry=self._registry)
        self._requests = Histogram(
            "http_server_request_duration_seconds",
            "Requests by route, method and status; event streams until they begin.",
            ("http_request_method", "http_route", "http_response_status_code"),
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._errors = Counter(
            "offerhub_http_errors",
            "Refused requests by the code of the error.",
            ("code",),
            registry=self._registry,
        )
        self._groups = Histogram(
            "offerhub_journal_group_size",
            "Units of work that one transaction has committed.",
            buckets=_GROUP_SIZES,
            registry=self._registry,
        )
        self._commits = Histogram(
            "offerhub_journal_commit_seconds",
            "How long a transaction of the journal took.",
            buckets=_COMMIT_SECONDS,
            registry=self._registry,
        )
        self._violations = Counter(
            "offerhub_invariant_violations",
            "Changes that the database refused because they break a rule of money.",
            registry=self._registry,
        )
        self._lives = _Lives()
        self._registry.register(self._lives)

    def answered(self, endpoint: str, status: int, code: str | None, seconds: float) -> None:
        """A request was answered (`web.gate.Observe`)."""
        method, _, path = endpoint.partition(" ")
        route = path.replace("<", "{").replace(">", "}") or "none"
        self._requests.labels(method if path else "none", route, str(status)).observe(seconds)
        if code is not None:
            self._errors.labels(code).inc()

    def committed(self, units: int, seconds: float) -> None:
        """The journal has committed a group."""
        self._groups.observe(units)
        self._commits.observe(seconds)

    def violated(self) -> None:
        """The database has refused a change that breaks a rule of money."""
        self._violations.inc()

    def show(self, system: System, figures: FiguresWatch) -> None:
        """From now on, figures of this life of the tree."""
        self._lives.present = _Life(system, figures)

    def text(self) -> bytes:
        """All of them in the text format of Prometheus."""
        return generate_latest(self._registry)


@define
class _Life:
    system: System
    figures: FiguresWatch


@define(eq=False)
class _Lives(Collector):
    """The figures of the present life of the tree."""

    present: _Life | None = field(default=None)

    def collect(self) -> Iterable[Metric]:
        """Read from memory."""
        if self.present is not None:
            yield from _of_system(self.present.system)
            yield from _of_figures(self.present.figures.last, self.present.system)

    def describe(self) -> Iterable[Metric]:
        """Nothing to compare names with: the names of one process are all declared here."""
        return ()


def _of_system(system: System) -> Iterator[Metric]:
    hub = system.hub.statistics()
    yield _gauge("offerhub_sse_subscribers", "Open event streams.", hub.subscribers)
    yield _gauge("offerhub_events_waiting", "Events committed and not delivered yet.", hub.waiting)
    depth = GaugeMetricFamily(
        "offerhub_mailbox_depth",
        "Messages that wait at an actor; of a registry, at all of its actors.",
        labels=("actor",),
    )
    restarts = CounterMetricFamily(
        "offerhub_actor_restarts", "Crashes that were repaired.", labels=("actor",)
    )
    for node in _nodes(system.tree()):
        restarts.add_metric((node.name,), node.restarts)
        if node.mailbox is not None:
            depth.add_metric((node.name,), node.mailbox.depth)
    yield depth
    yield restarts
    lag = system.watcher.view.lag_ledgers(system.ledger_clock.latest_ledger)
    if lag is not None:
        yield _gauge(
            "offerhub_watcher_lag_ledgers", "Ledgers between the watcher and the network.", lag
        )
    state = GaugeMetricFamily(
        "offerhub_watcher_state", "1 for the state that the watcher is in.", labels=("state",)
    )
    for each in WatcherState:
        state.add_metric((each.value,), float(system.watcher.view.state is each))
    yield state
    yield _gauge("offerhub_alarms", "What waits for an operator.", len(system.alarms.on))
    yield _gauge(
        "offerhub_maintenance",
        "1 while changes are refused.",
        system.maintenance_switch.now.enabled,
    )


def _nodes(root: Node) -> Iterator[Node]:
    """The lines of the tree; of a registry not its actors, which are as many as callers want."""
    yield root
    for child in root.children:
        if "/" not in child.name:
            yield from _nodes(child)


def _of_figures(figures: Figures, system: System) -> Iterator[Metric]:
    unclear = sum(subject.startswith("cop_") for subject in system.alarms.on)
    yield _gauge(
        "offerhub_operations_unknown",
        "Chain operations about whose outcome the network contradicts itself.",
        unclear,
    )
    if figures.at is not None and figures.work is not None and figures.treasury is not None:
        now, work, treasury = system.clock(), figures.work, figures.treasury
        oldest = work.oldest_at
        yield _gauge(
            "offerhub_figures_age_seconds",
            "How old the figures of the database below are.",
            (now - figures.at).total_seconds(),
        )
        yield _gauge("offerhub_operations_open", "Chain operations that have not ended.", work.open)
        yield _gauge(
            "offerhub_operations_signed",
            "Of them those with an envelope whose outcome is not known yet.",
            work.signed,
        )
        yield _gauge(
            "offerhub_oldest_operation_seconds",
            "How long the oldest open chain operation has been open; 0 if none is.",
            0 if oldest is None else (now - oldest).total_seconds(),
        )
        yield _gauge(
            "offerhub_platform_lane_depth",
            "Open chain operations whose source is the platform's wallet.",
            work.of_source,
        )
        yield _money("offerhub_treasury_usdc", "What belongs to the platform.", treasury.treasury)
        yield _money(
            "offerhub_platform_booked_usdc", "What its wallet is booked at.", treasury.wallet
        )
        dues = GaugeMetricFamily(
            "offerhub_dues_usdc",
            "What the treasury owes to users' wallets, and what they owe to it.",
            labels=("side",),
        )
        dues.add_metric(("owed",), treasury.owed.stroops / _STROOPS)
        dues.add_metric(("owing",), treasury.owing.stroops / _STROOPS)
        yield dues
        yield _money(
            "offerhub_suspense_usdc", "Deposits that are parked for an operator.", treasury.suspense
        )
    if figures.xlm is not None:
        yield _money(
            "offerhub_platform_xlm", "XLM that the platform's wallet can spend.", figures.xlm
        )
    if figures.usdc is not None:
        yield _money(
            "offerhub_platform_usdc", "USDC of the platform's wallet on the chain.", figures.usdc
        )


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, text, value=float(value))


def _money(name: str, text: str, amount: Money) -> Metric:
    # A metric is a float by its format: for charts and alarms, never for books.
    return GaugeMetricFamily(name, text, value=amount.stroops / _STROOPS)


@frozen
class MetricsFace:
    """Metrics where one listener serves them.

    Args:
        metrics: `None` where this listener serves none.
        token: what a scrape must carry; `None`: nothing.
    """

    metrics: Metrics | None = None
    token: str | None = field(default=None, repr=False)

    def scrape(self, authorization: str | None) -> bytes:
        """The text for who may see it; for others raises `NOT_FOUND`, `UNAUTHORIZED`, `INVALID_API_KEY`."""
        if self.metrics is None:
            raise DomainError(
                ErrorCode.NOT_FOUND,
                "no metrics here: METRICS_TOKEN serves them with the API, METRICS_BIND elsewhere",
            )
        if self.token is not None:
            if authorization is None:
                raise DomainError(
                    ErrorCode.UNAUTHORIZED, "METRICS_TOKEN is asked for as a bearer token"
                )
            scheme, _, given = authorization.partition(" ")
            same = hmac.compare_digest(given.strip().encode(), self.token.encode())
            if scheme.lower() != "bearer" or not same:
                raise DomainError(ErrorCode.INVALID_API_KEY, "this is not METRICS_TOKEN")
        return self.metrics.text()


def create_metrics_app(face: MetricsFace) -> QuartTrio:
    """The application of a listener of its own: `GET /metrics` and nothing else."""
    app = QuartTrio("metrics", static_folder=None, template_folder=None)

    async def metrics() -> Response:
        try:
            text = face.scrape(request.headers.get("Authorization"))
        except DomainError as refused:
            return Response(f"{refused.message}\n", STATUS[refused.code], content_type="text/plain")
        return Response(text, 200, content_type=CONTENT_TYPE)

    app.add_url_rule("/metrics", view_func=metrics, methods=["GET"])
    return app
