"""The work: storage, the tree of actors and the web server above it, as one child of the root.

It is built anew from storage when it is started again, so a crash that the tree could not repair
by itself leaves no stale state behind.
"""

import math
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Final, TypeVar
from urllib.parse import urlsplit

import structlog
import trio
from attrs import define, evolve, field, frozen

from actors.alarms import Alarms
from actors.figures import FiguresWatch
from actors.kernel import (
    AskGraph,
    ChildSpec,
    Node,
    OnCrash,
    Service,
    State,
    Supervisor,
    described,
    ungrouped,
)
from actors.outages import is_unavailable
from actors.sealing import KeyRing
from actors.signing import LocalSigner
from actors.tree import Role, Tree, World, build, prepare
from offerhub import settings as settings_of
from offerhub.composition.choices import choices_from
from offerhub.composition.outside import Outside, open_outside
from offerhub.domain.errors import DomainError
from offerhub.domain.ids import Clock, RandomBytes
from offerhub.providers.stellar.port import StellarUnavailable
from offerhub.redaction import Redactor
from offerhub.settings import Settings
from storage.errors import Displaced, StorageUnavailable
from storage.postgres.migrate import migrate
from storage.postgres.pool import Pool, open_pool
from storage.postgres.storage import PostgresStorage, open_postgres_storage
from storage.postgres.upkeep import Upkeep
from storage.redis import RedisBuffer, open_redis
from web.answers import AnswerEncoder
from web.app import create_app
from web.health import Health, Probe
from web.metrics import Metrics, MetricsFace, create_metrics_app
from web.rate_limit import RateLimit
from web.routes import ROUTES
from web.server import serve_app

log = structlog.get_logger(__name__)

T = TypeVar("T")

_INSTANCE: Final = "instance_id"
_POOL_MAX: Final = 17
"""One of them is held by who listens for operators' commands."""
_FIRST_WAIT_S: Final = 10.0
_AGAIN_S: Final = 1.0
_CONNECT_S: Final = 2.0
_HORIZON_FRESH_S: Final = 10.0
# All children of the work may crash at once (the database was away at a bad instant), and twice:
# pauses that double up to 30 s keep a child that crashes for ever from using this up.
_RESTARTS_MAX: Final = 30
_WEB_STOP_S: Final = 14.0
"""The server's own patience (`web.server.PATIENCE`) is 10 s, and a little to close."""


@frozen
class Sources:
    """Time and chance of this process; only `offerhub.app` makes the real ones."""

    now: Clock
    random_bytes: RandomBytes
    random: Callable[[], float]


@define
class Addresses:
    """Where the servers that we start ourselves are; filled in when they are up. Secrets."""

    database_url: str = field(default="", repr=False)
    redis_url: str = field(default="", repr=False)


