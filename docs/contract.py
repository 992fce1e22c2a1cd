"""Which test shows each endpoint and each error code of the API; fails when one has none.

The rows are those of `docs/spec/api.md`, Endpoints, and the codes of `ErrorCode`. A test says what
it shows with a marker, and `tests/contract.py` holds it to that while it runs:

    @pytest.mark.shows("POST /orders/{id}/reserve", "FUNDS_ALREADY_RESERVED")
    async def test_…

An endpoint is shown by an answer that is no error, a code by an answer that carries it. The table,
`docs/contract.md`, is generated from the markers.
"""

import ast
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from attrs import frozen

from offerhub.domain.errors import ErrorCode
from web.call import Route
from web.routes import ROUTES
from web.statuses import STATUS

ROOT: Final = Path(__file__).resolve().parents[1]
SPECIFICATION: Final = ROOT / "docs/spec/api.md"
TESTS: Final = ROOT / "tests"

_AIRTM: Final = "AirTM, which this version does not have"

NOT_BUILT: Final[Mapping[str, str]] = {
    "ESCROW_NOT_FOUND": "no endpoint asks for an escrow by its own id",
    "TOPUP_NOT_FOUND": _AIRTM,
    "AIRTM_USER_ALREADY_LINKED": _AIRTM,
    "AIRTM_USER_NOT_LINKED": _AIRTM,
    "AIRTM_USER_INVALID": _AIRTM,
    "PROVIDER_RATE_LIMITED": _AIRTM,
    "PROVIDER_UNAVAILABLE": _AIRTM,
    "PROVIDER_TIMEOUT": _AIRTM,
}
"""Endpoint or code → why no test can show it in this version. One that a test shows is a fault."""

_METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE")
_PART: Final = re.compile(rf"(?:({'|'.join(_METHODS)})\s+)?([/…][\w/{{}}.…-]*)")
_SHOWN_MAX: Final = 3
"""How many tests the table names for one row; one is enough to be sure of it."""


@frozen
class Claim:
    """A test says that it shows an endpoint or a code."""

    what: str
    path: str
    line: int
    test: str


def endpoints(specification: str) -> list[str]:
    """Every `METHOD /path` of the endpoint table, in its order.

    A cell names several: `GET /users, /users/{id}`. `…/x` stands below the path before it if that
    ends with a parameter, or if x is one; else beside it, as `/x` does after a path of three parts.
    """
    return list(scopes(specification))


def scopes(specification: str) -> dict[str, str]:
    """Every endpoint of the table, with what its row says under scope."""
    table = specification.split("\n## Endpoints\n", 1)[1].split("\n## ", 1)[0]
    found: dict[str, str] = {}
    path = ""
    for cell, scope in re.findall(r"^\| (.+?) \| (.*?) \|", table, re.MULTILINE):
        method, first = "", True
        for each in _PART.finditer(_without_bodies(cell)):
            method = each[1] or method
            if not method:
                break
            path = _resolved(each[2], path, first=first)
            first = False
            found.setdefault(f"{method} {path}", scope)
    return found


def _without_bodies(cell: str) -> str:
    """The cell without a body or query after a path: `…/release {recipientId or sellerId}`."""
    return re.sub(r"\s(?:\{[^{}]*\}|\([^()]*\))|\?[\w=]+", "", cell)


def _resolved(written: str, before: str, *, first: bool) -> str:
    beside = before.rpartition("/")[0]
    if written.startswith("…"):
        rest = written.removeprefix("…/")
        below = before.endswith("}") or rest.startswith("{")
        return f"{before if below else beside}/{rest}"
    short = written.count("/") == 1 and before.count("/") >= 3
    return f"{beside}{written}" if short and not first else written


def claims(tests: Path) -> Iterator[Claim]:
    """What the markers of all tests say, read from their source."""
    for path in sorted(tests.rglob("test_*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            for decorator in node.decorator_list:
                if isinstance(decorator, ast.Call) and ast.unparse(decorator.func).endswith(
                    "mark.shows"
                ):
                    for argument in decorator.args:
                        what = argument.value if isinstance(argument, ast.Constant) else ""
                        yield Claim(str(what), str(path), argument.lineno, node.name)


def shown(route: Route) -> str:
    """The route as the specification writes it: `GET /users/{id}`."""
    return f"{route.method} {route.path.replace('<', '{').replace('>', '}')}"


def faults(
    rows: Sequence[str],
    codes: Iterable[str],
    made: Sequence[Claim],
    built: Iterable[str],
    not_built: Mapping[str, str],
) -> Iterator[str]:
    """What is wrong: no test, no row, no such row; empty if nothing is."""
    wanted = [*rows, *codes]
    told = {claim.what for claim in made}
    for what in wanted:
        if what not in told and what not in not_built:
            yield f"no test shows {what}: mark one with @pytest.mark.shows({what!r})"
    for what in not_built:
        if what in told:
            yield f"docs/contract.py says that {what} is not built, and a test shows it"
        if what not in wanted:
            yield f"docs/contract.py excepts {what}, which the specification does not have"
    for claim in made:
        if claim.what not in wanted:
            yield f"{claim.path}:{claim.line}: {claim.what!r} is no endpoint or code of the API"
    for endpoint in built:
        if endpoint not in rows:
            yield f"docs/spec/api.md, Endpoints, has no row for {endpoint}"


_HEAD: Final = """# What shows the contract

Generated from the markers of the tests by `make docs`.

Every endpoint of [the API](spec/api.md#endpoints) and every [error code](errors.md), each with tests that show it.
An endpoint is shown by an answer that is no error, a code by an answer that carries it.
A marked test fails when it gets no such answer.
`make check` fails when an endpoint or a code has no test.

"""


def render_contract() -> str:
    """The page."""
    rows = endpoints(SPECIFICATION.read_text(encoding="utf-8"))
    by_what: dict[str, list[Claim]] = {}
    for claim in claims(TESTS):
        by_what.setdefault(claim.what, []).append(claim)
    lines = ["## Endpoints", "", "| endpoint | shown by |", "|---|---|"]
    lines += [f"| `{row}` | {_tests(row, by_what)} |" for row in rows]
    lines += ["", "## Error codes", "", "| status | code | shown by |", "|---|---|---|"]
    for code in sorted(ErrorCode, key=STATUS.__getitem__):
        lines.append(f"| {STATUS[code]} | `{code.value}` | {_tests(code.value, by_what)} |")
    return _HEAD + "\n".join(lines) + "\n"


def _tests(what: str, by_what: Mapping[str, Sequence[Claim]]) -> str:
    if what in NOT_BUILT:
        return NOT_BUILT[what]
    return "<br>".join(
        f"[{claim.test}](../{Path(claim.path).relative_to(ROOT)})"
        for claim in by_what.get(what, ())[:_SHOWN_MAX]
    )


def main() -> int:
    """Print every fault; the exit code is 1 if there is one."""
    rows = endpoints(SPECIFICATION.read_text(encoding="utf-8"))
    found = list(
        faults(
            rows,
            [code.value for code in ErrorCode],
            list(claims(TESTS)),
            [shown(route) for route in ROUTES],
            NOT_BUILT,
        )
    )
    for fault in found:
        print(fault, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
