"""The Stellar network: Horizon's client, our transactions, and the check before a signature."""
