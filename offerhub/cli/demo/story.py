"""The purchase, step by step: who does what, and what has become of it."""

from typing import Any, Final

from attrs import frozen

from offerhub.cli.demo.api import Api
from offerhub.cli.demo.failure import DemoFailed
from offerhub.cli.demo.follower import Follower
from offerhub.cli.demo.narrator import Narrator
from offerhub.cli.demo.outsider import Chain, Outsider
from offerhub.domain.money import Money

_DEPOSIT: Final = Money.parse("100.00")
_PRICE: Final = Money.parse("80.00")
_FEE: Final = Money.parse("0.24")


@frozen
class Party:
    """A user of the orchestrator."""

    name: str
    id: str
    address: str


@frozen
class Purchase:
    """What the story leaves behind, for the closing table."""

    buyer: Party
    seller: Party
    order_id: str
    contract_id: str
    outsider: Outsider
    withdrawn: Money
    fee: Money


class Story:
    """Plays the purchase through the public API; every check that fails ends it."""

    def __init__(self, api: Api, chain: Chain, follower: Follower, narrator: Narrator) -> None:
        self._api = api
        self._chain = chain
        self._follower = follower
        self._narrator = narrator

    async def play(self) -> Purchase:
        """From the first user to the seller's money outside."""
        narrator = self._narrator
        narrator.step("Users", "the marketplace registers Alice, who buys, and Bob, who sells")
        alice, bob = await self._users()
        await self._deposit(alice)
        order = await self._order(alice, bob)
        order_id = order["id"]
        contract_id = await self._escrow(order_id, alice)
        await self._work(order_id)
        fee = await self._release(order_id, alice, bob)
        outsider, withdrawn = await self._withdraw(bob)
        return Purchase(alice, bob, order_id, contract_id, outsider, withdrawn, fee)

    async def _users(self) -> tuple[Party, Party]:
        narrator = self._narrator
        narrator.fact("wallets", "created with the users, activated on chain in the background")
        parties = []
        for name, type in (("Alice", "BUYER"), ("Bob", "SELLER")):
            user = await self._api.post("/users", {"externalUserId": name.lower(), "type": type})
            narrator.know(user["id"], name)
            parties.append(Party(name, user["id"], user["wallet"]["publicKey"]))
        for party in parties:
            await self._follower.wait("wallet.created", userId=party.id)
            wallet = await self._api.get(f"/users/{party.id}/wallet")
            _must(wallet["status"] == "ACTIVE", f"{party.name}'s wallet is {wallet['status']}")
        for party in parties:
            narrator.fact(party.name, f"{party.id}  {party.address}")
        return parties[0], parties[1]

    async def _deposit(self, alice: Party) -> None:
        narrator = self._narrator
        narrator.step("Deposit", f"Alice sends {_DEPOSIT.two_places()} USDC to her deposit address")
        where = await self._api.get(f"/users/{alice.id}/wallet/deposit")
        narrator.fact("address", where["address"])
        narrator.fact("transaction", await self._chain.faucet(where["address"], _DEPOSIT))
        await self._follower.wait("balance.credited", userId=alice.id, source="stellar_deposit")
        await self._balance(alice, _DEPOSIT, Money.zero(), "credited automatically")

    async def _order(self, alice: Party, bob: Party) -> Any:
        narrator = self._narrator
        price = _PRICE.two_places()
        narrator.step("Order", f"Alice orders a logo from Bob for {price} USDC, in two milestones")
        order = await self._api.post(
            "/orders",
            {
                "buyerId": alice.id,
                "sellerId": bob.id,
                "amount": price,
                "title": "A logo",
                "milestones": [
                    {"ref": "draft", "title": "Draft", "amount": "30.00"},
                    {"ref": "final", "title": "Final", "amount": "50.00"},
                ],
            },
        )
        await self._follower.wait("order.created", orderId=order["id"])
        narrator.fact("order", f"{order['id']}  {order['status']}", "draft 30.00 + final 50.00")

        narrator.step("Reserve", f"{price} of Alice's balance is set aside for the order")
        order = await self._api.post(f"/orders/{order['id']}/reserve")
        await self._follower.wait("order.funds_reserved", orderId=order["id"])
        narrator.fact("order", order["status"])
        await self._balance(alice, _DEPOSIT - _PRICE, _PRICE)
        return order

    async def _escrow(self, order_id: str, alice: Party) -> str:
        narrator = self._narrator
        narrator.step("Escrow", "the order's escrow contract is deployed on chain")
        order = await self._api.post(f"/orders/{order_id}/escrow")
        await self._follower.wait("escrow.created", orderId=order_id)
        contract_id = str(order["escrow"]["contractId"])
        narrator.fact("contract", contract_id)
        self._hashes(order, "deploy")

        narrator.step("Fund", "Alice's wallet pays the price into the contract")
        order = await self._api.post(f"/orders/{order_id}/escrow/fund")
        await self._follower.wait("order.in_progress", orderId=order_id)
        self._hashes(order, "fund")
        held = await self._chain.contract_usdc(contract_id)
        narrator.money("on chain", held.two_places(), "USDC held by the contract")
        _must(held == _PRICE, f"the contract holds {held}; expected {_PRICE}")
        await self._balance(alice, _DEPOSIT - _PRICE, Money.zero())
        return contract_id

    async def _work(self, order_id: str) -> None:
        self._narrator.step("Work", "Bob completes both milestones")
        for ref in ("draft", "final"):
            milestone = await self._api.post(f"/orders/{order_id}/milestones/{ref}/complete")
            await self._follower.wait("escrow.milestone_completed", milestoneRef=ref)
            self._narrator.fact(ref, milestone["status"])

    async def _release(self, order_id: str, alice: Party, bob: Party) -> Money:
        narrator = self._narrator
        narrator.step("Release", "Alice is satisfied: both sides sign, and the contract pays Bob")
        order = await self._api.post(
            f"/orders/{order_id}/resolution/release", {"requestedBy": "alice"}
        )
        await self._follower.wait("order.closed", orderId=order_id)
        await self._follower.wait("balance.credited", userId=bob.id, source="escrow_release")
        self._hashes(order, "complete", "approve", "release")
        narrator.fact("order", f"{order['status']}, {order['outcome']}")
        fee = Money.from_decimal_string(order["fees"]["protocol"])
        narrator.money("fee", fee.two_places(), "0.3 % of 80.00, kept by Trustless Work's contract")
        await self._balance(
            bob, _PRICE, Money.zero(), "FEE_POLICY=platform: the platform bears the 0.24"
        )
        await self._balance(alice, _DEPOSIT - _PRICE, Money.zero())
        _must(fee == _FEE, f"the contract kept {fee}; expected {_FEE}")
        return fee

    async def _withdraw(self, bob: Party) -> tuple[Outsider, Money]:
        narrator = self._narrator
        narrator.step(
            "Withdraw", f"Bob withdraws {_PRICE.two_places()} USDC to a wallet of his own"
        )
        narrator.fact("settlement", "first the treasury pays Bob's wallet the 0.24 that it owes")
        outsider = await self._chain.new_outsider()
        narrator.fact("destination", outsider.address, "external account with a USDC trustline")
        withdrawal = await self._api.post(
            "/withdrawals",
            {
                "userId": bob.id,
                "amount": _PRICE.two_places(),
                "destinationType": "crypto",
                "destinationRef": outsider.address,
            },
        )
        await self._follower.wait("withdrawal.completed", withdrawalId=withdrawal["id"])
        narrator.fact("transaction", withdrawal["transactionHash"])
        narrator.fact("withdrawal", withdrawal["status"])
        await self._balance(bob, Money.zero(), Money.zero())
        return outsider, Money.parse(withdrawal["amount"])

    async def _balance(
        self, party: Party, available: Money, reserved: Money, note: str = ""
    ) -> None:
        """Show a balance, which must be this one."""
        found = await self._api.get(f"/users/{party.id}/balance")
        shown = f"{found['available']} available, {found['reserved']} reserved"
        self._narrator.money(party.name, shown, note)
        expected = f"{available.two_places()} available, {reserved.two_places()} reserved"
        _must(shown == expected, f"{party.name} has {shown}; expected {expected}")

    def _hashes(self, order: Any, *steps: str) -> None:
        for step, tx_hash in order["escrow"]["transactionHashes"].items():
            if step.partition(":")[0] in steps:
                self._narrator.fact(step, tx_hash)


def _must(true: bool, otherwise: str) -> None:  # noqa: FBT001 - reads as a sentence
    if not true:
        raise DemoFailed(otherwise)
