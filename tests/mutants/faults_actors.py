"""Faults of the actors and of what they reach: lanes, the watcher, the vault, the network."""

from typing import Final

from tests.mutants.planting import Fault

CHAIN_FAULTS: Final = (
    Fault(
        "an unknown outcome is taken for dead",
        "actors/envelope_follower.py",
        "            case Finding(Verdict.UNPROVEN):\n"
        "                return await self._submitted(operation, found.reason)",
        "            case Finding(Verdict.UNPROVEN):\n"
        "                return await self._expire(operation, found.reason)",
        ("tests/actors/test_lying_network.py", "tests/actors/test_lane.py"),
    ),
    Fault(
        "signed envelopes of an earlier life are forgotten by the lane",
        "actors/lane.py",
        "            return await storage.next_operations(source, self._parts.core.now(), 2)\n",
        "            found = await storage.next_operations(source, self._parts.core.now(), 2)\n"
        "            return [each for each in found if each.status is ChainStatus.PLANNED]\n",
        ("tests/actors/test_lane.py", "tests/actors/test_recovery.py"),
    ),
    Fault(
        "a server of another network proves that an envelope is dead",
        "actors/envelope_death.py",
        "    if state.passphrase != parts.rules.passphrase:\n",
        "    if not state.passphrase:\n",
        ("tests/actors/test_lying_network.py",),
    ),
    Fault(
        "an envelope reaches the network before it is stored",
        "actors/lane.py",
        '        reach(f"lane.before_signed.{operation.step}")\n',
        '        reach(f"lane.before_signed.{operation.step}")\n'
        "        await self._parts.network.submit(envelope.envelope, envelope.tx_hash)\n",
        ("tests/actors/test_lane.py",),
    ),
    Fault(
        "a payout counts in whatever asset it comes",
        "actors/envelope_follower.py",
        "            and transfer.asset_issuer == usdc.usdc_issuer\n",
        "",
        ("tests/actors/test_payouts_seen.py",),
    ),
    Fault(
        "a failure is built again although it has moved something",
        "actors/envelope_follower.py",
        "        if await self._parts.network.transfers(tx_hash):\n",
        "        if not tx_hash:\n",
        ("tests/actors/test_lying_network.py",),
    ),
    Fault(
        "the next attempt does not look for the one before",
        "actors/earlier_attempts.py",
        "        if operation.attempt == 1 or not operation.rules.moves_money:\n",
        "        if operation.attempt >= 1 or not operation.rules.moves_money:\n",
        ("tests/actors/test_lying_network.py", "tests/actors/test_lane.py"),
    ),
    Fault(
        "a snapshot is shown before its commit",
        "actors/journal.py",
        '        reach("journal.before_commit")\n',
        '        reach("journal.before_commit")\n'
        "        for entity in [each for entry in group for each in entry.unit.writes]:\n"
        "            if self._on_write is not None:\n"
        "                self._on_write(entity)\n",
        (
            "tests/actors/test_journal.py",
            "tests/actors/test_board.py",
            "tests/actors/test_orders.py",
        ),
    ),
    Fault(
        "what was committed is delivered to nobody",
        "actors/journal.py",
        "            if isinstance(entry.outcome, Committed):\n"
        "                self._hub.publish(entry.outcome.events)\n            _wake(entry)",
        "            _wake(entry)",
        ("tests/actors/test_journal.py",),
    ),
    Fault(
        "whoever waits for a journal that crashed is told that it is committed",
        "actors/journal.py",
        "                    entry.failed = True\n",
        "                    entry.failed, entry.outcome = True, Committed(events=())\n",
        ("tests/actors/test_journal.py",),
    ),
    Fault(
        "USDC of any issuer is credited",
        "actors/watcher.py",
        "            and transfer.asset_issuer == self._parts.usdc_issuer\n",
        "",
        ("tests/actors/test_what_is_credited.py",),
    ),
    Fault(
        "the watcher credits on over a hole in history",
        "actors/watcher.py",
        "        if ledger < state.elder_ledger - 1:\n",
        "        if ledger < 0:\n",
        ("tests/actors/test_watcher.py",),
    ),
    Fault(
        "the watcher credits payments that failed",
        "actors/watcher.py",
        "            if isinstance(record, PaymentRecord) and record.successful\n",
        "            if isinstance(record, PaymentRecord)\n",
        ("tests/actors/test_what_is_credited.py",),
    ),
    Fault(
        "a withdrawal may go to the platform's own accounts",
        "actors/withdrawals.py",
        "destination == wallet.public_key or destination in self._parts.closed_addresses",
        "destination == wallet.public_key",
        ("tests/actors/test_withdrawals.py",),
    ),
    Fault(
        "a wallet whose wake-up was lost waits for the next start",
        "actors/wallets.py",
        "            self._take_up(await retry_until_available(storage.wallets_activating, random))\n"
        "        wanted",
        "            pass\n        wanted",
        ("tests/actors/test_users.py", "tests/actors/test_wallets.py"),
    ),
    Fault(
        "what comes due is woken when the next minute begins",
        "actors/timer.py",
        "        elif self._sleeps_until is None or due.at < self._sleeps_until:\n",
        "        elif self._sleeps_until is None:\n",
        ("tests/actors/test_timer.py",),
    ),
    Fault(
        "a displaced process works on",
        "actors/fence.py",
        "        self._on_displaced()\n",
        "",
        ("tests/actors/test_fence.py",),
    ),
    Fault(
        "an actor that crashed leaves its asker waiting",
        "actors/kernel/_cell.py",
        "            self._answer(outcome.Error(unanswered(self.name)))\n",
        "",
        ("tests/actors/test_kernel.py",),
    ),
    Fault(
        "a circle of asks is found by nobody",
        "actors/kernel/_asks.py",
        "        if way_back is not None:\n",
        "        if way_back == ():\n",
        ("tests/actors/test_kernel_shape.py",),
    ),
)

