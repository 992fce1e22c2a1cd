"""Places where a test may stop the process: before and after every commit and submission.

In production nothing is installed and `reach` costs one comparison.
"""

from collections.abc import Callable

_watcher: Callable[[str], None] | None = None


def watch(watcher: Callable[[str], None] | None) -> None:
    """Report every failpoint that is reached to `watcher`; `None` removes it.

    Only the test setting of the composition root, and tests, call this.
    """
    global _watcher  # noqa: PLW0603 - one process has one watcher
    _watcher = watcher


def reach(name: str) -> None:
    """Tell that a failpoint is reached."""
    if _watcher is not None:
        _watcher(name)
