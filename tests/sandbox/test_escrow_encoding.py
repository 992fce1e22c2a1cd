"""Records as contract values, and a contract's address before it exists (docs/spec/trustless-work.md §2.2, §15)."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stellar_sdk import scval

from offerhub.sandbox.escrow.contract_id import deployed_contract_id
from offerhub.sandbox.escrow.encoding import escrow_from_scval, escrow_to_scval
from offerhub.sandbox.escrow.record import Flags, Milestone
from offerhub.sandbox.escrow.refusals import HostRefused
from tests.sandbox.escrow_host import record


def test_the_contract_id_of_a_real_deployment_is_reproduced():
    testnet = hashlib.sha256(b"Test SDF Network ; September 2015").digest()
    contract_id = deployed_contract_id(
        testnet,
        "CAZZOSFFNQQSDOLPPGN5BDITMNSLZITXW4S7V5ISM5EAB2THBD7F2AHR",
        bytes.fromhex("ff9a57bbfec416926890e0a2f7da1d568eb9d4d5d42b173ca4ca1ebb3a2005e7"),
    )
    assert "CALCCZEHZB6OFERKCJFMOZGM4JSUCOHXVSDGXMS5HEMBD3PFU2JUT4L6" == contract_id


@given(
    st.text(max_size=20),
    st.integers(-(2**127), 2**127 - 1),
    st.lists(st.builds(Milestone, *[st.text(max_size=9)] * 3, st.booleans()), max_size=3),
    st.builds(Flags, st.booleans(), st.booleans(), st.booleans()),
)
def test_a_record_survives_the_way_to_the_ledger_and_back(title, amount, milestones, flags):
    escrow = record(title=title, amount_stroops=amount, milestones=tuple(milestones), flags=flags)
    assert escrow == escrow_from_scval(escrow_to_scval(escrow))


def test_the_keys_of_the_record_are_those_of_the_real_contract_in_sorted_order():
    value = escrow_to_scval(record())
    assert value.map is not None
    names = [scval.from_symbol(entry.key) for entry in value.map.sc_map]
    wanted = (
        "amount description engagement_id flags milestones platform_fee receiver_memo roles title"
    )
    assert [*wanted.split(), "trustline"] == names


def test_a_record_with_a_field_too_many_is_refused():
    value = escrow_to_scval(record())
    fields = scval.from_struct(value) | {"zebra": scval.to_bool(True)}
    with pytest.raises(HostRefused):
        escrow_from_scval(scval.to_struct(fields))
