"""`offerhub doctor`: what it sees of a healthy instance, and that it names what mends a sick one."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from offerhub import app
from offerhub.cli import exits
from offerhub.cli.checks import Check, Doctor, Finding
from offerhub.domain.money import Money
from offerhub.domain.treasury import OWED, Treasury
from offerhub.domain.users import SealedSeed, Wallet, WalletRole, WalletStatus
from offerhub.providers.stellar.port import AccountState, NetworkState, StellarUnavailable
from offerhub.settings import load_settings
from storage.postgres.diagnosis import Diagnosis
from tests.cli.calling import Called, Instance, own_instance

pytestmark = pytest.mark.timeout(300)

NOW = datetime(2026, 11, 25, tzinfo=UTC)


@pytest.fixture(scope="module")
def instance() -> Iterator[Instance]:
    with own_instance() as made:
        yield made


def findings(called: Called) -> dict[str, dict[str, str]]:
    return {row["name"]: row for row in called.json}


def test_it_finds_a_new_home_empty_and_a_running_instance_well(instance: Instance) -> None:
    fresh = instance.call("doctor", "--json")
    assert exits.REFUSED == fresh.status
    assert "offerhub migrate" == findings(fresh)["schema"]["mend"]
    listed = instance.call("orders", "list")
    assert (exits.CANNOT_START, True) == (listed.status, "offerhub migrate" in listed.err)
    migrated = instance.call("migrate", "--json")
    assert (exits.DONE, True) == (migrated.status, bool(migrated.json["applied"]))
    assert [] == instance.call("orders", "list", "--json").json
    with instance.running():
        bootstrapped = instance.call("bootstrap")
        assert exits.DONE == bootstrapped.status, bootstrapped.err
        well = instance.call("doctor", "--json")
        found = findings(well)
        assert {} == {name: row for name, row in found.items() if row["finding"] != "ok"}
        assert {
            "settings",
            "secrets",
            "disk",
            "database",
            "schema",
            "partitions",
            "process",
            "vault key",
            "redis",
            "network",
            "clock",
            "trustless work",
            "platform's XLM",
            "platform's USDC",
            "channels",
            "operations",
            "maintenance",
        } == set(found)
        assert exits.DONE == well.status
        (instance.home / "secrets" / "master_key").chmod(0o644)
        open_ = instance.call("doctor", "--json", WALLET_ENCRYPTION_KEY="ab" * 32)
        assert exits.REFUSED == open_.status
        assert findings(open_)["secrets"]["mend"].startswith("chmod 600 ")
        assert "WALLET_ENCRYPTION_KEYS_OLD" in findings(open_)["vault key"]["mend"]
    stopped = findings(instance.call("doctor", "--json"))
    assert "offerhub run" == stopped["process"]["mend"]
    assert "skipped" == stopped["network"]["finding"] == stopped["redis"]["finding"]


def test_faults_of_the_settings_are_all_named(instance: Instance) -> None:
    sick = instance.call("doctor", "--json", PORT="x", CHANNEL_ACCOUNTS="-1")
    assert exits.REFUSED == sick.status
    assert ["failed", "failed"] == [row["finding"] for row in sick.json]


def test_a_database_that_is_away_is_one_failed_check(instance: Instance) -> None:
    away = findings(instance.call("doctor", "--json", DATABASE_URL="postgresql://x@127.0.0.1:1/x"))
    assert "failed" == away["database"]["finding"]
    assert "DATABASE_URL" in away["database"]["mend"]


# Each check by itself, on what a healthy instance never shows.


class Outside:
    """A network that is as a test says."""

    def __init__(self, **state: Any) -> None:
        given: dict[str, Any] = {
            "passphrase": "",
            "latest_ledger": 9,
            "elder_ledger": 1,
            "latest_closed_at": NOW,
        }
        self._state = NetworkState(**(given | state))
        self.accounts: dict[str, AccountState] = {}
        self.away = False

    @property
    def horizon(self) -> "Outside":
        return self

    async def state(self) -> NetworkState:
        if self.away:
            raise StellarUnavailable("away")
        return self._state

    async def account(self, address: str) -> AccountState | None:
        return self.accounts.get(address)


class Stored:
    def __init__(self, wallets: list[Wallet], owed: str = "0.00") -> None:
        self._wallets = wallets
        self._owed = Money.parse(owed) if owed != "0.00" else Money.zero()

    async def wallets_of_platform(self) -> list[Wallet]:
        return self._wallets

    async def treasury(self) -> Treasury:
        return Treasury({OWED: self._owed.stroops})


@pytest.fixture
def doctor(tmp_path: Path) -> Doctor:
    settings = load_settings({"OFFERHUB_HOME": str(tmp_path)}, tmp_path, lambda n: b"\x01" * n)
    sources = evolve(app.real_sources(), now=lambda: NOW)
    return Doctor(settings, sources, lambda _: None)


def only(doctor: Doctor, name: str) -> Check:
    (found,) = [check for check in doctor.checks if check.name == name]
    return found


@pytest.mark.parametrize(
    ("found", "name", "mend"),
    [
        (Diagnosis("13.4", 1, (), (), 5, ()), "database", "PostgreSQL 14"),
        (Diagnosis("16.1", 1, None, (), None, ()), "schema", "offerhub migrate"),
        (Diagnosis("16.1", 1, ("second",), (), 5, ()), "schema", "offerhub migrate"),
        (Diagnosis("16.1", 1, (), ("other",), 5, ()), "schema", "another database"),
        (Diagnosis("16.1", 1, (), (), 0, ()), "partitions", "offerhub run"),
        (Diagnosis("16.1", 1, (), (), 5, ("events_from_000000000001",)), "partitions", "drop"),
    ],
)
async def test_a_sick_database_is_named_with_what_mends_it(
    doctor: Doctor, monkeypatch: pytest.MonkeyPatch, found: Diagnosis, name: str, mend: str
) -> None:
    async def diagnose(_pool: object) -> Diagnosis:
        return found

    monkeypatch.setattr("offerhub.cli.checks.diagnose", diagnose)
    pool: Any = None
    await doctor.look_at_database(pool)
    check = only(doctor, name)
    assert check.finding in {Finding.FAILED, Finding.WARNING}
    assert mend in check.mend


@pytest.mark.parametrize(
    ("apart", "finding"),
    [(timedelta(minutes=6), Finding.FAILED), (timedelta(minutes=1), Finding.WARNING)],
)
async def test_a_clock_that_is_off_is_told(
    doctor: Doctor, apart: timedelta, finding: Finding
) -> None:
    passphrase = doctor.settings.stellar.passphrase
    outside: Any = Outside(passphrase=passphrase, latest_closed_at=NOW - apart)
    await doctor.look_at_network(outside)
    assert finding is only(doctor, "clock").finding


async def test_another_network_s_server_is_told(doctor: Doctor) -> None:
    outside: Any = Outside(passphrase="Another Network")
    assert await doctor.look_at_network(outside) is None
    assert "STELLAR_HORIZON_URL" in only(doctor, "network").mend


def wallet(name: str, role: WalletRole) -> Wallet:
    seed = SealedSeed("1", b"", b"")
    return Wallet(name, 1, "usr_p", role, f"G{name}", seed, WalletStatus.ACTIVE, NOW, NOW)


async def test_what_the_platform_lacks_is_named_to_the_coin(doctor: Doctor) -> None:
    outside: Any = Outside()
    stored: Any = Stored(
        [wallet("P", WalletRole.PLATFORM), wallet("C", WalletRole.CHANNEL)], owed="30.00"
    )
    await doctor.look_at_accounts(stored, outside)
    assert "send 15.00 XLM to GP" == only(doctor, "platform wallet").mend
    doctor.checks.clear()
    five = Money.from_decimal_string("5")
    outside.accounts["GP"] = AccountState("GP", 1, five, five, Money.parse("2.00"))
    await doctor.look_at_accounts(stored, outside)
    assert "send 10.00 XLM to GP" == only(doctor, "platform's XLM").mend
    assert "send 30.00 USDC to GP" == only(doctor, "platform's USDC").mend
    assert "offerhub bootstrap" == only(doctor, "channels").mend
