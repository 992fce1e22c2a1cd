"""The address of an escrow contract, known before its deployment is submitted (docs/spec/trustless-work.md §2.2)."""

import hashlib

from stellar_sdk import Address, StrKey, xdr


def deployed_contract_id(network_id: bytes, factory: str, salt: bytes) -> str:
    """The id of the contract that `factory` deploys with `salt`: SHA-256 of its `HashIdPreimage`."""
    preimage = xdr.HashIDPreimage(
        xdr.EnvelopeType.ENVELOPE_TYPE_CONTRACT_ID,
        contract_id=xdr.HashIDPreimageContractID(
            network_id=xdr.Hash(network_id),
            contract_id_preimage=xdr.ContractIDPreimage(
                xdr.ContractIDPreimageType.CONTRACT_ID_PREIMAGE_FROM_ADDRESS,
                from_address=xdr.ContractIDPreimageFromAddress(
                    address=Address(factory).to_xdr_sc_address(), salt=xdr.Uint256(salt)
                ),
            ),
        ),
    )
    return StrKey.encode_contract(hashlib.sha256(preimage.to_xdr_bytes()).digest())
