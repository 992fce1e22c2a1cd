"""One purchase from deposit to withdrawal through the actors, on the twin and the sandbox's core."""

import trio

from actors.messages import (
    CompleteMilestone,
    CreateOrder,
    CreateUser,
    CreateWithdrawal,
    RequestRelease,
    ReserveFunds,
    StartEscrow,
    StartFunding,
)
from offerhub.domain.ledger import check_identities
from offerhub.domain.money import Money
from offerhub.domain.order import EscrowStatus, Milestone, OrderStatus, Outcome
from offerhub.domain.users import User, UserType, Wallet, WalletStatus
from offerhub.domain.withdrawal import WithdrawalStatus
from tests.simulation.world import Machine, Universe, open_outside_account, started


async def new_user(machine: Machine, name: str) -> User:
    created = await machine.system.users.ask(
        CreateUser(name, None, UserType.BOTH, {}, machine.trace())
    )
    return created.user


async def wait_active(machine: Machine, user: User) -> None:
    with trio.fail_after(120):
        while True:
            wallet = await machine.system.storage.load(Wallet, user.wallet_id)
            if wallet is not None and wallet.status is WalletStatus.ACTIVE:
                return
            await trio.sleep(0.5)


async def wait_available(machine: Machine, user: User, amount: str) -> None:
    with trio.fail_after(120):
        while True:
            balance = await machine.system.storage.balance(user.id)
            if balance is not None and balance.available == Money.parse(amount):
                return
            await trio.sleep(0.5)


async def test_a_purchase_goes_from_deposit_to_withdrawal(autojump_clock: object) -> None:
    universe = Universe(seed=1)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(universe.sandbox.close_ledgers, universe.ledger_s)
        async with started(universe) as machine:
            buyer = await new_user(machine, "buyer")
            seller = await new_user(machine, "seller")
            await wait_active(machine, buyer)
            await wait_active(machine, seller)
            await machine.control.faucet(buyer.public_key, Money.parse("100.00"))
            await wait_available(machine, buyer, "100.00")

            order_id = machine.system.ids.new("ord")
            order = machine.system.orders.address(order_id)
            made = await order.ask(
                CreateOrder(
                    buyer_id=buyer.id,
                    seller_id=seller.id,
                    amount=Money.parse("80.00"),
                    title="A logo",
                    description=None,
                    client_order_ref="ref-1",
                    milestones=(
                        Milestone("draft", "Draft", Money.parse("30.00")),
                        Milestone("final", "Final", Money.parse("50.00")),
                    ),
                    metadata={},
                    trace=machine.trace(),
                )
            )
            assert OrderStatus.ORDER_CREATED is made.status
            await order.ask(ReserveFunds(None, machine.trace()))
            board = machine.system.order_board
            planned = await order.ask(StartEscrow(machine.trace()))
            assert OrderStatus.ESCROW_CREATING is planned.status
            deployed = await board.wait_until(order_id, lambda each: each.process is None, 60)
            assert deployed is not None
            assert deployed.escrow is not None
            assert EscrowStatus.CREATED is deployed.escrow.status
            await order.ask(StartFunding(machine.trace()))
            funded = await board.wait_until(order_id, lambda each: each.process is None, 60)
            assert funded is not None
            assert OrderStatus.IN_PROGRESS is funded.status
            for ref in ("draft", "final"):
                await order.ask(CompleteMilestone(ref, machine.trace()))
            await order.ask(RequestRelease("buyer", None, machine.trace()))
            released = await board.wait_until(order_id, lambda each: each.process is None, 60)
            assert released is not None
            assert (OrderStatus.CLOSED, Outcome.RELEASED) == (released.status, released.outcome)
            await wait_available(machine, seller, "79.76")

            outside = open_outside_account(universe, "seller")
            withdrawal_id = machine.system.ids.new("wd")
            await machine.system.withdrawals.address(withdrawal_id).ask(
                CreateWithdrawal(
                    user_id=seller.id,
                    amount=Money.parse("79.76"),
                    destination_ref=outside,
                    destination_memo=None,
                    description=None,
                    commit=True,
                    trace=machine.trace(),
                )
            )
            ended = await machine.system.withdrawal_board.wait_until(
                withdrawal_id,
                lambda each: each.status is not WithdrawalStatus.COMMITTED,
                60,
            )
            assert ended is not None
            assert WithdrawalStatus.COMPLETED is ended.status
            assert 797_600_000 == universe.sandbox.engine.usdc_balance(outside)
            books = await machine.system.storage.books()
            check_identities(books, machine.system.instance.platform_user_id)
            events = await machine.system.storage.events_after(0, 1000)
            assert list(range(1, len(events) + 1)) == [event.sequence for event in events]
        nursery.cancel_scope.cancel()
