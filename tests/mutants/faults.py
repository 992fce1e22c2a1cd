"""The kept list. A fault that once lived through the tests stays here, with the test that ends it."""

from typing import Final

from tests.mutants.faults_actors import CHAIN_FAULTS, VAULT_FAULTS
from tests.mutants.faults_books import DOMAIN_FAULTS, STORAGE_FAULTS
from tests.mutants.faults_client import CLIENT_FAULTS
from tests.mutants.faults_money import (
    BALANCE_FAULTS,
    DISPUTE_FAULTS,
    FEE_FAULTS,
    OPERATION_FAULTS,
    SETTLEMENT_FAULTS,
)
from tests.mutants.faults_time import TIME_FAULTS
from tests.mutants.faults_web import WEB_FAULTS
from tests.mutants.planting import Fault

FAULTS: Final[tuple[Fault, ...]] = (
    *DOMAIN_FAULTS,
    *STORAGE_FAULTS,
    *CHAIN_FAULTS,
    *VAULT_FAULTS,
    *TIME_FAULTS,
    *WEB_FAULTS,
    *FEE_FAULTS,
    *DISPUTE_FAULTS,
    *BALANCE_FAULTS,
    *SETTLEMENT_FAULTS,
    *OPERATION_FAULTS,
    *CLIENT_FAULTS,
)
