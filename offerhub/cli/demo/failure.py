"""How the demonstration fails."""


class DemoFailed(Exception):
    """The purchase did not go as it must, or figures differ; the message is for people."""
