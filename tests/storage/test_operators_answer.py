"""An operator's answer for an unclear operation: stored once, by the command line, with its audit entry."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from offerhub.cli.operations import store_answer
from offerhub.composition.work import Sources
from offerhub.domain.chain import ChainOperation, ChainStatus
from offerhub.domain.resolutions import Outcome, Resolution, resolution_key
from storage.port import Storage
from tests.storage.units import Hands

OURS, EARLIER, FOREIGN = "aa" * 32, "bb" * 32, "cc" * 32
SOURCES = Sources(
    now=lambda: datetime(2026, 11, 22, tzinfo=UTC), random_bytes=bytes, random=lambda: 0.5
)


async def unclear(storage: Storage, hands: Hands, **fields: Any) -> ChainOperation:
    earlier = hands.operation(
        tx_hash=EARLIER, status=ChainStatus.EXPIRED, envelope="AAAA", subject_id="wd_1"
    )
    given = {
        "tx_hash": OURS,
        "status": ChainStatus.SUBMITTED,
        "envelope": "AAAA",
        "attempt": 2,
        "subject_id": "wd_1",
        "unclear_since": hands.now,
    }
    operation = hands.operation(**(given | fields))
    await storage.commit([hands.unit(writes=(earlier, operation))])
    return operation


@pytest.mark.parametrize("tx_hash", [OURS, EARLIER, None])
async def test_an_answer_is_stored_and_audited_once(
    storage: Storage, hands: Hands, tx_hash: str | None, capsys: Any
) -> None:
    operation = await unclear(storage, hands)
    outcome = Outcome.NOT_INCLUDED if tx_hash is None else Outcome.INCLUDED
    answer = Resolution(outcome, tx_hash, "root")
    await store_answer(storage, operation.id, answer, SOURCES)
    stored = await storage.setting(resolution_key(operation.id))
    assert stored is not None
    assert Resolution.decoded(stored) == answer
    entries = [json.loads(entry.canonical) for entry in await storage.audit_after(0, 100)]
    (entry,) = [each for each in entries if each["action"] == "operation.resolve"]
    assert entry["actor"] == "cli:root"
    assert entry["after"] == {"outcome": outcome.value, "transactionHash": tx_hash}
    with pytest.raises(SystemExit):
        await store_answer(
            storage, operation.id, Resolution(Outcome.NOT_INCLUDED, None, "x"), SOURCES
        )
    assert "already been answered" in capsys.readouterr().err
    assert await storage.setting(resolution_key(operation.id)) == stored


@pytest.mark.parametrize(
    ("fields", "tx_hash"),
    [
        ({"unclear_since": None}, OURS),
        ({"status": ChainStatus.CONFIRMED}, OURS),
        ({}, FOREIGN),
    ],
)
async def test_no_answer_is_taken_for_what_nobody_asks_about(
    storage: Storage, hands: Hands, fields: dict[str, Any], tx_hash: str
) -> None:
    operation = await unclear(storage, hands, **fields)
    with pytest.raises(SystemExit):
        await store_answer(
            storage, operation.id, Resolution(Outcome.INCLUDED, tx_hash, "root"), SOURCES
        )
    assert await storage.setting(resolution_key(operation.id)) is None
