"""Settings are read once, validated together, and say everything that is wrong in one message."""

import hashlib
from ipaddress import ip_network
from pathlib import Path

import pytest

from offerhub.domain.fees import FeePolicy
from offerhub.domain.money import Money
from offerhub.sandbox import constants
from offerhub.settings import SettingsError, load_settings

MASTER_KEY = "ohk_test_" + "m" * 32
WALLET_KEY = "ab" * 32
FACTORY = "CAZZOSFFNQQSDOLPPGN5BDITMNSLZITXW4S7V5ISM5EAB2THBD7F2AHR"
TESTNET = {
    "STELLAR_NETWORK": "testnet",
    "TRUSTLESS_API_KEY": "id.trustless-secret",
    "TRUSTLESS_FACTORY": FACTORY,
    "TRUSTLESS_WASM_HASH": "56" * 32,
}
MAINNET = {
    **TESTNET,
    "STELLAR_NETWORK": "mainnet",
    "STELLAR_HORIZON_URL": "https://horizon.example",
    "OFFERHUB_ENV": "production",
    "OFFERHUB_MASTER_KEY": MASTER_KEY,
    "WALLET_ENCRYPTION_KEY": WALLET_KEY,
}


class Numbered:
    """Random bytes that a test can foresee."""

    def __init__(self):
        self._calls = 0

    def __call__(self, count):
        self._calls += 1
        return hashlib.shake_128(str(self._calls).encode()).digest(count)


@pytest.fixture
def load(tmp_path):
    """Load settings from the given variables, in a directory of the test's own."""

    def load_from(environ=None, **variables):
        return load_settings(
            variables if environ is None else environ, tmp_path, random_bytes=Numbered()
        )

    return load_from


@pytest.fixture
def faults(load):
    """The faults that the given variables have."""

    def faults_of(environ=None, **variables):
        with pytest.raises(SettingsError) as caught:
            load(environ, **variables)
        return list(caught.value.faults)

    return faults_of


# ------------------------------------------------------------------ defaults


def test_without_any_variable_everything_is_embedded_and_on_the_sandbox(load, tmp_path):
    settings = load()

    assert "development" == settings.environment
    assert tmp_path / ".offerhub" == settings.home
    assert (None, None) == (settings.database_url, settings.redis_url)
    assert ("127.0.0.1", 4000) == (settings.http.host, settings.http.port)
    assert "http://127.0.0.1:4000" == settings.http.public_base_url
    assert ("info", "console") == (settings.logs.level, settings.logs.format)
    assert "crypto" == settings.payment_provider
    assert (True, 4010, 1.0) == (
        settings.sandbox.starts,
        settings.sandbox.port,
        settings.sandbox.ledger_s,
    )
    assert "http://127.0.0.1:4010" == settings.stellar.horizon_url == settings.trustless_work.url
    assert constants.SANDBOX_PASSPHRASE == settings.stellar.passphrase
    assert constants.ISSUER_ADDRESS == settings.stellar.usdc_issuer
    assert constants.FACTORY_CONTRACT_ID == settings.trustless_work.factory
    assert constants.ESCROW_WASM_HASH == settings.trustless_work.wasm_hash
    assert constants.FEE_ADDRESS == settings.trustless_work.fee_address
    assert constants.TRUSTLESS_WORK_API_KEY == settings.trustless_work.api_key
    assert (None, None) == (settings.platform_user_id, settings.failpoint)


def test_amounts_and_times_have_the_documented_defaults(load):
    settings = load()

    chain, limits = settings.chain, settings.limits
    assert 4 == chain.channel_accounts
    assert (Money(20_000_000), Money(5_000_000)) == (chain.wallet_xlm_float, chain.wallet_xlm_min)
    assert (Money(20_000_000), 3600, 5) == (chain.fee_max, chain.tx_lifetime_max_s, chain.attempts)
    assert (60, 60, 3600) == (chain.wait_s, chain.settlement_s, chain.reconcile_s)
    assert 60.0 == settings.trustless_work.timeout_s
    assert 6000 == settings.http.rate_limit_per_minute
    for found, low, high in (
        (limits.order, "0.01", "1000000.00"),
        (limits.topup, "1.00", "10000.00"),
        (limits.withdrawal, "0.01", "1000000.00"),
    ):
        assert (Money.parse(low), Money.parse(high)) == (found.minimum, found.maximum)


