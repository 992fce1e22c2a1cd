"""`offerhub wallets rotate-key`: every seed sealed under the present encryption key.

In batches, each a commit of its own, so it can be cut off anywhere: what is done is no longer
found, and the next run goes on with the rest. The old key opens what it sealed until the last batch;
then the text by which a start recognises its key is made anew, and the old key can be forgotten.
"""

from collections.abc import Sequence
from typing import Final

import trio
from attrs import evolve

from actors.commands import CommandKind, Job
from actors.core import Core
from actors.failpoints import reach
from actors.kernel import Address
from actors.signing import Signer
from actors.vault import MarkKey, Resealed, ResealWallets
from offerhub.domain.errors import DomainError, ErrorCode, InvariantViolated
from offerhub.domain.unit_of_work import Committed, RefusalKind, Refused, SettingChange, UnitOfWork
from offerhub.domain.users import Wallet

ROTATE: Final = "wallets.rotate_key"

VAULT_CHECK: Final = "vault_check"
"""The setting that holds the text by which a start recognises its encryption key."""

BATCH: Final = 50
PACE_S: Final = 0.05
"""Between two batches: 1 000 wallets a second, and signatures in between."""

_LEFT_SHOWN: Final = 100


def wallet_commands(
    core: Core, vault: Address[ResealWallets | MarkKey], signer: Signer
) -> tuple[CommandKind, ...]:
    """The kinds of this part; of the signer only its key's public name is asked."""

    async def rotate(job: Job) -> None:
        rotation = _Rotation(core, vault, job)
        left = await rotation.run(signer.key_version)
        await _finish(core, vault, job, rotation.done, left)

    return (CommandKind(ROTATE, rotate),)


class _Rotation:
    """One run over all wallets that are sealed under another key."""

    def __init__(self, core: Core, vault: Address[ResealWallets | MarkKey], job: Job) -> None:
        self._core = core
        self._vault = vault
        self._job = job
        self.done = 0

    async def run(self, key_version: str) -> list[str]:
        """Reseal them; returns those that no configured key opens."""
        storage = self._core.storage
        counts = await storage.sealed_under()
        total = sum(counts.values()) - counts.get(key_version, 0)
        left: list[str] = []
        place = 0
        while True:
            found = await storage.sealed_otherwise(key_version, place, BATCH)
            if not found:
                return left
            place = found[-1][0]
            left += await self._batch([wallet for _, wallet in found])
            await self._job.report({"done": self.done, "total": total, "left": len(left)})
            await trio.sleep(PACE_S)

    async def _batch(self, wallets: Sequence[Wallet]) -> tuple[str, ...]:
        """Reseal a batch; wallets that were written meanwhile are read again, one by one."""
        resealed = await self._vault.ask(ResealWallets(tuple(wallets)))
        if resealed.seeds and not await self._commit(wallets, resealed):
            if len(wallets) == 1:
                raise DomainError(
                    ErrorCode.SERVICE_UNAVAILABLE, "a wallet is written at this moment"
                )
            latest = await self._core.storage.load_many(Wallet, [each.id for each in wallets])
            return tuple(
                [
                    wallet_id
                    for wallet in latest.values()
                    for wallet_id in await self._batch([wallet])
                ]
            )
        return resealed.left

    async def _commit(self, wallets: Sequence[Wallet], resealed: Resealed) -> bool:
        context = self._job.context()
        writes = tuple(
            evolve(
                wallet,
                version=wallet.version + 1,
                seed=resealed.seeds[wallet.id],
                updated_at=context.now,
            )
            for wallet in wallets
            if wallet.id in resealed.seeds
        )
        reach("command.before_reseal")
        outcome = await self._core.journal.commit(
            UnitOfWork(
                at=context.now,
                trace=context.trace,
                writes=writes,
                audit=(
                    context.audit(
                        "wallet.reseal",
                        "Wallet",
                        writes[0].id,
                        after={
                            "keyVersion": resealed.key_version,
                            "wallets": [wallet.id for wallet in writes],
                        },
                    ),
                ),
            )
        )
        reach("command.after_reseal")
        match outcome:
            case Committed():
                self.done += len(writes)
                return True
            case Refused(RefusalKind.CONFLICT):
                return False
            case Refused():
                raise InvariantViolated(f"{ROTATE}: {outcome.kind.value} {outcome.subject}")


async def _finish(
    core: Core,
    vault: Address[ResealWallets | MarkKey],
    job: Job,
    done: int,
    left: Sequence[str],
) -> None:
    """End the command; with nothing left a start needs the old key no more."""
    stored = await core.storage.setting(VAULT_CHECK)
    change = () if left else (SettingChange(VAULT_CHECK, stored, await vault.ask(MarkKey())),)
    context = job.context()
    unit = UnitOfWork(
        at=context.now,
        trace=context.trace,
        settings=change,
        audit=(
            context.audit(
                ROTATE,
                "Instance",
                "wallets",
                result="partial" if left else "ok",
                after={"resealed": done, "left": list(left[:_LEFT_SHOWN])},
            ),
        ),
    )
    result = {"resealed": done, "left": list(left[:_LEFT_SHOWN]), "leftCount": len(left)}
    if not await job.commit(unit, result):
        raise DomainError(ErrorCode.SERVICE_UNAVAILABLE, "another process has changed the key")
