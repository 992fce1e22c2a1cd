"""Contract values to records and back (docs/spec/trustless-work.md §2.2).

Reading is strict: a struct has exactly its fields, in the order of the network. What does not fit
raises `HostRefused`, as the virtual machine traps on an argument of the wrong type.
"""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import TypeVar

from stellar_sdk import scval, xdr
from stellar_sdk.exceptions import SdkError

from offerhub.sandbox.escrow.addresses import address_text, address_value
from offerhub.sandbox.escrow.record import Escrow, Flags, Milestone, Roles
from offerhub.sandbox.escrow.refusals import HostRefused

T = TypeVar("T")
V = TypeVar("V")

_RECORDS_MAX = 4_096
"""Converted records that are remembered: a step meets the same record several times."""

UNEXPECTED_TYPE = "Value, UnexpectedType"


@lru_cache(_RECORDS_MAX)
def escrow_to_scval(escrow: Escrow) -> xdr.SCVal:
    """The record as a struct: a map whose keys are sorted symbols. Shared: not to be changed."""
    roles, flags = escrow.roles, escrow.flags
    return scval.to_struct(
        {
            "amount": scval.to_int128(escrow.amount_stroops),
            "description": scval.to_string(escrow.description),
            "engagement_id": scval.to_string(escrow.engagement_id),
            "flags": scval.to_struct(
                {
                    "disputed": scval.to_bool(flags.disputed),
                    "released": scval.to_bool(flags.released),
                    "resolved": scval.to_bool(flags.resolved),
                }
            ),
            "milestones": scval.to_vec(
                [
                    scval.to_struct(
                        {
                            "approved": scval.to_bool(milestone.approved),
                            "description": scval.to_string(milestone.description),
                            "evidence": scval.to_string(milestone.evidence),
                            "status": scval.to_string(milestone.status),
                        }
                    )
                    for milestone in escrow.milestones
                ]
            ),
            "platform_fee": scval.to_uint32(escrow.platform_fee_bps),
            "receiver_memo": scval.to_uint32(escrow.receiver_memo),
            "roles": scval.to_struct(
                {
                    "approver": address_value(roles.approver),
                    "dispute_resolver": address_value(roles.dispute_resolver),
                    "platform": address_value(roles.platform),
                    "receiver": address_value(roles.receiver),
                    "release_signer": address_value(roles.release_signer),
                    "service_provider": address_value(roles.service_provider),
                }
            ),
            "title": scval.to_string(escrow.title),
            "trustline": scval.to_struct({"address": address_value(escrow.trustline)}),
        }
    )


@lru_cache(_RECORDS_MAX)
def escrow_to_bytes(escrow: Escrow) -> bytes:
    """The record as the ledger keeps it."""
    return escrow_to_scval(escrow).to_xdr_bytes()


@lru_cache(_RECORDS_MAX)
def escrow_from_bytes(data: bytes) -> Escrow:
    """Read what `escrow_to_bytes` made."""
    return escrow_from_scval(xdr.SCVal.from_xdr_bytes(data))


def escrow_from_scval(value: xdr.SCVal) -> Escrow:
    """Read a record; raises `HostRefused` for anything but a well-formed one."""
    fields = _struct(
        value,
        "amount description engagement_id flags milestones platform_fee receiver_memo roles title"
        " trustline",
    )
    flags = _struct(fields["flags"], "disputed released resolved")
    roles = _struct(
        fields["roles"],
        "approver dispute_resolver platform receiver release_signer service_provider",
    )
    return Escrow(
        engagement_id=text(fields["engagement_id"]),
        title=text(fields["title"]),
        description=text(fields["description"]),
        roles=Roles(**{name: address(role) for name, role in roles.items()}),
        amount_stroops=int128(fields["amount"]),
        platform_fee_bps=_read(scval.from_uint32, fields["platform_fee"]),
        milestones=tuple(_milestone(item) for item in _read(scval.from_vec, fields["milestones"])),
        trustline=address(_struct(fields["trustline"], "address")["address"]),
        flags=Flags(**{name: _read(scval.from_bool, flag) for name, flag in flags.items()}),
        receiver_memo=_read(scval.from_uint32, fields["receiver_memo"]),
    )


def _milestone(value: xdr.SCVal) -> Milestone:
    fields = _struct(value, "approved description evidence status")
    return Milestone(
        description=text(fields["description"]),
        status=text(fields["status"]),
        evidence=text(fields["evidence"]),
        approved=_read(scval.from_bool, fields["approved"]),
    )


def address(value: xdr.SCVal) -> str:
    """An account (`G...`) or contract (`C...`) address."""
    if value.address is None:
        raise HostRefused(UNEXPECTED_TYPE)
    return _read(address_text, value.address)


def int128(value: xdr.SCVal) -> int:
    """A signed 128-bit number."""
    return _read(scval.from_int128, value)


def text(value: xdr.SCVal) -> str:
    """A string; the contract would keep any bytes, the sandbox insists on UTF-8."""
    try:
        return _read(scval.from_string, value).decode()
    except UnicodeDecodeError:
        raise HostRefused(UNEXPECTED_TYPE) from None


def optional_text(value: xdr.SCVal) -> str | None:
    """`Option<String>`: void means none."""
    return None if value.type == xdr.SCValType.SCV_VOID else text(value)


def symbol(value: xdr.SCVal) -> str:
    """A symbol, such as the name of a function."""
    return _read(scval.from_symbol, value)


def bytes32(value: xdr.SCVal) -> bytes:
    """Exactly 32 bytes: a hash or a salt."""
    content = _read(scval.from_bytes, value)
    if len(content) != 32:
        raise HostRefused(UNEXPECTED_TYPE)
    return content


def vector(value: xdr.SCVal) -> tuple[xdr.SCVal, ...]:
    """The items of a vector."""
    return tuple(_read(scval.from_vec, value))


def distributions(value: xdr.SCVal) -> dict[str, int]:
    """`Map<Address, i128>`, in the order of its keys: the order in which it is paid (§7.2)."""
    result = {address(key): int128(amount) for key, amount in _entries(value)}
    if value != distributions_to_scval(result):
        raise HostRefused(
            UNEXPECTED_TYPE
        )  # keys unsorted or repeated: the network accepts no such map
    return result


def distributions_to_scval(amounts: Mapping[str, int]) -> xdr.SCVal:
    """Gross amounts per recipient, keys sorted as the network wants them."""
    return scval.to_map(
        {address_value(to): scval.to_int128(amount) for to, amount in amounts.items()}
    )


def _read(reader: Callable[[V], T], value: V) -> T:
    try:
        return reader(value)
    except (ValueError, SdkError):
        raise HostRefused(UNEXPECTED_TYPE) from None


def _entries(value: xdr.SCVal) -> list[tuple[xdr.SCVal, xdr.SCVal]]:
    if value.type != xdr.SCValType.SCV_MAP or value.map is None:
        raise HostRefused(UNEXPECTED_TYPE)
    return [(entry.key, entry.val) for entry in value.map.sc_map]


def _struct(value: xdr.SCVal, names: str) -> dict[str, xdr.SCVal]:
    """The fields of a struct that must have exactly these names, sorted."""
    entries = [(symbol(key), field) for key, field in _entries(value)]
    if [name for name, _ in entries] != names.split():
        raise HostRefused(UNEXPECTED_TYPE)
    return dict(entries)