def test_the_sandbox_has_no_rate_limits_and_the_real_providers_have_theirs(load):
    sandbox, testnet = load(), load(TESTNET.copy())

    assert (0, 0) == (sandbox.stellar.rate_per_hour, sandbox.trustless_work.rate_per_minute)
    assert (3600, 50) == (testnet.stellar.rate_per_hour, testnet.trustless_work.rate_per_minute)


def test_testnet_brings_its_own_addresses(load):
    settings = load(TESTNET.copy())

    assert "Test SDF Network ; September 2015" == settings.stellar.passphrase
    assert "https://horizon-testnet.stellar.org" == settings.stellar.horizon_url
    assert "https://dev.api.trustlesswork.com" == settings.trustless_work.url
    assert settings.stellar.usdc_issuer.startswith("GBBD47IF")
    assert (settings.trustless_work.fee_address or "").startswith("GA6KH5VW")
    assert not settings.sandbox.starts


def test_mainnet_brings_its_own_addresses_and_names_no_fee_address(load):
    settings = load(MAINNET.copy())

    assert "Public Global Stellar Network ; September 2015" == settings.stellar.passphrase
    assert "https://api.trustlesswork.com" == settings.trustless_work.url
    assert settings.stellar.usdc_issuer.startswith("GA5ZSEJY")
    assert settings.trustless_work.fee_address is None


def test_production_logs_json_unless_told_otherwise(load):
    assert "json" == load(MAINNET.copy()).logs.format
    assert "console" == load(MAINNET | {"LOG_FORMAT": "console"}).logs.format


def test_a_horizon_that_is_named_means_that_the_sandbox_runs_elsewhere(load):
    settings = load(STELLAR_HORIZON_URL="http://127.0.0.1:5010/")

    assert not settings.sandbox.starts
    assert "http://127.0.0.1:5010" == settings.stellar.horizon_url == settings.trustless_work.url


def test_the_sandboxs_port_is_where_its_faces_are_looked_for(load):
    settings = load(SANDBOX_PORT="5011", SANDBOX_LEDGER_SECONDS="0.05")

    assert "http://127.0.0.1:5011" == settings.stellar.horizon_url == settings.trustless_work.url
    assert 0.05 == settings.sandbox.ledger_s


def test_values_given_are_taken(load):
    settings = load(
        HOST="::1",
        PORT="5000",
        TRUSTED_PROXIES="10.0.0.0/8, ::1",
        RATE_LIMIT_PER_MINUTE="0",
        PLATFORM_FEE_PERCENT="2.5",
        FEE_POLICY="payee",
        WALLET_XLM_FLOAT="3.0000001",
        ORDER_MIN="5.00",
        CHAIN_WAIT_SECONDS="0.5",
        METRICS_BIND="127.0.0.1:9100",
        LOG_LEVEL="DEBUG",
        DATABASE_URL="postgresql://offer@db/offerhub",
        REDIS_URL="rediss://cache:6379/0",
        OFFERHUB_FAILPOINT="submit.after",
    )

    assert "http://[::1]:5000" == settings.http.public_base_url
    assert (ip_network("10.0.0.0/8"), ip_network("::1")) == settings.http.trusted_proxies
    assert 0 == settings.http.rate_limit_per_minute
    assert (250, FeePolicy.PAYEE) == (settings.fees.platform_fee_bps, settings.fees.policy)
    assert Money(30_000_001) == settings.chain.wallet_xlm_float
    assert Money.parse("5.00") == settings.limits.order.minimum
    assert 0.5 == settings.chain.wait_s
    assert "127.0.0.1:9100" == settings.metrics.bind
    assert "debug" == settings.logs.level
    assert "postgresql://offer@db/offerhub" == settings.database_url
    assert "rediss://cache:6379/0" == settings.redis_url
    assert "submit.after" == settings.failpoint


# ------------------------------------------------------------------ where values come from


def test_a_dotenv_file_is_read_and_the_environment_wins(load, tmp_path):
    (tmp_path / ".env").write_text("PORT=5001\nSANDBOX_PORT=5002\n# PORT=1\n", encoding="utf-8")

    settings = load(PORT="5003")

    assert (5003, 5002) == (settings.http.port, settings.sandbox.port)


def test_a_dollar_in_a_dotenv_file_is_a_dollar(load, tmp_path):
    key = "ohk_test_" + "${PATH}" + "k" * 32
    (tmp_path / ".env").write_text(f"OFFERHUB_MASTER_KEY={key}\n", encoding="utf-8")

    assert key == load().master_key


