"""The operator's command line."""

from offerhub.cli.main import main

__all__ = ["main"]
