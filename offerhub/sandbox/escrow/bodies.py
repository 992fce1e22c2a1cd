"""What the V1 endpoints take, and the validation that their framework does (docs/spec/trustless-work.md §3).

The whitelist is strict: an unknown property, a number where a text belongs or the reverse is a 400
with a list of messages, in the words of the validation library that the real API uses.
"""

from decimal import Decimal
from typing import Annotated, TypeVar, get_args, get_origin

import msgspec
from msgspec import Meta, Struct
from stellar_sdk import StrKey

from offerhub.sandbox.json_answers import NotJson, read_object, stroops_of

Account = Annotated[str, "account"]
Contract = Annotated[str, "contract"]
Asset = Annotated[str, "asset"]
Amount = Annotated[Decimal, "amount"]
Title = Annotated[str, Meta(max_length=100)]
Text = Annotated[str, Meta(max_length=500)]


class Body(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Base of all request bodies."""


class RolesBody(Body, frozen=True):
    """`roles` of a deployment."""

    approver: Account
    service_provider: Account
    platform_address: Account
    release_signer: Account
    dispute_resolver: Account
    receiver: Account


class MilestoneBody(Body, frozen=True):
    """A milestone of a deployment: status and evidence are the API's to set."""

    description: Text


class TrustlineBody(Body, frozen=True):
    """The asset: its issuer (a contract address passes here and fails at funding, §3.1)."""

    address: Asset
    symbol: str


class DeployBody(Body, frozen=True):
    """POST /deployer/single-release; `platform_fee` in percent."""

    signer: Account
    engagement_id: Title
    title: Title
    description: Text
    roles: RolesBody
    amount: Amount
    platform_fee: Decimal
    milestones: list[MilestoneBody]
    trustline: TrustlineBody
    receiver_memo: int = 0


class FundBody(Body, frozen=True):
    """POST fund-escrow."""

    contract_id: Contract
    signer: Account
    amount: Amount


class StatusBody(Body, frozen=True):
    """POST change-milestone-status."""

    contract_id: Contract
    milestone_index: str
    new_status: str
    service_provider: Account
    new_evidence: str | None = None


class ApproveBody(Body, frozen=True):
    """POST approve-milestone."""

    contract_id: Contract
    milestone_index: str
    approver: Account


class ReleaseBody(Body, frozen=True):
    """POST release-funds."""

    contract_id: Contract
    release_signer: Account


class DisputeBody(Body, frozen=True):
    """POST dispute-escrow."""

    contract_id: Contract
    signer: Account


class DistributionBody(Body, frozen=True):
    """One recipient and its gross amount."""

    address: Account
    amount: Amount


class ResolveBody(Body, frozen=True):
    """POST resolve-dispute and withdraw-remaining-funds."""

    contract_id: Contract
    dispute_resolver: Account
    distributions: list[DistributionBody]


class SendBody(Body, frozen=True):
    """POST /helper/send-transaction."""

    signed_xdr: str


class IndexBody(Body, frozen=True):
    """POST /indexer/update-from-txHash."""

    tx_hash: str


B = TypeVar("B", bound=Body)


class InvalidBody(Exception):
    """A body that the API's validation refuses; `messages` is a list, or one text for broken JSON."""

    def __init__(self, messages: list[str] | str) -> None:
        super().__init__(str(messages))
        self.messages = messages


def read_body(content: bytes, shape: type[B]) -> B:
    """Validate and convert a body. Raises `InvalidBody`."""
    try:
        raw = read_object(content)
    except NotJson as error:
        raise InvalidBody(str(error)) from None
    problems = _object_problems(shape, raw, "")
    if problems:
        raise InvalidBody(problems)
    return msgspec.convert(raw, shape)


def _object_problems(shape: type[Body], raw: object, path: str) -> list[str]:
    if not isinstance(raw, dict):
        return [f"{path.rstrip('.')} must be an object"]
    fields = {field.encode_name: field for field in msgspec.structs.fields(shape)}
    problems = [f"{path}property {name} should not exist" for name in raw if name not in fields]
    for name, field in fields.items():
        if name in raw and raw[name] is None and field.default is None:
            continue  # an optional text may be null
        if name in raw:
            problems += _value_problems(field.type, raw[name], path + name)
        elif field.required:
            problems += _value_problems(field.type, None, path + name)
    return problems


def _value_problems(wanted: object, value: object, name: str) -> list[str]:
    """Messages about one value; `wanted` is the annotation of its field."""
    marks: tuple[object, ...] = ()
    if get_origin(wanted) is Annotated:
        wanted, *rest = get_args(wanted)
        marks = tuple(rest)
    if get_origin(wanted) is list:
        (item,) = get_args(wanted)
        if not isinstance(value, list):
            return [f"{name} must be an array"]
        return [
            problem
            for place, entry in enumerate(value)
            for problem in _object_problems(item, entry, f"{name}.{place}.")
        ]
    if isinstance(wanted, type) and issubclass(wanted, Body):
        return _object_problems(wanted, value, f"{name}.")
    if wanted in (Decimal, int):
        return _number_problems(wanted, marks, value, name)
    return _text_problems(marks, value, name)


def _number_problems(
    wanted: object, marks: tuple[object, ...], value: object, name: str
) -> list[str]:
    message = f"{name} must be a number conforming to the specified constraints"
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return [message]
    if wanted is int:
        return [] if isinstance(value, int) and 0 <= value < 2**32 else [message]
    if "amount" in marks and stroops_of(Decimal(value)) is None:
        return [message]
    return []


def _text_problems(marks: tuple[object, ...], value: object, name: str) -> list[str]:
    if not isinstance(value, str):
        return [f"{name} must be a string"]
    for mark in marks:
        if isinstance(mark, Meta) and mark.max_length and len(value) > mark.max_length:
            return [f"{name} must be shorter than or equal to {mark.max_length} characters"]
    if "account" in marks and not StrKey.is_valid_ed25519_public_key(value):
        return [f"{name} must be a valid Stellar address"]
    if "contract" in marks and not StrKey.is_valid_contract(value):
        return [f"{name} must be a valid contract id"]
    if "asset" in marks and not (
        StrKey.is_valid_ed25519_public_key(value) or StrKey.is_valid_contract(value)
    ):
        return [f"{name} must be a valid Stellar address"]
    return []
