"""The platform's own money: what it is, where it is, and what of it can be taken out."""

from typing import Final

from offerhub.domain.api_keys import Scope
from offerhub.domain.users import User, Wallet
from web import resources
from web.answers import now
from web.call import Answer, Call, Route
from web.rendering import render_treasury


async def show(call: Call) -> Answer:
    """The treasury as of the last commit."""
    storage, instance = call.system.storage, call.system.instance
    user = await storage.load(User, instance.platform_user_id)
    wallet = None if user is None else await storage.load(Wallet, user.wallet_id)
    if wallet is None:
        raise RuntimeError("the platform's user or its wallet is missing")
    return now(call, render_treasury(await storage.treasury(), wallet, instance.currency))


ROUTES: Final = (
    Route(
        "GET",
        "/admin/treasury",
        "getTreasury",
        show,
        "Show the platform's own money",
        resources.Treasury,
        "Administration",
        Scope.ALL,
    ),
)
