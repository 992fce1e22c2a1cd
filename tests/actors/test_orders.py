"""Orders: what each command does and refuses, also while work on the chain runs."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import trio
from attrs import evolve

from actors.kernel import ActorCrashed
from actors.messages import CancelOrder, RequestRefund
from offerhub.domain.errors import DomainError, ErrorCode
from offerhub.domain.money import Money
from offerhub.domain.order import EscrowStatus, Milestone, Order, OrderStatus, Outcome
from offerhub.domain.order_transitions import Progress
from offerhub.domain.unit_of_work import IdempotencyState, UnitOfWork
from offerhub.providers.trustless_work.client import TrustlessWorkClient
from offerhub.providers.trustless_work.port import EscrowRefused
from offerhub.providers.trustless_work.refusals import RefusalKind
from offerhub.sandbox.fault_plan import FaultKind
from tests.actors.purchase import BUILD, SUBMIT, Market, failing_at, open_market
from web.answers import read_text
from web.statuses import STATUS

TWO_PARTS = (
    Milestone("draft", "Draft", Money.parse("30.00")),
    Milestone("final", "Final", Money.parse("50.00")),
)


async def cancel(market: Market, order: Order) -> Order:
    return await market.order_address(order.id).ask(CancelOrder(None, None, market.trace()))


async def refund(market: Market, order: Order) -> Order:
    return await market.order_address(order.id).ask(
        RequestRefund("buyer", "not wanted", market.trace())
    )


async def complete(market: Market, order: Order) -> Milestone:
    return await market.complete(order, "draft")


async def reserve(market: Market, order: Order) -> Order:
    return await market.reserve(order)


async def escrow(market: Market, order: Order) -> Order:
    return await market.start_escrow(order)


async def fund(market: Market, order: Order) -> Order:
    return await market.start_funding(order)


async def release(market: Market, order: Order) -> Order:
    return await market.start_release(order)


Command = Callable[[Market, Order], Awaitable[object]]
COMMANDS: tuple[Command, ...] = (reserve, cancel, escrow, fund, complete, release, refund)


async def refusal_of(asked: Awaitable[object]) -> DomainError:
    with pytest.raises(DomainError) as refused:
        await asked
    return refused.value


async def check_all_refused(market: Market, order: Order, operation: str, step: str) -> None:
    """Every command is a 409 that shows how far the operation is, and nothing moves."""
    before = await market.stored(order)
    for command in COMMANDS:
        error = await refusal_of(command(market, order))
        assert 409 == STATUS[error.code], command.__name__
        assert before.status.value == error.details["currentState"]
        progress = error.details["progress"]
        assert isinstance(progress, Progress)
        process = progress.order.process
        assert process is not None
        assert (operation, step) == (process.operation.value, process.current.kind.value)
    assert before == await market.stored(order)


async def test_every_command_is_refused_with_progress_while_a_contract_is_deployed(
    autojump_clock: object,
) -> None:
    async with open_market() as market:
        order = await market.reserved_order()
        market.fault(FaultKind.SLOW, BUILD, delay_s=20)
        await market.start_escrow(order)
        await check_all_refused(market, order, "escrow", "deploy")
        deployed = await market.settled(order)
        assert deployed.escrow is not None
        assert EscrowStatus.CREATED is deployed.escrow.status


async def test_every_command_is_refused_with_progress_while_money_goes_into_the_contract(
    autojump_clock: object,
) -> None:
    async with open_market() as market:
        order = await market.deployed_order()
        market.universe.sandbox.ledgers.pause()
        await market.start_funding(order)
        await trio.sleep(2)
        await check_all_refused(market, order, "fund", "fund")
        error = await refusal_of(release(market, order))
        progress = error.details["progress"]
        assert isinstance(progress, Progress)
        (operation,) = [
            each for each in await market.operations(order.id) if str(each.step) == "fund"
        ]
        assert operation.tx_hash is not None
        assert operation == progress.operation
        market.universe.sandbox.ledgers.resume()
        assert OrderStatus.IN_PROGRESS is (await market.settled(order)).status


async def test_every_command_is_refused_with_progress_while_a_release_runs(
    autojump_clock: object,
) -> None:
    async with open_market() as market:
        order = await market.funded_order()
        await market.start_release(order)
        for command in COMMANDS:
            error = await refusal_of(command(market, order))
            assert 409 == STATUS[error.code]
            assert "progress" in error.details
        assert OrderStatus.CLOSED is (await market.settled(order)).status


async def test_a_refused_command_leaves_nothing(autojump_clock: object) -> None:
    async with open_market() as market:
        buyer, seller = await market.user("buyer"), await market.user("seller")
        order = await market.order(buyer, seller)
        reported = len(await market.events())
        for command in (fund, escrow, release, refund, complete):
            error = await refusal_of(command(market, order))
            assert ErrorCode.INVALID_STATE_TRANSITION is error.code
            assert order.id == error.details["orderId"]
            assert ["FUNDS_RESERVED", "CLOSED"] == error.details["allowedStates"]
        assert reported == len(await market.events())
        assert order == await market.stored(order)


async def test_an_order_that_does_not_exist_is_told_as_such(autojump_clock: object) -> None:
    async with open_market() as market:
        unknown = market.order_address("ord_unknown")
        error = await refusal_of(unknown.ask(CancelOrder(None, None, market.trace())))
        assert ErrorCode.ORDER_NOT_FOUND is error.code


async def test_parties_must_exist(autojump_clock: object) -> None:
    async with open_market() as market:
        buyer = await market.new_user("buyer")
        stranger = evolve(buyer, id="usr_nobody")
        error = await refusal_of(market.order(buyer, stranger))
        assert ErrorCode.USER_NOT_FOUND is error.code
        assert ("usr_nobody", "seller") == (error.details["userId"], error.details["role"])


async def test_a_contract_waits_for_both_wallets(autojump_clock: object) -> None:
    async with open_market() as market:
        buyer = await market.user("buyer", "100.00")
        market.universe.sandbox.ledgers.pause()
        seller = await market.new_user("seller")
        order = await market.reserve(await market.order(buyer, seller))
        error = await refusal_of(market.start_escrow(order))
        assert ErrorCode.WALLET_NOT_READY is error.code
        assert seller.id == error.details["userId"]
        assert OrderStatus.FUNDS_RESERVED is (await market.stored(order)).status
        market.universe.sandbox.ledgers.resume()
        await market.wait_active(seller)
        assert OrderStatus.ESCROW_CREATING is (await market.start_escrow(order)).status


async def test_a_client_order_ref_belongs_to_one_order(autojump_clock: object) -> None:
    async with open_market() as market:
        buyer, seller = await market.new_user("buyer"), await market.new_user("seller")
        await market.order(buyer, seller, ref="ref-1")
        error = await refusal_of(market.order(buyer, seller, ref="ref-1"))
        assert ErrorCode.CLIENT_ORDER_REF_TAKEN is error.code


async def test_a_refund_before_funding_gives_everything_back_at_once(
    autojump_clock: object,
) -> None:
    async with open_market() as market:
        order = await market.deployed_order()
        buyer = await market.buyer(order)
        before = len(await market.operations(order.id))
        closed = await refund(market, order)
        assert (OrderStatus.CLOSED, Outcome.REFUNDED) == (closed.status, closed.outcome)
        assert closed.escrow is not None
        assert EscrowStatus.REFUNDED is closed.escrow.status
        assert ("100.00", "0.00") == (await market.available(buyer), await market.reserved(buyer))
        assert before == len(await market.operations(order.id))
        reported = [event["eventType"] for event in await market.events()][-5:]
        assert [
            "order.refund_requested",
            "balance.released",
            "escrow.refunded",
            "order.refunded",
            "order.closed",
        ] == reported
        await market.check_books()


async def test_milestones_are_walked_one_by_one_and_then_paid(autojump_clock: object) -> None:
    async with open_market() as market:
        buyer = await market.user("buyer", "100.00")
        seller = await market.user("seller")
        order = await market.reserve(await market.order(buyer, seller, milestones=TWO_PARTS))
        await market.settled(await market.start_escrow(order))
        await market.settled(await market.start_funding(order))
        error = await refusal_of(market.start_release(order))
        assert ErrorCode.MILESTONES_OPEN is error.code
        assert ["draft", "final"] == error.details["refs"]
        await market.complete(order, "draft")
        again = await refusal_of(market.complete(order, "draft"))
        assert ErrorCode.MILESTONE_ALREADY_COMPLETED is again.code
        await market.complete(order, "final")
        await market.start_release(order)
        closed = await market.settled(order)
        assert Outcome.RELEASED is closed.outcome
        steps = [str(each.step) for each in await market.operations(order.id)]
        assert [
            "deploy", "fund", "complete:0", "complete:1", "approve:0", "approve:1", "release",
        ] == steps  # fmt: skip
        await market.wait_available(seller, "79.76")
        await market.check_books()


# Other writers and crashes.


async def test_what_another_writer_committed_is_read_and_decided_upon(
    autojump_clock: object,
) -> None:
    """Another process reserved meanwhile: this one learns it from the refused commit."""
    async with open_market() as market:
        buyer, seller = await market.user("buyer", "100.00"), await market.user("seller")
        order = await market.order(buyer, seller)
        elsewhere = evolve(order, version=2, title="Another title")
        await market.machine.tree.journal.commit(
            UnitOfWork(at=order.created_at, trace=market.trace(), writes=(elsewhere,))
        )
        reserved = await market.reserve(order)
        assert ("Another title", 3) == (reserved.title, reserved.version)
        assert "80.00" == await market.reserved(buyer)


@pytest.mark.expect_errors
async def test_an_order_that_crashes_before_taking_an_end_takes_it_after_its_repair(
    autojump_clock: object,
) -> None:
    async with open_market() as market:
        order = await market.reserved_order()
        async with failing_at("order.before_effects.deploy") as crashes:
            deployed = await market.settled(await market.start_escrow(order))
            assert 1 == crashes()
        assert deployed.escrow is not None
        assert deployed.escrow.contract_id is not None
        tree = {child.name: child for child in market.machine.supervisor.tree().children}
        assert 1 == tree["orders"].restarts
        assert "provoked at order.before_effects.deploy" in str(tree["orders"].last_error)
        assert 1 == len(await market.operations(order.id))


@pytest.mark.expect_errors
async def test_an_order_that_crashes_again_and_again_is_repaired_when_it_can_be(
    autojump_clock: object,
) -> None:
    async with open_market() as market:
        order = await market.reserved_order()
        async with failing_at("order.before_effects.deploy", times=8) as crashes:
            deployed = await market.settled(await market.start_escrow(order))
            assert 8 == crashes()
        assert OrderStatus.ESCROW_CREATING is deployed.status
        other = await market.order(await market.buyer(order), await market.seller(order), "5.00")
        assert OrderStatus.FUNDS_RESERVED is (await market.reserve(other)).status


@pytest.mark.expect_errors
async def test_a_crash_on_a_command_is_told_to_its_asker_and_to_nobody_else(
    autojump_clock: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_market() as market:
        buyer, seller = await market.user("buyer", "100.00"), await market.user("seller")
        order, other = await market.order(buyer, seller), await market.order(buyer, seller, "10.00")

        def fail(*_: Any) -> None:
            msg = "provoked"
            raise RuntimeError(msg)

        with monkeypatch.context() as broken:
            broken.setattr("actors.orders.decisions.reserve", fail)
            with pytest.raises(ActorCrashed):
                await market.reserve(order)
        assert "10.00" == (await market.reserve(other)).amount.two_places()
        assert OrderStatus.FUNDS_RESERVED is (await market.reserve(order)).status


# Idempotency records.


async def test_an_immediate_answer_is_kept_under_its_key_in_the_same_commit(
    autojump_clock: object,
) -> None:
    async with open_market() as market:
        buyer, seller = await market.user("buyer", "100.00"), await market.user("seller")
        order = await market.order(buyer, seller, trace=market.trace("create", "order.create"))
        record = await market.storage.idempotency("create")
        assert record is not None
        assert IdempotencyState.DONE is record.state
        assert record.answer is not None
        assert 201 == read_text(record.answer).status
        assert order.id.encode() in record.answer


async def test_a_second_request_under_the_same_key_changes_nothing(autojump_clock: object) -> None:
    async with open_market() as market:
        buyer, seller = await market.user("buyer", "100.00"), await market.user("seller")
        first = await market.order(buyer, seller, "10.00")
        second = await market.order(buyer, seller, "20.00")
        await market.reserve(first, market.trace("key"))
        error = await refusal_of(market.reserve(second, market.trace("key")))
        assert ErrorCode.IDEMPOTENCY_KEY_IN_PROGRESS is error.code
        assert "10.00" == await market.reserved(buyer)
        assert OrderStatus.ORDER_CREATED is (await market.stored(second)).status


async def test_a_long_operation_keeps_its_key_running_and_then_done(
    autojump_clock: object,
) -> None:
    async with open_market() as market:
        order = await market.reserved_order()
        await market.start_escrow(order, market.trace("deploy"))
        running = await market.storage.idempotency("deploy")
        assert running is not None
        assert (IdempotencyState.RUNNING, order.id) == (running.state, running.resource_id)
        await market.settled(order)
        done = await market.storage.idempotency("deploy")
        assert done is not None
        assert IdempotencyState.DONE is done.state
        assert done.answer is not None
        assert 200 == read_text(done.answer).status
        assert b'"CREATED"' in done.answer


async def test_an_operation_that_fell_back_forgets_its_key(autojump_clock: object) -> None:
    async with open_market() as market:
        order = await market.reserved_order()
        with pytest.MonkeyPatch.context() as refusing:
            refusing.setattr(TrustlessWorkClient, "build", refuse_definitively)
            await market.start_escrow(order, market.trace("deploy"))
            back = await market.settled(order)
        assert OrderStatus.FUNDS_RESERVED is back.status
        assert await market.storage.idempotency("deploy") is None
        await market.start_escrow(order, market.trace("deploy"))
        deployed = await market.settled(order)
        assert deployed.escrow is not None
        assert back.escrow_id == deployed.escrow.id


async def refuse_definitively(*_: Any) -> str:
    msg = "Cannot define more than 50 milestones in an escrow"
    raise EscrowRefused(msg, RefusalKind.TOO_MANY_MILESTONES)


async def test_a_lost_submission_does_not_hold_the_orders_mailbox(autojump_clock: object) -> None:
    """A step that waits for an unknown outcome leaves the actor free to answer at once."""
    async with open_market() as market:
        order = await market.deployed_order()
        market.fault(FaultKind.TIMEOUT_AFTER, SUBMIT)
        await market.start_funding(order)
        started = trio.current_time()
        error = await refusal_of(cancel(market, order))
        assert 409 == STATUS[error.code]
        assert trio.current_time() - started < 1
        assert OrderStatus.IN_PROGRESS is (await market.settled(order)).status