def test_a_dotenv_file_that_is_no_text_is_a_fault(faults, tmp_path):
    (tmp_path / ".env").write_bytes(b"\xff\xfe\x00")

    assert [".env cannot be read: UnicodeDecodeError"] == faults()


def test_an_empty_value_counts_as_not_given(load):
    settings = load(PORT="", STELLAR_HORIZON_URL=" ", OFFERHUB_MASTER_KEY="")

    assert 4000 == settings.http.port
    assert settings.sandbox.starts
    assert settings.master_key.startswith("ohk_test_")


def test_a_secret_can_stand_in_a_file(load, tmp_path):
    (tmp_path / "key").write_text(MASTER_KEY + "\n", encoding="ascii")

    assert MASTER_KEY == load(OFFERHUB_MASTER_KEY_FILE=str(tmp_path / "key")).master_key


def test_a_secret_of_the_environment_wins_over_a_file_named_in_dotenv(load, tmp_path):
    (tmp_path / ".env").write_text("OFFERHUB_MASTER_KEY_FILE=/nowhere\n", encoding="utf-8")

    assert MASTER_KEY == load(OFFERHUB_MASTER_KEY=MASTER_KEY).master_key


def test_a_secret_given_twice_in_one_place_is_a_fault(faults, tmp_path):
    (tmp_path / "key").write_text(MASTER_KEY, encoding="ascii")

    assert ["OFFERHUB_MASTER_KEY and OFFERHUB_MASTER_KEY_FILE are both set"] == faults(
        OFFERHUB_MASTER_KEY=MASTER_KEY, OFFERHUB_MASTER_KEY_FILE=str(tmp_path / "key")
    )


def test_a_secrets_file_that_is_not_there_or_empty_is_a_fault(faults, tmp_path):
    (tmp_path / "empty").touch()

    missing, empty = faults(
        OFFERHUB_MASTER_KEY_FILE=str(tmp_path / "missing"),
        TRUSTLESS_API_KEY_FILE=str(tmp_path / "empty"),
    )
    assert "OFFERHUB_MASTER_KEY_FILE points to" in missing
    assert "No such file" in missing
    assert "TRUSTLESS_API_KEY_FILE points to" in empty
    assert empty.endswith("which is empty")


# ------------------------------------------------------------------ secrets

SECRETS = {
    "OFFERHUB_MASTER_KEY": MASTER_KEY,
    "WALLET_ENCRYPTION_KEY": WALLET_KEY,
    "WALLET_ENCRYPTION_KEYS_OLD": "cd" * 32 + "," + "ef" * 32,
    "TRUSTLESS_API_KEY": "id.trustless-api-secret",
    "TRUSTLESS_WEBHOOK_SECRET": "trustless-webhook-secret",
    "AIRTM_API_KEY": "airtm-api-key",
    "AIRTM_API_SECRET": "airtm-api-secret",
    "AIRTM_WEBHOOK_SECRET": "airtm-webhook-secret",
    "METRICS_TOKEN": "metrics-token-secret",
    "DATABASE_URL": "postgresql://offer:database-password@db/offerhub",
    "REDIS_URL": "redis://:redis-password@cache/0",
}


def test_secrets_are_removed_from_the_environment_and_the_rest_stays(load):
    environ = {**SECRETS, "PORT": "5000", "PATH": "/bin"}

    load(environ)

    assert {"PORT": "5000", "PATH": "/bin"} == environ


def test_secrets_are_removed_even_if_the_settings_are_faulty(load):
    environ = {**SECRETS, "PORT": "none"}

    with pytest.raises(SettingsError):
        load(environ)

    assert {"PORT": "none"} == environ


def test_no_secret_shows_in_a_repr(load):
    shown = repr(load(SECRETS.copy()))

    for part in ",".join(SECRETS.values()).split(","):
        assert part not in shown
    assert repr(bytes.fromhex(WALLET_KEY)) not in shown


def test_a_fault_does_not_quote_the_secret(faults):
    shown = str(
        SettingsError(
            faults(
                OFFERHUB_MASTER_KEY="too-short-secret",
                WALLET_ENCRYPTION_KEY="no-hex-secret",
                WALLET_ENCRYPTION_KEYS_OLD="old-secret",
                DATABASE_URL="mysql://secret",
            )
        )
    )

    for name in ("MASTER_KEY", "WALLET_ENCRYPTION_KEY ", "KEYS_OLD", "DATABASE_URL"):
        assert name in shown
    assert "secret" not in shown


