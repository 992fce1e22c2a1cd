"""What generated clients make of the OpenAPI document: names, codes, and examples that hold."""

from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import msgspec
import pytest

from tests.web.test_documents import DOCUMENT
from web.call import Route
from web.examples import error_example, request_example
from web.openapi import codes_of, path_of, rendered
from web.openapi_schemas import request_schemas
from web.routes import ROUTES
from web.statuses import STATUS

WHOLE: Any = msgspec.json.decode(rendered(ROUTES))
SCHEMAS: Any = WHOLE["components"]["schemas"]
OPERATIONS = {route.operation: route for route in ROUTES}


def operation(route: Route) -> Any:
    return WHOLE["paths"][path_of(route)][route.method.lower()]


def resolved(part: Any) -> Any:
    """What a reference stands for."""
    while "$ref" in part:
        at = WHOLE
        for step in part["$ref"].removeprefix("#/").split("/"):
            at = at[step]
        part = at
    return part


def errors_of(schema: Any, value: object) -> list[str]:
    """Why a value does not fit, as a reader of the whole document finds it."""
    whole = {"$ref": schema["$ref"]} if "$ref" in schema else schema
    validator = jsonschema_rs.Draft202012Validator(
        {**whole, "components": WHOLE["components"]}, validate_formats=True
    )
    return [f"{error.instance_path}: {error.message}" for error in validator.iter_errors(value)]


def parts(schema: Any, at: str = "") -> Iterator[tuple[str, Any]]:
    """A schema's parts below itself, each with its place."""
    if isinstance(schema, dict):
        for key, value in schema.items():
            if isinstance(value, dict | list):
                yield f"{at}/{key}", value
                yield from parts(value, f"{at}/{key}")
    elif isinstance(schema, list):
        for index, value in enumerate(schema):
            yield f"{at}/{index}", value
            yield from parts(value, f"{at}/{index}")


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_refusal_lists_its_codes_as_an_enumeration(name: str) -> None:
    route = OPERATIONS[name]
    listed = set()
    for status, response in operation(route)["responses"].items():
        if int(status) < 400:
            continue
        schema = resolved(response)["content"]["application/json"]["schema"]
        code = resolved(schema["properties"]["error"]["properties"]["code"])
        assert all(
            STATUS[each] == int(status) for each in codes_of(route) if each.value in code["enum"]
        )
        for value in code["enum"]:
            assert [] == errors_of(
                schema, error_example(next(c for c in STATUS if c.value == value))
            )
        other = next(c for c in STATUS if c.value not in code["enum"])
        assert errors_of(schema, error_example(other))
        listed |= set(code["enum"])
    assert {code.value for code in codes_of(route)} == listed


def test_every_enumeration_and_nested_object_has_a_name() -> None:
    """A generator calls what has none `Status8` or `Wallet1`."""
    for name, schema in SCHEMAS.items():
        for place, part in parts(schema):
            if isinstance(part, dict) and not place.endswith("/properties"):
                assert "enum" not in part, name + place
                assert "properties" not in part, name + place
    for route in ROUTES:
        found = operation(route)
        for parameter in found["parameters"]:
            assert "enum" not in parameter["schema"], (route.operation, parameter["name"])
        for media in found.get("requestBody", {}).get("content", {}).values():
            assert ["$ref"] == list(media["schema"]), route.operation


def test_requests_are_closed_and_responses_open() -> None:
    asked = {name for name, each in request_schemas(ROUTES).items() if "properties" in each}

    closed = {name for name, each in SCHEMAS.items() if each.get("additionalProperties") is False}

    assert {"NewOrder", "NewMilestone", "Cancellation"} <= asked == closed


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_answer_has_an_example_that_fits_its_schema(name: str) -> None:
    for status, response in operation(OPERATIONS[name])["responses"].items():
        content = resolved(response)["content"].get("application/json")
        if content is None or (OPERATIONS[name].resource is None and int(status) < 400):
            continue
        assert content["examples"], status
        for example in content["examples"].values():
            assert [] == errors_of(content["schema"], resolved(example)["value"]), status


@pytest.mark.parametrize("name", [n for n, route in OPERATIONS.items() if route.body is not None])
def test_every_request_has_an_example_that_fits_its_schema_and_is_understood(name: str) -> None:
    route = OPERATIONS[name]
    assert route.body is not None
    example = request_example(route)
    content = operation(route)["requestBody"]["content"]["application/json"]

    assert example == content["examples"]["example"]["value"]
    assert [] == errors_of(content["schema"], example)
    assert isinstance(route.body.parse(example), route.body.cls)
    assert any(field.shown in example for field in route.body.fields)


def test_every_tag_and_operation_is_described() -> None:
    assert [] == [tag["name"] for tag in WHOLE["tags"] if not tag.get("description")]
    for route in ROUTES:
        assert operation(route)["summary"] != operation(route)["description"] != "", route.operation


def test_the_kept_document_names_what_it_is() -> None:
    assert "3.1.0" == msgspec.json.decode(DOCUMENT.read_bytes())["openapi"]
