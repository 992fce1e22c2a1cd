"""Horizon's resources as JSON values (docs/spec/stellar-horizon.md §2.4); absent fields are left out, never null."""

import base64
from datetime import datetime

from offerhub.sandbox.engine.entries import AccountEntry, TrustlineEntry
from offerhub.sandbox.engine.header import LEDGER_OPERATIONS_MAX, PROTOCOL_VERSION, header_bytes
from offerhub.sandbox.engine.records import Fields, asset_fields, decimal
from offerhub.sandbox.engine.reserves import BASE_FEE, BASE_RESERVE
from offerhub.sandbox.engine.rows import LedgerRow, OperationRow, TransactionRow
from offerhub.sandbox.horizon.view import View

_PAGED = "{?cursor,limit,order}"


def time_of(moment: datetime) -> str:
    """Write a time as Horizon does: whole seconds, cut off."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _link(href: str, *, templated: bool = False) -> Fields:
    return {"href": href, "templated": True} if templated else {"href": href}


def _paged(href: str) -> Fields:
    return _link(href + _PAGED, templated=True)


class Resources:
    """Builds the resources for one request: every link begins with the client's own base URL."""

    def __init__(self, view: View, base_url: str) -> None:
        self._view = view
        self._base = base_url

    def root(self, passphrase: str) -> Fields:
        base, latest = self._base, self._view.latest
        return {
            "_links": {
                "account": _link(f"{base}/accounts/{{account_id}}", templated=True),
                "accounts": _paged(f"{base}/accounts"),
                "account_transactions": _paged(f"{base}/accounts/{{account_id}}/transactions"),
                "claimable_balances": _paged(f"{base}/claimable_balances"),
                "assets": _paged(f"{base}/assets"),
                "effects": _paged(f"{base}/effects"),
                "fee_stats": _link(f"{base}/fee_stats"),
                "friendbot": _link(f"{base}/friendbot{{?addr}}", templated=True),
                "ledger": _link(f"{base}/ledgers/{{sequence}}", templated=True),
                "ledgers": _paged(f"{base}/ledgers"),
                "liquidity_pools": _paged(f"{base}/liquidity_pools"),
                "offer": _link(f"{base}/offers/{{offer_id}}", templated=True),
                "offers": _paged(f"{base}/offers"),
                "operation": _link(f"{base}/operations/{{id}}", templated=True),
                "operations": _paged(f"{base}/operations"),
                "order_book": _link(f"{base}/order_book"),
                "payments": _paged(f"{base}/payments"),
                "self": _link(f"{base}/"),
                "strict_receive_paths": _link(f"{base}/paths/strict-receive"),
                "strict_send_paths": _link(f"{base}/paths/strict-send"),
                "trade_aggregations": _link(f"{base}/trade_aggregations"),
                "trades": _paged(f"{base}/trades"),
                "transaction": _link(f"{base}/transactions/{{hash}}", templated=True),
                "transactions": _paged(f"{base}/transactions"),
            },
            "horizon_version": "sandbox",
            "core_version": "sandbox",
            "ingest_latest_ledger": latest.sequence,
            "history_latest_ledger": latest.sequence,
            "history_latest_ledger_closed_at": time_of(latest.closed_at),
            "history_elder_ledger": self._view.elder,
            "core_latest_ledger": self._view.history.latest.sequence,
            "network_passphrase": passphrase,
            "current_protocol_version": PROTOCOL_VERSION,
            "supported_protocol_version": PROTOCOL_VERSION,
            "core_supported_protocol_version": PROTOCOL_VERSION,
        }

    def account(self, entry: AccountEntry, lines: tuple[TrustlineEntry, ...]) -> Fields:
        address, here = entry.address, f"{self._base}/accounts/{entry.address}"
        modified = self._view.history.ledger(entry.last_modified_ledger)
        fields: Fields = {
            "_links": {
                "self": _link(here),
                "transactions": _paged(f"{here}/transactions"),
                "operations": _paged(f"{here}/operations"),
                "payments": _paged(f"{here}/payments"),
                "effects": _paged(f"{here}/effects"),
                "offers": _paged(f"{here}/offers"),
                "trades": _paged(f"{here}/trades"),
                "data": _link(f"{here}/data/{{key}}", templated=True),
            },
            "id": address,
            "account_id": address,
            "sequence": str(entry.sequence),
            "subentry_count": entry.subentry_count,
            "last_modified_ledger": entry.last_modified_ledger,
            "last_modified_time": None if modified is None else time_of(modified.closed_at),
            "thresholds": {"low_threshold": 0, "med_threshold": 0, "high_threshold": 0},
            "flags": {
                "auth_required": False,
                "auth_revocable": False,
                "auth_immutable": False,
                "auth_clawback_enabled": False,
            },
            "balances": [*map(_balance, lines), _native_balance(entry)],
            "signers": [{"weight": 1, "key": address, "type": "ed25519_public_key"}],
            "data": {},
            "num_sponsoring": entry.num_sponsoring,
            "num_sponsored": entry.num_sponsored,
            "paging_token": address,
        }
        if entry.sequence_ledger is not None:
            fields["sequence_ledger"] = entry.sequence_ledger
            fields["sequence_time"] = str(entry.sequence_time)
        if entry.sponsor is not None:
            fields["sponsor"] = entry.sponsor
        return fields

    def transaction(self, row: TransactionRow) -> Fields:
        base, here = self._base, f"{self._base}/transactions/{row.hash}"
        return {
            "_links": {
                "self": _link(here),
                "account": _link(f"{base}/accounts/{row.source}"),
                "ledger": _link(f"{base}/ledgers/{row.ledger}"),
                "operations": _paged(f"{here}/operations"),
                "effects": _paged(f"{here}/effects"),
                "precedes": _link(f"{base}/transactions?order=asc&cursor={row.id}"),
                "succeeds": _link(f"{base}/transactions?order=desc&cursor={row.id}"),
                "transaction": _link(here),
            },
            "id": row.hash,
            "paging_token": str(row.id),
            "successful": row.successful,
            "hash": row.hash,
            "ledger": row.ledger,
            "created_at": time_of(row.closed_at),
            "source_account": row.source,
            "source_account_sequence": str(row.sequence),
            "fee_account": row.source,
            "fee_charged": str(row.fee_charged),
            "max_fee": str(row.max_fee),
            "operation_count": row.operation_count,
            "envelope_xdr": row.envelope_xdr,
            "result_xdr": row.result_xdr,
            "fee_meta_xdr": "AAAAAA==",  # no ledger entry changes: the sandbox keeps no meta
            **row.record,
        }

    def operation(self, row: OperationRow, *, join: bool) -> Fields:
        base, here = self._base, f"{self._base}/operations/{row.id}"
        transaction = row.transaction
        fields: Fields = {
            "_links": {
                "self": _link(here),
                "transaction": _link(f"{base}/transactions/{transaction.hash}"),
                "effects": _link(f"{here}/effects"),
                "succeeds": _link(f"{base}/effects?order=desc&cursor={row.id}"),
                "precedes": _link(f"{base}/effects?order=asc&cursor={row.id}"),
            },
            "id": str(row.id),
            "paging_token": str(row.id),
            "transaction_successful": transaction.successful,
            "source_account": row.source,
            "type": row.type,
            "type_i": row.type_i,
            "created_at": time_of(transaction.closed_at),
            "transaction_hash": transaction.hash,
            **row.details,
        }
        if join:
            fields["transaction"] = self.transaction(transaction)
        if row.sponsor is not None:
            fields["sponsor"] = row.sponsor
        return fields

    def ledger(self, row: LedgerRow) -> Fields:
        here = f"{self._base}/ledgers/{row.sequence}"
        header = header_bytes(row)
        fields: Fields = {
            "_links": {
                "self": _link(here),
                "transactions": _paged(f"{here}/transactions"),
                "operations": _paged(f"{here}/operations"),
                "payments": _paged(f"{here}/payments"),
                "effects": _paged(f"{here}/effects"),
            },
            "id": row.hash,
            "paging_token": str(row.id),
            "hash": row.hash,
            "sequence": row.sequence,
            "successful_transaction_count": row.successful_count,
            "failed_transaction_count": row.failed_count,
            "operation_count": row.operation_count,
            "tx_set_operation_count": row.operation_count + row.failed_operation_count,
            "closed_at": time_of(row.closed_at),
            "total_coins": decimal(row.total_coins),
            "fee_pool": decimal(row.fee_pool),
            "base_fee_in_stroops": BASE_FEE,
            "base_reserve_in_stroops": BASE_RESERVE,
            "max_tx_set_size": LEDGER_OPERATIONS_MAX,
            "protocol_version": PROTOCOL_VERSION,
            "header_xdr": base64.b64encode(header).decode(),
        }
        if row.sequence > self._view.history.first_ledger:
            fields["prev_hash"] = row.previous_hash
        return fields


def _balance(line: TrustlineEntry) -> Fields:
    fields: Fields = {
        "balance": decimal(line.balance),
        "limit": decimal(line.limit),
        "buying_liabilities": decimal(0),
        "selling_liabilities": decimal(0),
        "last_modified_ledger": line.last_modified_ledger,
        "is_authorized": True,
        "is_authorized_to_maintain_liabilities": True,
        **asset_fields(line.asset),
    }
    if line.sponsor is not None:
        fields["sponsor"] = line.sponsor
    return fields


def _native_balance(entry: AccountEntry) -> Fields:
    return {
        "balance": decimal(entry.balance),
        "buying_liabilities": decimal(0),
        "selling_liabilities": decimal(0),
        "asset_type": "native",
    }
