"""The second act: an order that ends in a dispute, and a dispute that ends in a split."""

from typing import Final

from attrs import frozen

from offerhub.cli.demo.stage import PRICE, Sale, Stage, money, must
from offerhub.cli.demo.story import Purchase
from offerhub.client.models import Dispute, Order, Outcome
from offerhub.domain.money import Money

_DEPOSIT: Final = Money.parse("80.00")
_TO_SELLER: Final = Money.parse("50.00")
_TO_BUYER: Final = PRICE - _TO_SELLER


@frozen
class Settled:
    """What the second act leaves behind."""

    sale: Sale
    fee: Money


class DisputeAct:
    """Plays on with the parties of the first act."""

    def __init__(self, stage: Stage, first: Purchase) -> None:
        self._stage = stage
        self._alice = first.buyer
        self._bob = first.seller
        self._before = first.left

    async def play(self) -> Settled:
        """From a second order to a balance that both can live with."""
        stage, alice, bob = self._stage, self._alice, self._bob
        stage.narrator.title("Second act: a dispute that ends in a split")
        await stage.deposit(alice, _DEPOSIT, self._before)
        order = await stage.order("A banner", alice, bob, self._before + _DEPOSIT)
        sale = await stage.escrow(order.id, alice, self._before)
        stage.narrator.step("Work", "Bob completes the draft, and the final is late")
        await stage.complete(order.id, "draft")
        dispute = await self._disputed(order.id)
        return Settled(sale, await self._resolved(order.id, dispute))

    async def _disputed(self, order_id: str) -> Dispute:
        stage, narrator = self._stage, self._stage.narrator
        narrator.step("Dispute", "Alice disputes: nothing can be paid out any more")
        dispute = await stage.client.dispute_order(
            order_id,
            opened_by="BUYER",
            reason="NOT_DELIVERED",
            evidence=["the final was due last week"],
        )
        await stage.follower.wait("escrow.disputed", orderId=order_id)
        order = await stage.client.get_order(order_id)
        narrator.fact("dispute", f"{dispute.id}  {dispute.status}")
        narrator.fact("order", f"{order.status}, escrow {self._escrow(order)}")
        stage.hashes(order, "dispute")

        narrator.step("Review", "the marketplace's support takes it on")
        dispute = await stage.client.assign_dispute(dispute.id, assigned_to="support-carol")
        await stage.follower.wait("dispute.under_review", disputeId=dispute.id)
        narrator.fact("dispute", f"{dispute.status}, {dispute.assigned_to}")
        return dispute

    async def _resolved(self, order_id: str, dispute: Dispute) -> Money:
        stage, narrator = self._stage, self._stage.narrator
        seller, buyer = _TO_SELLER.two_places(), _TO_BUYER.two_places()
        narrator.step("Split", f"support decides: {seller} for Bob, {buyer} back to Alice")
        dispute = await stage.client.resolve_dispute(
            dispute.id,
            decision="SPLIT",
            release_amount=seller,
            refund_amount=buyer,
            note="the draft was delivered, and the final is worth something",
        )
        await stage.follower.wait("order.closed", orderId=order_id)
        narrator.fact("dispute", f"{dispute.status}, {dispute.resolution_decision}")
        order = await stage.client.get_order(order_id)
        must(order.outcome is Outcome.SPLIT, f"the order ended as {order.outcome}")
        stage.hashes(order, "resolve")
        narrator.fact("order", f"{order.status}, {order.outcome}")
        fee = stage.fee(order)
        shares = (dispute.release_amount, dispute.refund_amount)
        must(
            tuple(money(share) for share in shares if share is not None) == (_TO_SELLER, _TO_BUYER),
            f"the dispute shows {shares}",
        )
        both = "each gets the whole share: the platform bears the 0.24"
        await stage.balance(self._bob, _TO_SELLER, Money.zero(), both)
        await stage.balance(self._alice, self._before + _TO_BUYER, Money.zero())
        return fee

    @staticmethod
    def _escrow(order: Order) -> str:
        return "none" if order.escrow is None else order.escrow.status
