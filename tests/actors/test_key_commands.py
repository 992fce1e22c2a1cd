"""Keys that the command line makes: nothing that is stored holds their text."""

from trio.testing import MockClock

from actors.key_commands import CREATE, REVOKE, TOKEN
from actors.keys import new_key, new_token, secret_of
from offerhub.domain.operator_command import CommandState, OperatorCommand
from storage.codec import encode
from tests.actors.commanding import command
from tests.actors.purchase import open_market
from tests.simulation.world import bytes_from


async def test_no_text_of_a_key_is_stored_and_the_audit_says_who_made_it(
    autojump_clock: MockClock,
) -> None:
    random_bytes = bytes_from("keys")
    text, token = new_key(random_bytes, live=True), new_token(random_bytes)
    assert text.startswith("ohk_live_")
    async with open_market() as market:
        secret, of_token = secret_of(text), secret_of(token)
        kept = {"digest": secret.digest.hex(), "masked": secret.masked}
        asked = {"name": "a key", "scopes": ["read"], **kept}
        made = await command(market.storage, CREATE, asked)
        assert made.result is not None
        key_id = made.result["id"]
        kept = {"digest": of_token.digest.hex(), "masked": of_token.masked}
        made = await command(market.storage, TOKEN, {"keyId": key_id, "ttl": 60, **kept})
        assert CommandState.DONE is made.state
        ring = market.machine.system.api_keys
        known = await ring.find(secret.digest, token=False)
        assert known is not None
        assert key_id == known.key.id
        assert await ring.find(of_token.digest, token=True) is not None
        await command(market.storage, REVOKE, {"keyId": key_id})
        assert ring.get(secret.digest) is None
        rows = market.universe.database.tables.of(OperatorCommand).rows.values()
        stored = [encode(row) for row in rows]
        entries = await market.audit("api_key.create", "api_key.token", "api_key.revoke")
        assert ["cli:root"] * 3 == [entry["actor"] for entry in entries]
        for secret_text in (text, token):
            assert secret_text not in f"{stored} {entries}"


async def test_what_is_no_key_is_refused(autojump_clock: MockClock) -> None:
    async with open_market() as market:
        kept = {"digest": "00" * 32, "masked": "x"}
        asked = (
            (CREATE, {"name": "x", "scopes": ["fly"], **kept}),
            (CREATE, {"name": "x", "scopes": [], **kept}),
            (CREATE, {"name": "x", "scopes": ["read"], "expiresAt": "2020-01-01T00:00Z", **kept}),
            (TOKEN, {"keyId": "key_x", "ttl": 86_401, **kept}),
        )
        for kind, arguments in asked:
            refused = await command(market.storage, kind, arguments)
            assert refused.refusal is not None
            assert "VALIDATION_ERROR" == refused.refusal.code