VAULT_FAULTS: Final = (
    Fault(
        "the vault signs a payment with another memo",
        "offerhub/providers/stellar/check.py",
        "    if transaction.memo != memo_of(intent).to_xdr_object():\n",
        "    if transaction.memo is None:\n",
        ("tests/providers/test_check.py",),
    ),
    Fault(
        "the vault signs operations other than those asked for",
        "offerhub/providers/stellar/check.py",
        "        if found != wanted:\n",
        "        if type(found) is not type(wanted):\n",
        ("tests/providers/test_check.py",),
    ),
    Fault(
        "the vault signs an envelope that lives for ever",
        "offerhub/providers/stellar/check.py",
        "    if max_time == 0:\n",
        "    if max_time < 0:\n",
        ("tests/providers/test_check.py",),
    ),
    Fault(
        "the vault signs a call that authorises more than it makes",
        "offerhub/providers/stellar/check.py",
        "    if root.function.contract_fn != call:\n",
        "    if root.function is None:\n",
        ("tests/providers/test_check.py",),
    ),
    Fault(
        "a seed opens in another wallet's row",
        "actors/sealing.py",
        '    return f"{wallet_id}\\n{public_key}".encode()',
        '    return b"a wallet"',
        ("tests/actors/test_sealing.py",),
    ),
    Fault(
        "the vault signs by a clock that is minutes off",
        "actors/vault.py",
        "        if not clocks_agree(message.network.latest_closed_at, self._now()):\n",
        "        if self._now() is None:\n",
        ("tests/actors/test_vault.py",),
    ),
    Fault(
        "the budget of an hour is spent at once",
        "offerhub/providers/rate.py",
        "        return self._full_at - (self._burst - 1) * self._interval_s - now\n",
        "        return 0.0\n",
        ("tests/providers/test_rate.py",),
    ),
    Fault(
        "the least urgent never get their share of a budget",
        "offerhub/providers/rate.py",
        "        if one_of is None or self._passed_over[rank] < one_of - 1:\n",
        "        if one_of is None or one_of:\n",
        ("tests/providers/test_rate.py",),
    ),
    Fault(
        "a 429 stops nobody",
        "offerhub/providers/rate.py",
        "        return max(allowed_in_s, self._paused_until - now)\n",
        "        return allowed_in_s\n",
        ("tests/providers/test_rate.py",),
    ),
)
