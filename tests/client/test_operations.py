"""The client has what the API has: every operation, every code, and no part of the server."""

import importlib.util
import inspect
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import anyio
import httpx
import msgspec
import pytest

from offerhub.client import AsyncClient, Client, Retries, errors
from offerhub.client.failures import ApiError
from offerhub.client.operations import AsyncOperations, Operations
from offerhub.domain.errors import ErrorCode
from tests.client.answering import BALANCE, Answering, ok
from tests.web.running import MASTER_KEY, open_instance
from web.examples import of_resource
from web.openapi import rendered
from web.resources import Milestone
from web.routes import ROUTES

ROOT = Path(__file__).parents[2]
MILESTONE = of_resource(Milestone)
OPERATIONS: dict[str, Any] = {
    operation["operationId"]: operation
    for methods in msgspec.json.decode(rendered(ROUTES))["paths"].values()
    for operation in methods.values()
}
FOR_OTHERS = {route.operation for route in ROUTES if route.signed}
"""Webhooks: other services call them."""
FOR_BROWSERS = {"getDocs", "returnFromAirtm"}
FOR_SCRAPERS = {"getMetrics"}


def snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).lower()


def methods_of(client: type) -> set[str]:
    return {name for name in dir(client) if not name.startswith("_")}


@pytest.mark.parametrize("client", [Client, AsyncClient])
def test_there_is_one_method_per_operation(client: type) -> None:
    wanted = {snake(name) for name in OPERATIONS.keys() - FOR_OTHERS - FOR_BROWSERS - FOR_SCRAPERS}
    assert wanted == methods_of(client) - {"close", "aclose"}


def test_both_clients_take_the_same_arguments_and_give_the_same() -> None:
    for name in methods_of(Operations):
        one = inspect.signature(getattr(Operations, name))
        other = inspect.signature(getattr(AsyncOperations, name))
        assert one.parameters == other.parameters, name
        given = str(other.return_annotation).replace("AsyncPages", "Pages")
        assert str(one.return_annotation) == given, name


def test_a_method_takes_every_field_of_its_operation() -> None:
    for route in ROUTES:
        if route.operation == "streamEvents" or route.operation not in OPERATIONS:
            continue
        method = getattr(Client, snake(route.operation), None)
        if method is None:
            continue
        taken = set(inspect.signature(method).parameters)
        for schema in (route.body, route.query):
            for field in () if schema is None else schema.fields:
                assert {field.attribute, f"{snake(field.shown)}_"} & taken, route.operation
        assert ("idempotency_key" in taken) == (route.method == "POST"), route.operation
        assert ("wait" in taken) == route.long, route.operation


def test_every_code_has_a_class_that_says_what_to_do() -> None:
    for code in ErrorCode:
        named = getattr(errors, "".join(word.capitalize() for word in code.value.split("_")))
        assert ApiError.by_code[code.value] is named
        assert named.__doc__


def test_the_generated_files_are_up_to_date() -> None:
    directory = str(ROOT / "docs")
    sys.path.insert(0, directory)
    try:
        spec = importlib.util.spec_from_file_location("client_code", f"{directory}/client_code.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(directory)
    assert 0 == module.main(["--check"]), "run `make docs`"


def test_nothing_of_the_server_is_imported() -> None:
    code = (
        "import sys, offerhub.client; print([name for name in sys.modules if name.partition('.')[0]"
        " in ('web', 'actors', 'storage', 'trio', 'quart') or name.startswith('offerhub.')"
        " and not name.startswith('offerhub.client')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert "[]" == done.stdout.strip()


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_the_asynchronous_client_works_under_both_loops(backend: str) -> None:
    async def main() -> None:
        server = Answering(httpx.ReadError("gone"), ok(BALANCE))
        async with server.async_client() as client:
            assert "usr_1" == (await client.get_balance("usr_1")).user_id
        server = Answering(
            ok([MILESTONE], hasMore=True, nextCursor="c"),
            ok([MILESTONE], hasMore=False, nextCursor=None),
        )
        async with server.async_client() as client:
            found = [each.ref async for each in client.list_milestones("ord_1")]
        assert ["draft", "draft"] == found
        assert [None, "c"] == [each.url.params.get("cursor") for each in server.asked]

    anyio.run(main, backend=backend)


async def test_it_speaks_to_the_application() -> None:
    async with open_instance() as running:
        transport = httpx.ASGITransport(running.app)
        retries = Retries(pause_s=0.001, total_s=10.0)
        async with AsyncClient(
            "http://offerhub.test", MASTER_KEY, retries=retries, transport=transport
        ) as client:
            config = await client.get_config()
            assert "USDC" == config.currency
            buyer = await running.user("buyer")
            await running.deposit(buyer, "100.00")
            seller = await client.create_user(external_user_id="seller", type="SELLER")
            order = await client.create_order(
                buyer_id=buyer.id, seller_id=seller.id, amount="80.00", title="A logo"
            )
            reserved = await client.reserve_order(order.id)
            assert "FUNDS_RESERVED" == reserved.status
            with pytest.raises(errors.FundsAlreadyReserved) as refused:
                await client.reserve_order(order.id)
            assert order.id == refused.value.details["orderId"]
            assert "80.00" == str((await client.get_balance(buyer.id)).reserved)
            assert [order.id] == [each.id async for each in client.list_orders(buyer_id=buyer.id)]
            transfers = [each.kind async for each in client.list_transfers(buyer.id, limit=1)]
            assert 2 == len(transfers)
            events = [each.event_type async for each in client.list_order_events(order.id)]
            assert "order.created" == events[-1]
            spec = await client.get_openapi()
            assert "3.1.0" == spec["openapi"]


def test_the_page_of_the_client_names_only_what_there_is() -> None:
    """The blocks run against a real process in `tests/end_to_end`; here they compile."""
    text = (ROOT / "docs/python-client.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert len(blocks) > 4
    for block in blocks:
        compile(block, "docs/python-client.md", "exec")