def test_every_secret_is_told_to_the_logs_redaction(load):
    settings = load(SECRETS.copy())

    expected = {part for secret in SECRETS.values() for part in secret.split(",")}
    assert expected == set(settings.secret_values())


def test_development_makes_its_secrets_once_and_keeps_them(load):
    first, second = load(), load()

    assert first.master_key.startswith("ohk_test_")
    assert 32 == len(first.master_key.removeprefix("ohk_test_")) == len(first.wallet_encryption.key)
    assert first == second


def test_a_secret_that_is_given_is_not_made(load, tmp_path):
    load(OFFERHUB_MASTER_KEY=MASTER_KEY, WALLET_ENCRYPTION_KEY=WALLET_KEY)

    assert not (tmp_path / ".offerhub").exists()


def test_faulty_settings_make_no_secret(faults, tmp_path):
    faults(PORT="none")

    assert not (tmp_path / ".offerhub").exists()


def test_a_damaged_secret_that_was_kept_stops_the_start(load, faults, tmp_path):
    load()
    (tmp_path / ".offerhub/secrets/wallet_encryption_key").write_text("abc\n", encoding="ascii")

    (fault,) = faults()
    assert fault.endswith("is damaged")


def test_a_home_in_which_nothing_can_be_kept_stops_the_start(faults, tmp_path):
    (tmp_path / "home").touch()

    (fault,) = faults(OFFERHUB_HOME="home")
    assert f"cannot store secrets below OFFERHUB_HOME={tmp_path / 'home'}: Not a directory" == fault


@pytest.mark.parametrize("environment", ["staging", "production"])
def test_outside_development_secrets_are_required(faults, environment):
    assert [
        f"OFFERHUB_MASTER_KEY is required when OFFERHUB_ENV={environment}",
        f"WALLET_ENCRYPTION_KEY is required when OFFERHUB_ENV={environment}",
    ] == faults(OFFERHUB_ENV=environment)


# ------------------------------------------------------------------ faults


def test_one_message_names_every_fault(faults):
    found = faults(
        PORT="eighty", ORDER_MIN="5", LOG_LEVEL="loud", STELLAR_USDC_ISSUER="GABC", HOST="a b"
    )

    assert 5 == len(found)
    message = str(SettingsError(found))
    for name in ("PORT", "ORDER_MIN", "LOG_LEVEL", "STELLAR_USDC_ISSUER", "HOST"):
        assert f"\n  - {name} must " in message


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "65536"), ("PORT", "-1"), ("PORT", "٤"), ("SANDBOX_PORT", "0"),
        ("RATE_LIMIT_PER_MINUTE", "1.5"), ("SANDBOX_LEDGER_SECONDS", "0"),
        ("SANDBOX_LEDGER_SECONDS", "nan"), ("CHAIN_WAIT_SECONDS", "1e3"),
        ("PLATFORM_FEE_PERCENT", "99.01"), ("PLATFORM_FEE_PERCENT", "1.234"),
        ("PLATFORM_FEE_PERCENT", "-1"), ("ORDER_MIN", "0.00"), ("ORDER_MAX", "1,00"),
        ("WALLET_XLM_FLOAT", "2.00000001"), ("WALLET_XLM_MIN", "0"), ("CHANNEL_ACCOUNTS", "0"),
        ("STELLAR_HORIZON_URL", "ftp://horizon"), ("STELLAR_HORIZON_URL", "http://u:p@horizon"),
        ("TRUSTLESS_API_URL", "trustless"), ("TRUSTLESS_FACTORY", "GABC"),
        ("TRUSTLESS_WASM_HASH", "12"), ("TRUSTLESS_FEE_ADDRESS", FACTORY),
        ("PUBLIC_BASE_URL", "http://host:port"), ("TRUSTED_PROXIES", "10.0.0.0/99"),
        ("PLATFORM_USER_ID", "ord_0123456789abcdefghijk"), ("METRICS_BIND", "9100"),
        ("OFFERHUB_ENV", "prod"), ("STELLAR_NETWORK", "public"), ("AIRTM_ENV", "live"),
        ("AIRTM_CHECKOUT_URL_TEMPLATE", "https://x/"), ("FEE_POLICY", "buyer"),
        ("STELLAR_USDC_ASSET_CODE", "US-D"), ("LOG_FORMAT", "xml"),
    ],
)  # fmt: skip
def test_a_value_that_cannot_be_is_a_fault_that_names_it(faults, name, value):
    (fault,) = faults({name: value})

    assert fault.startswith(f"{name} must ")
    assert fault.endswith(f"not {value!r}")