class Work:
    """Everything between the servers and the callers.

    Args:
        role: the owner of the database has the API; an errand of the command line does without,
            beside whoever owns it.
        whole: the tree of the whole process at this instant.
        on_displaced: has the process end, because a newer one has taken the database over.
    """

    def __init__(
        self,
        settings: Settings,
        sources: Sources,
        addresses: Addresses,
        on_crash: OnCrash,
        *,
        role: Role,
        whole: Callable[[], Node],
        on_displaced: Callable[[], None],
    ) -> None:
        self.name = "work"
        self.port: int | None = None
        """Where the API listens, once it does."""
        self.built: Tree | None = None
        """The tree of the present life."""
        self._role = role
        self._whole = whole
        self._settings = settings
        self._sources = sources
        self._addresses = addresses
        self._on_crash = on_crash
        self._on_displaced = on_displaced
        self._epoch: int | None = None
        self._inner: Supervisor | None = None
        self._preparing = trio.CancelScope()
        self._stopping = False
        self._lives = 0
        self._metrics = Metrics()

    async def run(self, *, task_status: trio.TaskStatus[None]) -> None:
        """Live one life: from the migrations to the last answer."""
        self._lives += 1
        if self._stopping:
            return
        addresses = self._addresses
        async with (
            open_pool(addresses.database_url, size_max=_POOL_MAX) as pool,
            open_outside(self._settings, self._sources.random) as outside,
        ):
            try:
                opened = await self._unless_stopped(partial(self._opened, pool))
            except Displaced:
                self._on_displaced()
                return
            if opened is None:
                return
            storage, instance = opened
            # Another database's events must never be replayed from a Redis that outlived it.
            async with open_redis(addresses.redis_url, prefix=f"offerhub:{instance}:") as redis:
                inner = await self._unless_stopped(partial(self._built, storage, redis, outside))
                if inner is None:
                    return
                self._inner = inner
                try:
                    await inner.run(task_status=task_status)
                finally:
                    self._inner = None

    async def _unless_stopped(self, prepare: Callable[[], Awaitable[T]]) -> T | None:
        """Prepare something; `None` when a stop came first."""
        self._preparing = trio.CancelScope()
        with self._preparing:
            prepared = await prepare()
            return None if self._stopping else prepared
        return None

    async def _opened(self, pool: Pool) -> tuple[PostgresStorage, str]:
        """Bring the schema up to date, take the storage over or join, and find the instance's id."""
        sources = self._sources
        applied = await self._when_up(partial(migrate, self._addresses.database_url))
        if applied:
            log.info("database.migrated", applied=list(applied))
        storage = await self._when_up(
            partial(
                open_postgres_storage,
                pool,
                random_bytes=sources.random_bytes,
                clock=sources.now,
                take_over=self._role is Role.OWNER,
                after=self._epoch,
            )
        )
        self._epoch = storage.epoch
        return storage, await self._when_up(partial(_instance_id, storage, sources.random_bytes))

    def request_stop(self) -> None:
        """Ask for an ordered stop, also in the middle of the preparations; does not wait."""
        self._stopping = True
        if self._inner is not None:
            self._inner.request_stop()
        else:
            self._preparing.cancel()

    def close(self) -> None:
        """No further life will come."""
        self._stopping = False

    def tree(self) -> Node:
        """The tree from here down."""
        return Node(self.name, State.WAITING) if self._inner is None else self._inner.tree()

    async def _built(
        self, storage: PostgresStorage, redis: RedisBuffer, outside: Outside
    ) -> Supervisor:
        settings, sources = self._settings, self._sources
        encryption = settings.wallet_encryption
        world = World(
            storage=storage,
            network=outside.horizon,
            provider=outside.trustless_work,
            now=sources.now,
            random_bytes=sources.random_bytes,
            random=sources.random,
            signer=LocalSigner(
                KeyRing(encryption.key, sources.random_bytes, encryption.old), sources.random_bytes
            ),
            encode=AnswerEncoder(ROUTES),
            on_displaced=self._on_displaced,
            tree=partial(redacted, self._whole, Redactor(settings.secret_values())),
        )
        fill_treasury = outside.fill_treasury if outside.control is not None else None
        choices = choices_from(settings, fill_treasury=fill_treasury)
        platform = await self._when_up(partial(prepare, world, choices))
        tree = self.built = build(world, choices, platform, redis)
        face: tuple[ChildSpec, ...] = ()
        if self._role is Role.OWNER:
            figures = FiguresWatch(
                storage, outside.horizon, platform.wallet.public_key, sources.now
            )
            face = self._face(tree, storage, redis, figures)
        watch_upkeep(storage.upkeep, tree.system.alarms)
        upkeep = ChildSpec(Service("upkeep", storage.upkeep.run))
        return Supervisor(
            self.name,
            (upkeep, *tree.specs_of(self._role), *face),
            random=sources.random,
            on_crash=partial(self._told, tree),
            restarts_max=_RESTARTS_MAX,
            asks=AskGraph() if settings.environment == "development" else None,
        )

    def _face(
        self, tree: Tree, storage: PostgresStorage, redis: RedisBuffer, figures: FiguresWatch
    ) -> tuple[ChildSpec, ...]:
        """What callers see: the last to start, the first to stop."""
        settings = self._settings
        rate_limit = RateLimit(settings.http.rate_limit_per_minute, self._sources.now, redis)
        health = Health(_probes(settings, tree, storage, redis))
        stop = _Stop()
        metrics, wanted = self._metrics, settings.metrics
        metrics.show(tree.system, figures)
        tree.journal.observe_group = metrics.committed
        tree.journal.observe_violation = metrics.violated
        # Without a token they are served only where the operator has chosen the listener.
        with_api = wanted.bind is None and wanted.token is not None

        async def web(*, task_status: trio.TaskStatus[None]) -> None:
            stop.wanted = trio.Event()
            # A new application for every life: Quart cannot be started a second time.
            app = create_app(
                tree.system,
                master_key=settings.master_key,
                rate_limit=rate_limit,
                health=health,
                trusted_proxies=settings.http.trusted_proxies,
                replay_cache=redis,
                webhook_secrets=_webhook_secrets(settings),
                observe=metrics.answered,
                metrics=MetricsFace(metrics, wanted.token) if with_api else None,
            )
            await serve_app(
                app,
                host=settings.http.host,
                port=settings.http.port,
                shutdown=stop.wanted,
                streams=tree.system,
                task_status=_Port(self, task_status),
            )

        return (
            ChildSpec(Service("rate_limit", rate_limit.run)),
            ChildSpec(Service("health", health.run)),
            ChildSpec(Service("figures", figures.run)),
            *_listener(metrics, wanted),
            ChildSpec(Service("web", web, request_stop=stop.request), stop_s=_WEB_STOP_S),
        )

    async def _when_up(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """Wait for the database: at the very first start not for long, later for ever."""
        patience_s = _FIRST_WAIT_S if self._lives == 1 else math.inf
        give_up_at = trio.current_time() + patience_s
        logged = False
        while True:
            try:
                with ungrouped():
                    return await attempt()
            except (StorageUnavailable, DomainError) as away:
                if not is_unavailable(away) or trio.current_time() >= give_up_at:
                    raise
                if not logged:
                    log.warning("database.unavailable", reason=described(away))
                    logged = True
            await trio.sleep(_AGAIN_S)

    def _told(self, tree: Tree, name: str, error: Exception) -> None:
        self._on_crash(name, error)
        tree.recovery.sweep_soon()


def redacted(whole: Callable[[], Node], redactor: Redactor) -> Node:
    """The tree, with the errors in it as they may be shown."""

    def shown(node: Node) -> Node:
        error = None if node.last_error is None else redactor.text(node.last_error)
        return evolve(
            node, last_error=error, children=tuple(shown(child) for child in node.children)
        )

    return shown(whole())


async def _instance_id(storage: PostgresStorage, random_bytes: RandomBytes) -> str:
    """The id of this database's instance, made at its first start."""
    known = await storage.setting(_INSTANCE)
    if known is None:
        await storage.put_setting(_INSTANCE, random_bytes(8).hex())
        known = await storage.setting(_INSTANCE)
    return known or ""


def _listener(metrics: Metrics, wanted: settings_of.Metrics) -> tuple[ChildSpec, ...]:
    """The metrics' own listener, if they are to have one."""
    if wanted.bind is None:
        return ()
    host, _, port = wanted.bind.rpartition(":")
    stop = _Stop()

    async def serve(*, task_status: trio.TaskStatus[int]) -> None:
        stop.wanted = trio.Event()
        await serve_app(
            create_metrics_app(MetricsFace(metrics, wanted.token)),
            host=host.strip("[]"),
            port=int(port),
            shutdown=stop.wanted,
            task_status=task_status,
        )

    return (ChildSpec(Service("metrics", serve, request_stop=stop.request)),)


class _Stop:
    """The wish that the web server ends; every life of it has its own."""

    def __init__(self) -> None:
        self.wanted = trio.Event()

    def request(self) -> None:
        self.wanted.set()


class _Port:
    """Hypercorn's report that it listens, noted on its way."""

    def __init__(self, work: Work, task_status: trio.TaskStatus[None]) -> None:
        self._work = work
        self._task_status = task_status

    def started(self, port: int | None = None) -> None:
        self._work.port = port
        self._task_status.started()


def _probes(
    settings: Settings, tree: Tree, storage: PostgresStorage, redis: RedisBuffer
) -> dict[str, Probe]:
    """How each dependency is asked; hardly a call of a provider's limit is spent on it."""

    async def horizon() -> bool:
        # A recent answer to anyone counts: health costs at most one call in `_HORIZON_FRESH_S`.
        try:
            await tree.clock.state(_HORIZON_FRESH_S)
        except StellarUnavailable:
            return False
        return True

    return {
        "postgresql": storage.ping,
        "redis": redis.ping,
        "horizon": horizon,
        "trustlessWork": partial(accepts_connections, settings.trustless_work.url),
    }


async def accepts_connections(url: str) -> bool:
    """Whether a server takes connections, within two seconds; nothing is asked of it."""
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    with trio.move_on_after(_CONNECT_S):
        stream = await trio.open_tcp_stream(parts.hostname or "", port)
        await trio.aclose_forcefully(stream)
        return True
    return False


def _webhook_secrets(settings: Settings) -> Mapping[str, bytes]:
    """By the name of the sender in the path; one without a secret is refused."""
    secret = settings.trustless_work.webhook_secret
    return {} if secret is None else {"trustless-work": secret.encode()}


def watch_upkeep(upkeep: Upkeep, alarms: Alarms) -> None:
    """Have who holds an old snapshot of the database shown by health until it is given back."""
    upkeep.report = partial(alarms.tell, "old_snapshot")
