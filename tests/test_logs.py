"""Logs say what happened and never a secret."""

import io
import json
import logging

import pytest
import structlog

from offerhub.logs import configure_logging
from offerhub.redaction import REDACTED, Redactor

SEED = "S" + "A2B3C4D5E6F" * 5
ADDRESS = "G" + "A2B3C4D5E6F" * 5
API_KEY = "ohk_test_0123456789abcdefghijABCDEFGHIJ-_"
WALLET_KEY = "0123456789abcdef" * 4


@pytest.fixture
def lines(monkeypatch):
    """Configure JSON logs onto a buffer; call to get the entries written so far."""
    stream = io.StringIO()
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", root.handlers)
    monkeypatch.setattr(root, "level", root.level)
    configure_logging(level="info", log_format="json", secrets=[WALLET_KEY], stream=stream)
    return lambda: [json.loads(line) for line in stream.getvalue().splitlines()]


def test_an_entry_is_one_line_of_json_with_level_and_time(lines):
    structlog.get_logger().info("order created", order_id="ord_1", amount=3)

    (entry,) = lines()
    assert entry.pop("timestamp").endswith("Z")
    assert {"event": "order created", "level": "info", "order_id": "ord_1", "amount": 3} == entry


def test_entries_below_the_level_are_not_written(lines):
    structlog.get_logger().debug("detail")

    assert [] == lines()


@pytest.mark.parametrize(
    "name",
    ["seed", "wallet_seed", "password", "api_key", "x-api-key", "Authorization", "master_key",
     "encryption_key", "token", "metrics_token", "webhook_secret"],
)  # fmt: skip
def test_a_field_named_after_a_secret_is_blank(lines, name):
    structlog.get_logger().info("x", **{name: "whatever", "nested": {name: ["whatever"]}})

    (entry,) = lines()
    assert REDACTED == entry[name]
    assert {name: REDACTED} == entry["nested"]


@pytest.mark.parametrize("name", ["key", "keys", "token_bucket", "seeds_run", "passphrase_of"])
def test_a_field_whose_name_only_resembles_one_is_shown(lines, name):
    structlog.get_logger().info("x", **{name: "shown"})

    (entry,) = lines()
    assert "shown" == entry[name]


@pytest.mark.parametrize("secret", [SEED, API_KEY, WALLET_KEY])
def test_what_looks_like_a_secret_is_blank_wherever_it_stands(lines, secret):
    structlog.get_logger().info(f"saw {secret}!", data=[{"text": f"a {secret}"}], why=secret)

    (entry,) = lines()
    assert secret not in json.dumps(entry)
    assert f"saw {REDACTED}!" == entry["event"]


def test_an_exceptions_message_and_traceback_are_redacted(lines):
    try:
        raise ValueError(SEED)
    except ValueError:
        structlog.get_logger().warning("failed", exc_info=True)

    (entry,) = lines()
    assert "ValueError" in entry["exception"]
    assert SEED not in entry["exception"]


def test_the_standard_librarys_loggers_come_out_redacted_too(lines):
    logging.getLogger("hypercorn.error").warning("with %s", API_KEY)

    (entry,) = lines()
    assert f"with {REDACTED}" == entry["event"]
    assert "hypercorn.error" == entry["logger"]


def test_accounts_transaction_hashes_and_ids_are_shown(lines):
    facts = {"address": ADDRESS, "hash": "ab" * 32, "user": "usr_0123456789abcdefghijk"}
    structlog.get_logger().info("x", **facts)

    (entry,) = lines()
    assert facts == {name: entry[name] for name in facts}


def test_the_password_of_a_url_is_blank():
    shown = Redactor().text("cannot reach postgresql://offer:hunter2@db:5432/offerhub")

    assert f"cannot reach postgresql://{REDACTED}@db:5432/offerhub" == shown


def test_bytes_are_told_by_their_length_only():
    assert "[32 bytes]" == Redactor().value(bytes(32))


def test_a_redactor_does_not_show_its_secrets():
    assert WALLET_KEY not in repr(Redactor((WALLET_KEY,)))


def test_the_console_format_is_plain_text_without_colours_where_there_is_no_terminal():
    stream = io.StringIO()
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    try:
        configure_logging(level="info", log_format="console", stream=stream)
        structlog.get_logger().info("order created", order_id="ord_1")
    finally:
        root.handlers, root.level = handlers, level

    assert "order created" in stream.getvalue()
    assert "order_id=ord_1" in stream.getvalue()
    assert "\x1b" not in stream.getvalue()