def test_what_this_version_cannot_do_stops_the_start_clearly(faults):
    assert [
        "PAYMENT_PROVIDER=airtm is not available in this version: use crypto",
    ] == faults(PAYMENT_PROVIDER="airtm")


def test_mainnet_is_not_for_development(faults):
    variables = {**MAINNET, "OFFERHUB_ENV": "development"}

    assert ["STELLAR_NETWORK=mainnet requires OFFERHUB_ENV=staging or production"] == faults(
        variables
    )


def test_real_networks_require_the_providers_key_and_contracts(faults):
    assert [
        f"{name} is required when STELLAR_NETWORK=testnet"
        for name in ("TRUSTLESS_API_KEY", "TRUSTLESS_FACTORY", "TRUSTLESS_WASM_HASH")
    ] == faults(STELLAR_NETWORK="testnet")


def test_mainnet_has_no_horizon_to_trust_by_default(faults):
    variables = MAINNET.copy()
    del variables["STELLAR_HORIZON_URL"]

    (fault,) = faults(variables)
    assert fault.startswith("STELLAR_HORIZON_URL is required when STELLAR_NETWORK=mainnet")


def test_mainnet_is_reached_over_tls_unless_on_this_machine(load, faults):
    plain = MAINNET | {"STELLAR_HORIZON_URL": "http://horizon.example"}
    local = MAINNET | {"STELLAR_HORIZON_URL": "http://127.0.0.1:8000"}

    assert ["STELLAR_HORIZON_URL must start with https:// on mainnet"] == faults(plain)
    assert "http://127.0.0.1:8000" == load(local).stellar.horizon_url


def test_a_fee_address_on_mainnet_is_a_fault(faults):
    (fault,) = faults(MAINNET | {"TRUSTLESS_FEE_ADDRESS": constants.FEE_ADDRESS})

    assert fault.startswith("TRUSTLESS_FEE_ADDRESS must not be set on mainnet")


@pytest.mark.parametrize("name", ["production", "prod"])
def test_airtms_production_does_not_go_with_the_sandbox(faults, name):
    assert ["AIRTM_ENV=production cannot be combined with STELLAR_NETWORK=sandbox"] == faults(
        AIRTM_ENV=name
    )


def test_airtms_addresses_follow_its_environment(load):
    assert "https://api.stg.enterprise.airtm.com/v2" == load(TESTNET.copy()).airtm.url
    production = load(TESTNET | {"AIRTM_ENV": "prod"}).airtm
    assert "production" == production.environment
    assert "https://api.enterprise.airtm.com/v2" == production.url
    assert "https://api.enterprise.airtm.com/payin/{id}" == production.checkout_url_template


def test_limits_that_contradict_each_other_are_faults(faults):
    assert [
        "WITHDRAWAL_MIN must not exceed WITHDRAWAL_MAX",
        "WALLET_XLM_MIN must not exceed WALLET_XLM_FLOAT",
        "PORT and SANDBOX_PORT must differ",
    ] == faults(WITHDRAWAL_MIN="2.00", WITHDRAWAL_MAX="1.00", WALLET_XLM_MIN="3", PORT="4010")


def test_a_failpoint_is_for_development_on_the_sandbox_only(faults):
    expected = [
        "OFFERHUB_FAILPOINT is for tests: it needs OFFERHUB_ENV=development and STELLAR_NETWORK=sandbox"
    ]

    assert expected == faults({**TESTNET, "OFFERHUB_FAILPOINT": "x"})
    secrets = {"OFFERHUB_MASTER_KEY": MASTER_KEY, "WALLET_ENCRYPTION_KEY": WALLET_KEY}
    assert expected == faults({**secrets, "OFFERHUB_ENV": "staging", "OFFERHUB_FAILPOINT": "x"})


def test_the_documentation_names_every_variable(tmp_path):
    class Noting(dict):
        """An environment that remembers what it was asked for."""

        def __init__(self):
            super().__init__()
            self.asked = set()

        def get(self, name, default=None):
            self.asked.add(name.removesuffix("_FILE"))
            return super().get(name, default)

    environ = Noting()
    load_settings(environ, tmp_path, random_bytes=Numbered())

    documented = (Path(__file__).parents[1] / "docs/settings.md").read_text(encoding="utf-8")
    assert environ.asked == {name for name in environ.asked if f"`{name}`" in documented}
    assert len(environ.asked) > 50
