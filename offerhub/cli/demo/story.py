"""The first act: a purchase from deposit to withdrawal, step by step."""

from typing import Final

from attrs import frozen

from offerhub.cli.demo.outsider import Outsider
from offerhub.cli.demo.stage import PRICE, Party, Sale, Stage, money, must
from offerhub.client.models import UserType, WalletStatus
from offerhub.domain.money import Money

_DEPOSIT: Final = Money.parse("100.00")


@frozen
class Purchase:
    """What the first act leaves behind.

    Args:
        left: what the buyer has available.
    """

    buyer: Party
    seller: Party
    sale: Sale
    outsider: Outsider
    withdrawn: Money
    fee: Money
    left: Money


class Story:
    """Plays the purchase through the public API."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    async def play(self) -> Purchase:
        """From the first user to the seller's money outside."""
        stage, left = self._stage, _DEPOSIT - PRICE
        alice, bob = await self._users()
        await stage.deposit(alice, _DEPOSIT, Money.zero())
        order = await stage.order("A logo", alice, bob, _DEPOSIT)
        sale = await stage.escrow(order.id, alice, left)
        stage.narrator.step("Work", "Bob completes both milestones")
        for ref in ("draft", "final"):
            await stage.complete(order.id, ref)
        fee = await self._release(order.id, alice, bob)
        outsider, withdrawn = await self._withdraw(bob)
        return Purchase(alice, bob, sale, outsider, withdrawn, fee, left)

    async def _users(self) -> tuple[Party, Party]:
        stage, narrator = self._stage, self._stage.narrator
        narrator.step("Users", "the marketplace registers Alice, who buys, and Bob, who sells")
        narrator.fact("wallets", "created with the users, activated on chain in the background")
        parties = []
        for name, type in (("Alice", UserType.BUYER), ("Bob", UserType.SELLER)):
            user = await stage.client.create_user(external_user_id=name.lower(), type=type)
            narrator.know(user.id, name)
            parties.append(Party(name, user.id, user.wallet.public_key))
        for party in parties:
            await stage.follower.wait("wallet.created", userId=party.id)
            wallet = await stage.client.get_wallet(party.id)
            active = wallet.status is WalletStatus.ACTIVE
            must(active, f"{party.name}'s wallet is {wallet.status}")
        for party in parties:
            narrator.fact(party.name, f"{party.id}  {party.address}")
        return parties[0], parties[1]

    async def _release(self, order_id: str, alice: Party, bob: Party) -> Money:
        stage, narrator = self._stage, self._stage.narrator
        narrator.step("Release", "Alice is satisfied: both sides sign, and the contract pays Bob")
        order = await stage.client.release_order(order_id, requested_by="alice")
        await stage.follower.wait("order.closed", orderId=order_id)
        await stage.follower.wait("balance.credited", userId=bob.id, source="escrow_release")
        stage.hashes(order, "complete", "approve", "release")
        narrator.fact("order", f"{order.status}, {order.outcome}")
        fee = stage.fee(order)
        await stage.balance(
            bob, PRICE, Money.zero(), "FEE_POLICY=platform: the platform bears the 0.24"
        )
        await stage.balance(alice, _DEPOSIT - PRICE, Money.zero())
        return fee

    async def _withdraw(self, bob: Party) -> tuple[Outsider, Money]:
        stage, narrator = self._stage, self._stage.narrator
        narrator.step("Withdraw", f"Bob withdraws {PRICE.two_places()} USDC to a wallet of his own")
        narrator.fact("settlement", "first the treasury pays Bob's wallet the 0.24 that it owes")
        outsider = await stage.chain.new_outsider()
        narrator.fact("destination", outsider.address, "external account with a USDC trustline")
        withdrawal = await stage.client.create_withdrawal(
            user_id=bob.id,
            amount=PRICE.two_places(),
            destination_type="crypto",
            destination_ref=outsider.address,
        )
        await stage.follower.wait("withdrawal.completed", withdrawalId=withdrawal.id)
        narrator.fact("transaction", withdrawal.transaction_hash or "")
        narrator.fact("withdrawal", withdrawal.status)
        await stage.balance(bob, Money.zero(), Money.zero())
        return outsider, money(withdrawal.amount)
