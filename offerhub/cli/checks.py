"""What `offerhub doctor` looks at: each check says what it saw and which command mends it."""

import shutil
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Final

import trio
from attrs import define, field, frozen

from actors.sealing import CannotOpen, KeyRing
from actors.tree import CHANNEL_XLM
from actors.wallet_commands import VAULT_CHECK
from offerhub.composition.outside import Outside
from offerhub.composition.work import Sources, accepts_connections
from offerhub.domain.maintenance import SETTING, Maintenance
from offerhub.domain.money import Money
from offerhub.domain.treasury import Treasury
from offerhub.domain.users import Wallet, WalletRole, WalletStatus
from offerhub.providers.stellar.port import NetworkState, StellarUnavailable
from offerhub.settings import Settings
from storage.errors import StorageUnavailable
from storage.postgres.diagnosis import Diagnosis, diagnose
from storage.postgres.pool import Pool
from storage.postgres.storage import PostgresStorage
from storage.redis import open_redis

_GIB: Final = 1024**3
_DISK_LOW: Final = 2 * _GIB
_DISK_FULL: Final = _GIB // 4
_SERVER_MIN: Final = 14
_CLOCK_MAX: Final = timedelta(minutes=5)
"""As where nothing is signed any more (docs/spec/domain.md §3)."""
_CLOCK_ODD: Final = timedelta(seconds=30)
_OWN_XLM: Final = Money.from_decimal_string("15")
"""What the platform's own account needs beside its channels: reserves, and the fees of years."""
_PROBE_S: Final = 5.0
_OLD_OPERATION: Final = timedelta(hours=1)


