"""One case: a purchase whose orchestrator dies on the way, and everything that must hold then."""

import os
import signal
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
from attrs import define, field, frozen

from storage.embedded import EmbeddedPostgres
from tests.end_to_end import books, checks
from tests.end_to_end.chain_view import Chain
from tests.end_to_end.process import (
    DidNotStart,
    Orchestrator,
    RunningSandbox,
    free_port,
    own_home,
    start_orchestrator,
)
from tests.end_to_end.purchase import RELEASED, Action, Course, Lost, Purchase
from tests.end_to_end.subscriber import Subscriber

_DYING_S = 0.2


@frozen
class Grounds:
    """What outlives the orchestrator: its database, its Redis and the network.

    Args:
        database_url, redis_url: `None`: the embedded ones of the case's home.
    """

    database_url: str | None
    redis_url: str | None
    sandbox: RunningSandbox
    chain: Chain


@define(eq=False)
class Case:
    """One orchestrator with its clients and its subscriber, over all its lives."""

    grounds: Grounds
    home: Path
    purchases: tuple[Purchase, ...]
    subscriber: Subscriber = field(factory=Subscriber)
    port: int = field(factory=free_port)
    attempts_failed: int = 0
    """What the last life is expected to have seen die."""

    @contextmanager
    def life(
        self,
        failpoint: str | None = None,
        *,
        env: Mapping[str, str] | None = None,
        kill_after_s: float | None = None,
    ) -> Iterator[Orchestrator]:
        """Run the orchestrator; killed, it may be dead already when the block begins."""
        variables = dict(env or {})
        if self.grounds.database_url is not None:
            variables["DATABASE_URL"] = self.grounds.database_url
        if self.grounds.redis_url is not None:
            variables["REDIS_URL"] = self.grounds.redis_url
        if failpoint is not None:
            variables["OFFERHUB_FAILPOINT"] = failpoint
        with start_orchestrator(
            self.home, sandbox=self.grounds.sandbox, port=self.port, env=variables, wait=False
        ) as orchestrator:
            if kill_after_s is not None:
                killing = threading.Timer(kill_after_s, orchestrator.process.kill)
                killing.daemon = True
                killing.start()
            if orchestrator.wait_ready():
                for purchase in self.purchases:
                    purchase.point_at(orchestrator)
                self.subscriber.point_at(orchestrator)
            elif orchestrator.process.returncode != -signal.SIGKILL:
                raise DidNotStart(orchestrator.log_text()[-3000:])
            try:
                yield orchestrator
            finally:
                self.subscriber.point_at(None)

    @property
    def purchase(self) -> Purchase:
        """The only purchase, or the first."""
        return self.purchases[0]

    def database_url(self) -> str:
        """The DSN of the database; the embedded one must run."""
        given = self.grounds.database_url
        found = given or EmbeddedPostgres(self.home, random_bytes=os.urandom).running_dsn()
        assert found is not None, "the embedded PostgreSQL does not run"
        return found

    def play(self) -> None:
        """Play every purchase to its end, all at once. Raises `Lost` when the process dies."""
        if len(self.purchases) == 1:
            self.purchase.play()
            return
        with ThreadPoolExecutor(len(self.purchases)) as pool:
            played = [pool.submit(purchase.play) for purchase in self.purchases]
        faults = [fault for each in played if (fault := each.exception()) is not None]
        for fault in sorted(faults, key=lambda each: isinstance(each, Lost)):
            raise fault

    def play_until_death(self, orchestrator: Orchestrator) -> bool:
        """Play to the end with all checks; true if the process died on the way."""
        if not orchestrator.alive():
            return True
        try:
            self.play()
            # The last commits come after the last answer: the watcher's, of what was released.
            self.finish(orchestrator)
        except (Lost, AssertionError, httpx.HTTPError):
            # A check that fails because the process dies under it says nothing.
            time.sleep(_DYING_S)
            if orchestrator.alive():
                raise
            return True
        return False

    def recover(self, orchestrator: Orchestrator) -> None:
        """The second life: what was begun ends by itself, then the client repeats its calls."""
        lost = [
            (purchase, purchase.asking, self._committed(purchase, purchase.asking))
            for purchase in self.purchases
            if purchase.asking is not None
        ]
        books.read(self.database_url(), books.at_rest)
        for purchase, action, committed in lost:
            checks.all_or_nothing(purchase, action, committed=committed)
        self.finish(orchestrator)

    def finish(self, orchestrator: Orchestrator) -> None:
        """Play the purchase to its end and check everything about it."""
        self.play()
        checks.everything(
            checks.Scene(
                orchestrator,
                self.database_url(),
                self.grounds.chain,
                self.purchases,
                self.subscriber,
                self.attempts_failed,
            )
        )

    def _committed(self, purchase: Purchase, action: Action) -> bool:
        """Whether an action has a commit: the record of its key is part of the first one."""
        return books.record_under(self.database_url(), purchase.key(action)) is not None


@contextmanager
def open_case(grounds: Grounds, *, purchases: int = 1, course: Course = RELEASED) -> Iterator[Case]:
    """A fresh orchestrator's home, purchases that have not begun and a subscriber."""
    begun = tuple(
        Purchase(grounds.sandbox, grounds.chain.new_outsider(), "" if n == 0 else f"-{n}", course)
        for n in range(purchases)
    )
    with own_home() as home:
        case = Case(grounds, home, begun)
        with case.subscriber.following():
            yield case
