"""OFFER-HUB Orchestrator: balances, orders and on-chain escrow for one marketplace."""

__version__ = "0.1.0"