class Finding(StrEnum):
    """What came of a check."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    SKIPPED = "skipped"


@frozen
class Check:
    """A check as it came out.

    Args:
        saw: what was found, without secrets.
        mend: the command, or what else is to be done; empty when nothing is.
    """

    name: str
    finding: Finding
    saw: str
    mend: str = ""


@define
class Doctor:
    """Looks at one instance; every look has a deadline, and no failure of one stops the next."""

    settings: Settings
    sources: Sources
    say: Callable[[str], None]
    checks: list[Check] = field(factory=list)

    def note(self, name: str, finding: Finding, saw: str, mend: str = "") -> None:
        """Note what came of a check."""
        self.checks.append(Check(name, finding, saw, mend))

    # What needs nothing but this machine.

    def look_at_machine(self) -> None:
        """Secrets that lie in files, and the room on the disk."""
        self.say("looking at files")
        home = self.settings.home
        open_ = [str(path) for path in _secret_files(home) if path.stat().st_mode & 0o077]
        if open_:
            mend = f"chmod 600 {' '.join(open_)}"
            self.note("secrets", Finding.FAILED, f"others can read {', '.join(open_)}", mend)
        else:
            kept = (home / "secrets").is_dir()
            where = f"in {home / 'secrets'}, for this user alone" if kept else "given by settings"
            self.note("secrets", Finding.OK, where)
        existing = next(path for path in (home, *home.parents) if path.exists())
        free = shutil.disk_usage(existing).free
        finding = (
            Finding.FAILED
            if free < _DISK_FULL
            else Finding.WARNING
            if free < _DISK_LOW
            else Finding.OK
        )
        self.note(
            "disk",
            finding,
            f"{free / _GIB:.1f} GiB free for {home}",
            "" if finding is Finding.OK else "free some, or set OFFERHUB_HOME to another disk",
        )

    # The database.

    async def look_at_database(self, pool: Pool) -> Diagnosis | None:
        """Whether it answers, its schema, its partitions."""
        self.say("looking at the database")
        began = trio.current_time()
        try:
            found = await diagnose(pool)
        except StorageUnavailable as away:
            self.note("database", Finding.FAILED, str(away), _database_mend(self.settings))
            return None
        took_ms = 1000 * (trio.current_time() - began)
        saw = f"PostgreSQL {found.version}, {found.bytes / _GIB:.2f} GiB, answered in {took_ms:.0f} ms"
        if int(found.version.split(".")[0]) < _SERVER_MIN:
            self.note("database", Finding.FAILED, saw, f"use PostgreSQL {_SERVER_MIN} or newer")
        else:
            self.note("database", Finding.OK, saw)
        if found.missing is None:
            self.note("schema", Finding.FAILED, "the database is empty", "offerhub migrate")
            return None
        if found.foreign:
            saw = f"another version made {', '.join(found.foreign)}"
            self.note("schema", Finding.FAILED, saw, "run that version, or use another database")
            return None
        if found.missing:
            saw = f"not applied: {', '.join(found.missing)}"
            self.note("schema", Finding.FAILED, saw, "offerhub migrate")
            return None
        self.note("schema", Finding.OK, "as this version knows it")
        self._look_at_partitions(found)
        return found

    def _look_at_partitions(self, found: Diagnosis) -> None:
        room = found.room or 0
        if room <= 0:
            self.note("partitions", Finding.FAILED, "no room for a commit", "offerhub run")
        elif found.detached:
            self.note(
                "partitions",
                Finding.WARNING,
                f"room for {room} more; {len(found.detached)} detached tables take space",
                "offerhub history drop --out DIR",
            )
        else:
            self.note("partitions", Finding.OK, f"room for {room} more")

    async def look_at_storage(self, storage: PostgresStorage) -> None:
        """The process, maintenance, the encryption key, unfinished work."""
        served = await storage.served()
        self.note(
            "process",
            Finding.OK if served else Finding.WARNING,
            "a process takes up commands" if served else "no process runs on this database",
            "" if served else "offerhub run",
        )
        maintenance = Maintenance.decoded(await storage.setting(SETTING))
        self.note(
            "maintenance",
            Finding.WARNING if maintenance.enabled else Finding.OK,
            f"on: {maintenance.message or 'no message'}" if maintenance.enabled else "off",
            "offerhub maintenance disable" if maintenance.enabled else "",
        )
        await self._look_at_key(storage)
        await self._look_at_operations(storage)

    async def _look_at_key(self, storage: PostgresStorage) -> None:
        encryption = self.settings.wallet_encryption
        ring = KeyRing(encryption.key, self.sources.random_bytes, encryption.old)
        mark = await storage.setting(VAULT_CHECK)
        if mark is None:
            self.note("vault key", Finding.WARNING, "nothing is sealed yet", "offerhub bootstrap")
            return
        try:
            ring.verify(mark)
        except CannotOpen:
            self.note(
                "vault key",
                Finding.FAILED,
                f"key {ring.version} is not the one that this database was begun with",
                "give the right WALLET_ENCRYPTION_KEY, or it in WALLET_ENCRYPTION_KEYS_OLD",
            )
            return
        counts = await storage.sealed_under()
        others = sum(count for version, count in counts.items() if version != ring.version)
        saw = f"key {ring.version} opens the database; {sum(counts.values())} seeds"
        if others:
            saw = f"{saw}, {others} of them sealed under another key"
            self.note("vault key", Finding.WARNING, saw, "offerhub wallets rotate-key")
        else:
            self.note("vault key", Finding.OK, saw)

    async def _look_at_operations(self, storage: PostgresStorage) -> None:
        operations = await storage.open_operations()
        unclear = [each for each in operations if each.unclear_since is not None]
        now = self.sources.now()
        saw = f"{len(operations)} open"
        if unclear:
            saw = f"{saw}, {len(unclear)} unclear"
            self.note("operations", Finding.FAILED, saw, "offerhub operations list")
        elif operations and operations[0].created_at < now - _OLD_OPERATION:
            saw = f"{saw}, the oldest since {operations[0].created_at:%Y-%m-%d %H:%M}"
            self.note("operations", Finding.WARNING, saw, "offerhub orders stuck")
        else:
            self.note("operations", Finding.OK, saw)

    # The outside.

    async def look_at_redis(self, url: str | None) -> None:
        """Whether it answers."""
        if url is None:
            self.note("redis", Finding.SKIPPED, "embedded: runs with the orchestrator")
            return
        self.say("looking at Redis")
        async with open_redis(url, prefix="offerhub:doctor:") as redis:
            up = await redis.ping()
        self.note(
            "redis",
            Finding.OK if up else Finding.WARNING,
            "answers" if up else "does not answer; nothing is lost, replays are slower",
            "" if up else "start it, or correct REDIS_URL",
        )

    async def look_at_network(self, outside: Outside) -> NetworkState | None:
        """Horizon: the right network, and both clocks."""
        self.say("looking at Horizon")
        url = self.settings.stellar.horizon_url
        try:
            with trio.fail_after(_PROBE_S):
                state = await outside.horizon.state()
        except (StellarUnavailable, trio.TooSlowError):
            if self.settings.sandbox.starts:
                saw = "the sandbox runs with the orchestrator"
                self.note("network", Finding.SKIPPED, saw, "offerhub run")
            else:
                mend = "check STELLAR_HORIZON_URL, and the server"
                self.note("network", Finding.FAILED, f"{url} does not answer", mend)
            return None
        if state.passphrase != self.settings.stellar.passphrase:
            self.note(
                "network",
                Finding.FAILED,
                f"{url} serves “{state.passphrase}”",
                "correct STELLAR_NETWORK or STELLAR_HORIZON_URL",
            )
            return None
        self.note("network", Finding.OK, f"ledger {state.latest_ledger} of {url}")
        self._look_at_clock(state.latest_closed_at)
        return state

    def _look_at_clock(self, closed_at: datetime) -> None:
        apart = abs(self.sources.now() - closed_at)
        saw = f"{apart.total_seconds():.0f} s from the newest ledger"
        if apart > _CLOCK_MAX:
            mend = "set this machine's clock (timedatectl), or use another Horizon server"
            self.note("clock", Finding.FAILED, f"{saw}: nothing is signed", mend)
        elif apart > _CLOCK_ODD:
            self.note("clock", Finding.WARNING, saw, "timedatectl")
        else:
            self.note("clock", Finding.OK, saw)

    async def look_at_provider(self) -> None:
        """Whether Trustless Work's server takes connections."""
        self.say("looking at Trustless Work")
        url = self.settings.trustless_work.url
        try:
            up = await accepts_connections(url)
        except OSError:
            up = False
        if up:
            self.note("trustless work", Finding.OK, f"{url} takes connections")
        elif self.settings.sandbox.starts:
            saw = "the sandbox runs with the orchestrator"
            self.note("trustless work", Finding.SKIPPED, saw, "offerhub run")
        else:
            saw = f"{url} takes no connection"
            self.note("trustless work", Finding.FAILED, saw, "check TRUSTLESS_API_URL")

    async def look_at_accounts(self, storage: PostgresStorage, outside: Outside) -> None:
        """The platform's wallet and the channels, by what they hold."""
        self.say("looking at the platform's accounts")
        wallets = await storage.wallets_of_platform()
        if not wallets:
            saw = "not made yet"
            self.note("platform wallet", Finding.FAILED, saw, "offerhub bootstrap")
            return
        treasury = await storage.treasury()
        held: dict[str, tuple[Money, Money | None]] = {}
        try:
            with trio.fail_after(_PROBE_S * len(wallets)):
                for wallet in wallets:
                    account = await outside.horizon.account(wallet.public_key)
                    if account is not None:
                        held[wallet.public_key] = (account.xlm_spendable, account.usdc)
        except (StellarUnavailable, trio.TooSlowError):
            self.note("platform wallet", Finding.SKIPPED, "Horizon does not answer")
            return
        for wallet in wallets:
            if wallet.role is WalletRole.PLATFORM:
                self._look_at_platform(wallet, held.get(wallet.public_key), treasury, wallets)
        self._look_at_channels([each for each in wallets if each.role is WalletRole.CHANNEL], held)

    def _look_at_platform(
        self,
        wallet: Wallet,
        held: tuple[Money, Money | None] | None,
        treasury: Treasury,
        wallets: Sequence[Wallet],
    ) -> None:
        waiting = sum(
            each.role is WalletRole.CHANNEL and each.status is not WalletStatus.ACTIVE
            for each in wallets
        )
        needed = Money(_OWN_XLM.stroops + waiting * CHANNEL_XLM.level.stroops)
        if held is None:
            mend = f"send {needed.two_places()} XLM to {wallet.public_key}"
            self.note("platform wallet", Finding.FAILED, "not on the network", mend)
            return
        xlm, usdc = held
        saw = f"{wallet.public_key}: {xlm.two_places()} XLM spendable"
        if xlm < needed:
            lacks = (needed - xlm).two_places()
            self.note(
                "platform's XLM", Finding.FAILED, saw, f"send {lacks} XLM to {wallet.public_key}"
            )
        else:
            self.note("platform's XLM", Finding.OK, saw)
        if usdc is None:
            self.note("platform's USDC", Finding.FAILED, "no trustline", "offerhub bootstrap")
            return
        lacking = treasury.owed.stroops - treasury.wallet.stroops
        saw = f"{usdc.two_places()} USDC, {treasury.owed.two_places()} owed to users"
        if lacking > 0:
            mend = f"send {Money(lacking).two_places()} USDC to {wallet.public_key}"
            self.note("platform's USDC", Finding.FAILED, saw, mend)
        else:
            self.note("platform's USDC", Finding.OK, saw)

    def _look_at_channels(
        self, channels: Sequence[Wallet], held: dict[str, tuple[Money, Money | None]]
    ) -> None:
        ready = [
            each
            for each in channels
            if each.status is WalletStatus.ACTIVE
            and each.public_key in held
            and held[each.public_key][0] >= CHANNEL_XLM.minimum
        ]
        saw = f"{len(ready)} of {len(channels)} active and filled"
        if not channels or not ready:
            self.note("channels", Finding.FAILED, saw, "offerhub bootstrap")
        elif len(ready) < len(channels):
            mend = "they are refilled as they are used; if not: offerhub bootstrap"
            self.note("channels", Finding.WARNING, saw, mend)
        else:
            self.note("channels", Finding.OK, saw)


def _secret_files(home: Path) -> list[Path]:
    """Files of secrets that this home keeps."""
    return [
        path
        for folder, pattern in ((home / "secrets", "*"), (home, "*.password"))
        if folder.is_dir()
        for path in sorted(folder.glob(pattern))
        if path.is_file()
    ]


def _database_mend(settings: Settings) -> str:
    if settings.database_url is None:
        return "see postgres.log in OFFERHUB_HOME, and start again"
    return "start it, or correct DATABASE_URL"
