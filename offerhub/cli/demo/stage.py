"""What both acts are played with: the parties, the calls that they share, and the checks."""

from decimal import Decimal
from typing import Final

from attrs import frozen

from offerhub.cli.demo.failure import DemoFailed
from offerhub.cli.demo.follower import Follower
from offerhub.cli.demo.narrator import Narrator
from offerhub.cli.demo.outsider import Chain
from offerhub.client import AsyncClient
from offerhub.client.models import NewMilestone, Order
from offerhub.domain.money import Money

PRICE: Final = Money.parse("80.00")
FEE: Final = Money.parse("0.24")
"""0.3 % of the price: what Trustless Work's contract keeps."""
MILESTONES: Final = (
    NewMilestone(ref="draft", title="Draft", amount="30.00"),
    NewMilestone(ref="final", title="Final", amount="50.00"),
)


@frozen
class Party:
    """A user of the orchestrator."""

    name: str
    id: str
    address: str


@frozen
class Sale:
    """An order with money in its contract."""

    order_id: str
    contract_id: str


class Stage:
    """Calls of the public API with what they must come to; every check that fails ends the play."""

    def __init__(
        self, client: AsyncClient, chain: Chain, follower: Follower, narrator: Narrator
    ) -> None:
        self.client = client
        self.chain = chain
        self.follower = follower
        self.narrator = narrator

    async def deposit(self, party: Party, amount: Money, before: Money) -> None:
        """Have a party pay USDC to its deposit address from outside."""
        narrator = self.narrator
        narrator.step(
            "Deposit", f"{party.name} sends {amount.two_places()} USDC to her deposit address"
        )
        where = await self.client.get_deposit_address(party.id)
        narrator.fact("address", where.address)
        narrator.fact("transaction", await self.chain.faucet(where.address, amount))
        after = before + amount
        await self.follower.wait(
            "balance.credited",
            userId=party.id,
            source="stellar_deposit",
            amount=amount.two_places(),
            newBalance=after.two_places(),
        )
        await self.balance(party, after, Money.zero(), "credited automatically")

    async def order(self, what: str, buyer: Party, seller: Party, available: Money) -> Order:
        """Order something for the price, and reserve it from what the buyer has available."""
        narrator, price = self.narrator, PRICE.two_places()
        narrator.step(
            "Order",
            f"{buyer.name} orders {what.lower()} from {seller.name} for {price} USDC, "
            "in two milestones",
        )
        order = await self.client.create_order(
            buyer_id=buyer.id,
            seller_id=seller.id,
            amount=price,
            title=what,
            milestones=MILESTONES,
        )
        await self.follower.wait("order.created", orderId=order.id)
        narrator.fact("order", f"{order.id}  {order.status}", "draft 30.00 + final 50.00")

        narrator.step("Reserve", f"{price} of {buyer.name}'s balance is set aside for the order")
        order = await self.client.reserve_order(order.id)
        await self.follower.wait("order.funds_reserved", orderId=order.id)
        narrator.fact("order", order.status)
        await self.balance(buyer, available - PRICE, PRICE)
        return order

    async def escrow(self, order_id: str, buyer: Party, available: Money) -> Sale:
        """Deploy the order's contract and fund it; `available` is what the buyer keeps."""
        narrator = self.narrator
        narrator.step("Escrow", "the order's escrow contract is deployed on chain")
        order = await self.client.create_escrow(order_id)
        await self.follower.wait("escrow.created", orderId=order_id)
        contract_id = "" if order.escrow is None else order.escrow.contract_id or ""
        narrator.fact("contract", contract_id)
        self.hashes(order, "deploy")

        narrator.step("Fund", f"{buyer.name}'s wallet pays the price into the contract")
        order = await self.client.fund_escrow(order_id)
        await self.follower.wait("order.in_progress", orderId=order_id)
        self.hashes(order, "fund")
        held = await self.chain.contract_usdc(contract_id)
        narrator.money("on chain", held.two_places(), "USDC held by the contract")
        must(held == PRICE, f"the contract holds {held}; expected {PRICE}")
        await self.balance(buyer, available, Money.zero())
        return Sale(order_id, contract_id)

    async def complete(self, order_id: str, ref: str) -> None:
        """Have the seller complete a milestone."""
        milestone = await self.client.complete_milestone(order_id, ref)
        await self.follower.wait("escrow.milestone_completed", orderId=order_id, milestoneRef=ref)
        self.narrator.fact(ref, milestone.status)

    def fee(self, order: Order) -> Money:
        """What the contract kept, which must be what it says."""
        must(order.fees is not None, "the order shows no fees")
        fee = money(Decimal(0) if order.fees is None else order.fees.protocol)
        self.narrator.money(
            "fee", fee.two_places(), "0.3 % of 80.00, kept by Trustless Work's contract"
        )
        must(fee == FEE, f"the contract kept {fee}; expected {FEE}")
        return fee

    async def balance(
        self, party: Party, available: Money, reserved: Money, note: str = ""
    ) -> None:
        """Show a balance, which must be this one."""
        found = await self.client.get_balance(party.id)
        shown = f"{found.available} available, {found.reserved} reserved"
        self.narrator.money(party.name, shown, note)
        expected = f"{available.two_places()} available, {reserved.two_places()} reserved"
        must(shown == expected, f"{party.name} has {shown}; expected {expected}")

    def hashes(self, order: Order, *steps: str) -> None:
        """The hashes of some steps' transactions."""
        hashes = {} if order.escrow is None else order.escrow.transaction_hashes
        for step, tx_hash in hashes.items():
            if step.partition(":")[0] in steps:
                self.narrator.fact(step, tx_hash)


def money(amount: Decimal) -> Money:
    """An amount of the API's as the domain counts it."""
    return Money.from_decimal_string(str(amount))


def must(true: bool, otherwise: str) -> None:  # noqa: FBT001 - reads as a sentence
    """End the play unless something is so."""
    if not true:
        raise DemoFailed(otherwise)
