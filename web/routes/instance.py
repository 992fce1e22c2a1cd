"""What this instance is and how it does."""

from typing import Final, Literal

from offerhub.domain import limits as domain
from offerhub.domain.api_keys import Scope
from offerhub.domain.ids import iso
from web.answers import now
from web.call import Answer, Call, Route
from web.health import concerns, lag_ledgers
from web.rendering import currency_of
from web.resources import (
    Asset,
    Config,
    ConfigLimits,
    Dependency,
    Health,
    HealthDetailed,
    Limits,
    Watcher,
)


async def health(call: Call) -> Answer:
    """Whether it does well, as it was found a moment ago: always fast."""
    return now(
        call,
        Health(
            status=_status(call),
            version=call.system.instance.version,
            timestamp=iso(call.system.clock()),
        ),
    )


async def health_detailed(call: Call) -> Answer:
    """Health of each dependency."""
    states = await call.health.check()
    return now(
        call,
        HealthDetailed(
            status=_status(call),
            concerns=concerns(call.system),
            version=call.system.instance.version,
            timestamp=iso(call.system.clock()),
            dependencies={
                state.name: Dependency(
                    status="up" if state.up else "down",
                    latency_ms=round(state.latency_s * 1000, 1),
                )
                for state in states
            },
            watcher=Watcher(
                state=call.system.watcher.view.state.value, lag_ledgers=lag_ledgers(call.system)
            ),
        ),
    )


def _status(call: Call) -> Literal["healthy", "degraded"]:
    well = call.health.healthy and not concerns(call.system)
    return "healthy" if well else "degraded"


async def config(call: Call) -> Answer:
    """What a caller needs to know of the settings; no secrets."""
    instance = call.system.instance
    return now(
        call,
        Config(
            version=instance.version,
            network=instance.network,
            payment_provider=instance.payment_provider,
            currency=currency_of(instance.currency),
            currencies=("USDC", "USD"),
            asset=Asset(code=instance.usdc_code, issuer=instance.usdc_issuer),
            limits=ConfigLimits(
                order=_limits(instance.order_limits),
                topup=_limits(instance.topup_limits),
                withdrawal=_limits(instance.withdrawal_limits),
            ),
            features=dict(instance.features),
        ),
    )


def _limits(limits: domain.Limits) -> Limits:
    return Limits(min=limits.minimum.two_places(), max=limits.maximum.two_places())


ROUTES: Final = (
    Route(
        "GET",
        "/health",
        "getHealth",
        health,
        "Health of the instance",
        Health,
        "Instance",
        limited=False,
        public=True,
    ),
    Route(
        "GET",
        "/health/detailed",
        "getDetailedHealth",
        health_detailed,
        "Health of each dependency",
        HealthDetailed,
        "Instance",
        Scope.READ,
    ),
    Route(
        "GET",
        "/config",
        "getConfig",
        config,
        "Configuration of the instance",
        Config,
        "Instance",
        public=True,
    ),
)
