"""`offerhub demo`: one purchase played through the public API, shown as it happens."""

from offerhub.cli.demo.command import demo_command

__all__ = ["demo_command"]
