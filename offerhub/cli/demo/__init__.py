"""`offerhub demo`: a purchase and a dispute played through the public API, shown as they happen."""

from offerhub.cli.demo.command import demo_command

__all__ = ["demo_command"]
