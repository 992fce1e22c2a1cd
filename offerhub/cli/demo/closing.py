"""The end: what is booked against what the chain says, and the events one after the other."""

from typing import Final

from attrs import frozen

from offerhub.app import real_sources
from offerhub.cli.demo.dispute import Settled
from offerhub.cli.demo.failure import DemoFailed
from offerhub.cli.demo.follower import Follower
from offerhub.cli.demo.instance import Instance
from offerhub.cli.demo.narrator import Narrator
from offerhub.cli.demo.outsider import Chain
from offerhub.cli.demo.stage import Stage
from offerhub.cli.demo.story import Purchase
from offerhub.cli.storage import open_beside
from offerhub.domain import ledger
from offerhub.domain.errors import InvariantViolated
from offerhub.domain.ledger import Books
from offerhub.domain.money import Money
from offerhub.settings import NETWORKS

_PLATFORM: Final = "offerhub:platform"


@frozen
class Line:
    """One place where money is."""

    place: str
    booked: Money
    on_chain: Money

    @property
    def difference(self) -> Money:
        return self.on_chain - self.booked


async def close(
    instance: Instance,
    stage: Stage,
    purchase: Purchase,
    settled: Settled,
) -> None:
    """Show the tables; raises `DemoFailed` unless every figure agrees."""
    narrator = stage.narrator
    narrator.step("Accounts", "the ledger in the database against the chain as Horizon reports it")
    (platform,) = (await stage.client.list_users(external_user_id=_PLATFORM).page()).data
    books = await read_books(instance)
    lines = await _lines(books, stage.chain, purchase, settled, platform.wallet.public_key)
    narrator.table(
        "Ledger against chain (USDC)",
        ("", "booked", "on chain", "difference"),
        [
            (line.place, str(line.booked), str(line.on_chain), str(line.difference))
            for line in lines
        ],
    )
    for line in lines:
        if line.difference:
            raise DemoFailed(
                f"{line.place}: the ledger differs from the chain by {line.difference}"
            )
    narrator.good(f"all {len(lines)} amounts agree to the stroop (0.0000001 USDC)")
    try:
        ledger.check_identities(books, platform.id)
    except InvariantViolated as broken:
        raise DemoFailed(f"the ledger breaks a rule: {broken}") from broken
    narrator.good("the ledger is balanced: all postings sum to zero")
    _check_events(stage.follower, narrator)


async def read_books(instance: Instance) -> Books:
    """The sums of all postings and holdings, as an operator reads them beside the process."""
    async with open_beside(None, instance.home, real_sources()) as storage:
        return await storage.books()


async def _lines(
    books: Books, chain: Chain, purchase: Purchase, settled: Settled, platform_address: str
) -> tuple[Line, ...]:
    """Each place with its booked amount and the chain's."""
    buyer, seller = purchase.buyer, purchase.seller
    fee_address = NETWORKS["sandbox"].fee_address or ""
    return (
        Line(
            f"{buyer.name}'s wallet",
            books.holding(ledger.wallet(buyer.id)),
            await chain.usdc(buyer.address),
        ),
        Line(
            f"{seller.name}'s wallet",
            books.holding(ledger.wallet(seller.id)),
            await chain.usdc(seller.address),
        ),
        *[
            Line(
                f"the contract of {what}",
                books.account(ledger.escrow(sale.order_id)),
                await chain.contract_usdc(sale.contract_id),
            )
            for what, sale in (("the logo", purchase.sale), ("the banner", settled.sale))
        ],
        Line(
            "the platform's treasury",
            books.holding(ledger.WALLET_TREASURY),
            await chain.usdc(platform_address),
        ),
        Line(
            "paid out to Bob's external account",
            purchase.withdrawn,
            await chain.usdc(purchase.outsider.address),
        ),
        Line("Trustless Work's fees", purchase.fee + settled.fee, await chain.usdc(fee_address)),
    )


def _check_events(follower: Follower, narrator: Narrator) -> None:
    sequences = [event.sequence for event in follower.events]
    if sequences != list(range(1, len(sequences) + 1)):
        raise DemoFailed(f"events arrived out of sequence: {sequences}")
    narrator.good(
        f"{len(sequences)} events received, 1 to {len(sequences)}: each once, in order, without gaps"
    )
