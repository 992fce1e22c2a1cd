"""An endpoint or a code without a test is found, and a test that does not show what it says."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[1]
pytest_plugins = ["pytester"]


def _load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("contract", ROOT / "docs" / "contract.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


contract = _load()

SPECIFICATION = """# The API

## Endpoints

| method and path | scope | answers |
|---|---|---|
| GET /openapi.json, /docs | - | a page |
| GET /metrics (no base path) | - | text |
| GET /users, /users/{id} | read | filter email |
| POST /users/{id}/balance/reserve | support | {amount} |
| POST …/cancel-reservation, …/release {recipientId or sellerId} | support | {amount} |
| GET /orders/{id}/milestones, POST …/{ref}/complete | read | |
| GET /topups, /topups/{id}; POST …/refresh | write | |
| GET /topups/callback?code= | - | |
| POST /admin/maintenance/enable {message?}, /disable; GET …/status | * | |

## Errors
"""


def test_every_endpoint_of_the_table_is_read():
    assert [
        "GET /openapi.json",
        "GET /docs",
        "GET /metrics",
        "GET /users",
        "GET /users/{id}",
        "POST /users/{id}/balance/reserve",
        "POST /users/{id}/balance/cancel-reservation",
        "POST /users/{id}/balance/release",
        "GET /orders/{id}/milestones",
        "POST /orders/{id}/milestones/{ref}/complete",
        "GET /topups",
        "GET /topups/{id}",
        "POST /topups/{id}/refresh",
        "GET /topups/callback",
        "POST /admin/maintenance/enable",
        "POST /admin/maintenance/disable",
        "GET /admin/maintenance/status",
    ] == contract.endpoints(SPECIFICATION)


def claims(folder: Path, *markers: str) -> list:
    """The claims of one test that has these markers."""
    lines = [f"@pytest.mark.{marker}" for marker in markers]
    text = "\n".join(["import pytest", "", *lines, "async def test_it():", "    pass", ""])
    (folder / "test_one.py").write_text(text, encoding="utf-8")
    return list(contract.claims(folder))


def found(made, *, rows=("GET /users",), codes=("INVALID_JSON",), built=(), not_built=None):
    return list(contract.faults(rows, codes, made, built, not_built or {}))


def test_the_markers_of_a_test_are_read_from_its_source(tmp_path):
    made = claims(tmp_path, "trio", 'shows("GET /users", "INVALID_JSON")')

    assert [("GET /users", "test_it"), ("INVALID_JSON", "test_it")] == [
        (each.what, each.test) for each in made
    ]
    assert [] == found(made)


def test_an_endpoint_and_a_code_without_a_test_are_faults(tmp_path):
    (only,) = found(claims(tmp_path, 'shows("GET /users")'))
    assert "no test shows INVALID_JSON" in only
    (only,) = found(claims(tmp_path, 'shows("INVALID_JSON")'))
    assert "no test shows GET /users" in only


def test_a_marker_that_names_nothing_of_the_api_is_a_fault(tmp_path):
    made = claims(tmp_path, 'shows("GET /users", "INVALID_JSON", "GET /user")')
    (only,) = found(made)
    assert "'GET /user' is no endpoint or code" in only


def test_what_is_excepted_has_no_test_and_is_of_the_specification(tmp_path):
    made = claims(tmp_path, 'shows("GET /users", "INVALID_JSON")')
    (only,) = found(made, not_built={"INVALID_JSON": "AirTM"})
    assert "and a test shows it" in only
    (only,) = found(made, not_built={"GONE": "AirTM"})
    assert "which the specification does not have" in only
    assert [] == found(made[:1], not_built={"INVALID_JSON": "AirTM"})


def test_an_endpoint_that_the_specification_does_not_have_is_a_fault(tmp_path):
    made = claims(tmp_path, 'shows("GET /users", "INVALID_JSON")')
    (only,) = found(made, built=["GET /users", "GET /secret"])
    assert "no row for GET /secret" in only


def run_marked(pytester: pytest.Pytester, *shows: str, status: int, body: str) -> pytest.RunResult:
    """A test that gets one answer of `GET /api/v1/orders`, marked with what it shows."""
    pytester.makeconftest("from tests.contract import shows_what_it_says\n")
    pytester.makeini("[pytest]\nmarkers = shows: what the test shows\n")
    pytester.makepyfile(
        f"""
import httpx
import pytest

@pytest.mark.shows{shows!r}
def test_it():
    answer = httpx.Response({status}, content={body.encode()!r})
    with httpx.Client(transport=httpx.MockTransport(lambda _: answer)) as client:
        client.get("http://test/api/v1/orders")
"""
    )
    return pytester.runpytest_inprocess("-p", "no:xdist", "-p", "no:randomly")


@pytest.mark.parametrize(
    ("shows", "status", "body", "passes"),
    [
        (("GET /orders",), 200, "{}", True),
        (("GET /orders",), 404, '{"error": {"code": "NOT_FOUND"}}', False),
        (("GET /orders/{id}",), 200, "{}", False),
        (("NOT_FOUND",), 404, '{"error": {"code": "NOT_FOUND"}}', True),
        (("NOT_FOUND",), 404, '{"code": "NOT_FOUND"}', True),
        (("NOT_FOUND", "GET /orders"), 404, '{"error": {"code": "NOT_FOUND"}}', False),
        (("NOT_FOUND",), 200, '{"error": {"code": "NOT_FOUND"}}', False),
    ],
)
def test_a_test_is_held_to_what_it_says(pytester, shows, status, body, passes):
    result = run_marked(pytester, *shows, status=status, body=body)
    result.assert_outcomes(passed=1, errors=0 if passes else 1)
