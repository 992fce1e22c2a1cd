"""The tree that `GET /admin/tree` shows carries no secret, however deep the error sits."""

from actors.kernel import Node, State
from offerhub.composition.work import redacted
from offerhub.redaction import REDACTED, Redactor

SECRET = "correct horse battery staple"


def test_errors_at_any_depth_are_redacted_and_the_rest_is_as_it_was() -> None:
    leaf = Node("leaf", State.RESTARTING, restarts=2, last_error=f"OSError: {SECRET} refused")
    quiet = Node("quiet", State.RUNNING)
    root = Node(
        "root", State.RUNNING, children=(Node("mid", State.RUNNING, children=(leaf, quiet)),)
    )
    shown = redacted(lambda: root, Redactor((SECRET,)))
    (mid,) = shown.children
    assert f"OSError: {REDACTED} refused" == mid.children[0].last_error
    assert 2 == mid.children[0].restarts
    assert quiet == mid.children[1]
