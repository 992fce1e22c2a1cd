"""The OpenAPI document says what the code does."""

import re
from pathlib import Path
from typing import Any

import msgspec

from offerhub.domain.errors import ErrorCode
from web.openapi import codes_of, document, rendered
from web.openapi_schemas import resource_schemas
from web.routes import ROUTES

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "openapi.json"


def test_the_kept_document_is_the_generated_one():
    assert rendered(ROUTES) == DOCUMENT.read_bytes()


def test_every_endpoint_is_documented_with_its_codes():
    paths: Any = document(ROUTES)["paths"]

    assert len(ROUTES) == sum(len(methods) for methods in paths.values())
    reserve = paths["/api/v1/orders/{orderId}/reserve"]["post"]
    assert "INSUFFICIENT_FUNDS" in reserve["responses"]["422"]["x-codes"]
    assert [] == paths["/api/v1/health"]["get"]["security"]
    assert {"200", "202"} <= set(paths["/api/v1/orders/{orderId}/escrow"]["post"]["responses"])


def test_every_reference_has_its_target():
    text = rendered(ROUTES)
    whole = msgspec.json.decode(text)

    def references(value):
        if isinstance(value, dict):
            if "$ref" in value:
                yield value["$ref"]
            for each in value.values():
                yield from references(each)
        elif isinstance(value, list):
            for each in value:
                yield from references(each)

    for reference in set(references(whole)):
        at = whole
        for part in reference.removeprefix("#/").split("/"):
            assert part in at, reference
            at = at[part]


def test_operation_ids_make_good_names_of_methods():
    ids = [route.operation for route in ROUTES]

    assert len(ids) == len(set(ids))
    for name in ids:
        assert re.fullmatch(r"[a-z]+([A-Z][a-z]+)+", name), name


def test_changes_need_write_or_more_and_reads_need_read_or_support():
    for route in ROUTES:
        if route.public:
            continue
        scopes = {None, "*", "support", "read" if route.method == "GET" else "write"}
        assert (route.scope and route.scope.value) in scopes, route.endpoint
        assert ErrorCode.INVALID_API_KEY in codes_of(route)


async def test_the_served_document_is_the_kept_one(running):
    assert DOCUMENT.read_bytes() == await (await running.get("/openapi.json")).get_data()


def test_every_field_of_a_resource_is_always_there():
    """docs/spec/api.md: fields without a value are present as `null`."""
    for name, schema in resource_schemas(ROUTES).items():
        assert list(schema.get("properties", {})) == schema.get("required", []), name
