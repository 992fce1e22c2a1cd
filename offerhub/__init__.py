"""OFFER-HUB Orchestrator: the rules and the program."""
