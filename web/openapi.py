"""The OpenAPI 3.1 document, made from a table of routes."""

import re
from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec

from offerhub import __version__
from offerhub.domain.api_keys import Scope
from offerhub.domain.errors import ErrorCode as E
from web.call import BASE_PATH, Route
from web.resources import Error, Meta
from web.statuses import STATUS

_REFERENCE: Final = "#/components/schemas/{name}"
_PARAMETER: Final = re.compile(r"<([a-z]+)>")
_EVERYWHERE: Final = (E.RATE_LIMITED, E.INTERNAL_ERROR, E.SERVICE_UNAVAILABLE)
_WITH_KEY: Final = (E.UNAUTHORIZED, E.INVALID_API_KEY)
_OF_SIGNED: Final = (E.BODY_TOO_LARGE,)
_OF_POSTS: Final = (
    E.VALIDATION_ERROR,
    E.INVALID_JSON,
    E.BODY_TOO_LARGE,
    E.UNSUPPORTED_MEDIA_TYPE,
    E.IDEMPOTENCY_KEY_REUSED,
    E.IDEMPOTENCY_KEY_IN_PROGRESS,
)
_HEADERS: Final = {
    "X-Request-ID": "The request id: the caller's, if it sent a valid one.",
    "X-RateLimit-Limit": "Requests per minute.",
    "X-RateLimit-Remaining": "Requests left in this window.",
    "X-RateLimit-Reset": "When the window ends, in Unix seconds.",
}


def document(routes: Sequence[Route]) -> dict[str, object]:
    """The whole document."""
    paths: dict[str, dict[str, object]] = {}
    for route in routes:
        path = (BASE_PATH if route.base else "") + _PARAMETER.sub(r"{\1}", route.path)
        paths.setdefault(path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "OFFER-HUB Orchestrator",
            "version": __version__,
            "description": "Balances, orders, escrow on Stellar and withdrawals for a marketplace.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": schemas(routes),
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "key": {"type": "apiKey", "in": "header", "name": "x-api-key"},
            },
            "headers": {
                name: {"description": text, "schema": {"type": "string"}}
                for name, text in _HEADERS.items()
            },
        },
        "tags": [{"name": tag} for tag in dict.fromkeys(route.tag for route in routes)],
    }


def schemas(routes: Sequence[Route]) -> dict[str, Any]:
    """The schemas of all that the routes answer with, by name."""
    shown = {route.resource for route in routes if route.resource is not None}
    _, components = msgspec.json.schema_components((*shown, Error, Meta), ref_template=_REFERENCE)
    return dict(sorted(components.items()))


def codes_of(route: Route) -> tuple[E, ...]:
    """Every code that an endpoint can give: its own and those of the gate."""
    codes = [*route.codes]
    if not route.public:
        codes += _WITH_KEY
        codes += [E.VALIDATION_ERROR]
        if route.scope is not None:
            codes.append(E.INSUFFICIENT_SCOPE)
    elif route.query is not None:
        codes.append(E.VALIDATION_ERROR)
    if route.signed:
        codes += _OF_SIGNED
    elif route.method == "POST":
        codes += _OF_POSTS
    for schema in (route.body, route.query):
        if schema is not None and any(field.required for field in schema.fields):
            codes.append(E.MISSING_REQUIRED_FIELD)
    codes += _EVERYWHERE
    order = list(E)
    return tuple(sorted(set(codes), key=order.index))


def _operation(route: Route) -> dict[str, object]:
    operation: dict[str, object] = {
        "operationId": route.operation,
        "summary": route.summary,
        "tags": [route.tag],
        "parameters": [*_parameters(route)],
        "responses": _responses(route),
    }
    if route.public:
        operation["security"] = []
    else:
        operation["security"] = [{"bearer": []}, {"key": []}]
        scope = "any key" if route.scope is None else f"`{route.scope.value}`"
        if route.scope not in (None, Scope.ALL):
            scope += " or `*`"
        operation["description"] = f"Scope: {scope}."
        operation["x-scope"] = None if route.scope is None else route.scope.value
    if route.body is not None:
        needed = any(field.required for field in route.body.fields)
        operation["requestBody"] = {
            "required": needed,
            "content": {"application/json": {"schema": route.body.document()}},
        }
    return operation


def _parameters(route: Route) -> Iterable[dict[str, object]]:
    for name in _PARAMETER.findall(route.path):
        yield {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
    if route.query is not None:
        for field in route.query.fields:
            yield {
                "name": field.shown,
                "in": "query",
                "required": field.required,
                "schema": field.kind.document(),
            }
    if route.method == "POST" and not route.signed:
        yield {
            "name": "Idempotency-Key",
            "in": "header",
            "required": False,
            "schema": {"type": "string", "minLength": 1, "maxLength": 255},
        }
    if route.long:
        yield {
            "name": "Prefer",
            "in": "header",
            "required": False,
            "description": "`respond-async`: answer 202 at once.",
            "schema": {"type": "string"},
        }


def _responses(route: Route) -> dict[str, object]:
    responses: dict[str, object] = {str(route.status): _success(route, route.summary)}
    if route.reads_key_first:
        responses["200"] = _success(route, "The user already existed")
    if route.long:
        responses["202"] = _success(route, "Still running on the chain: the current resource")
    by_status: dict[int, list[str]] = {}
    for code in codes_of(route):
        by_status.setdefault(STATUS[code], []).append(code.value)
    for status, codes in sorted(by_status.items()):
        error = {"$ref": _REFERENCE.format(name="Error")}
        responses[str(status)] = {
            "description": ", ".join(f"`{code}`" for code in codes),
            "x-codes": codes,
            "content": {"application/json": {"schema": error}},
        }
    return responses


def _success(route: Route, description: str) -> dict[str, object]:
    if route.resource is None or route.media != "application/json":
        return {
            "description": description,
            "headers": _headers(),
            "content": {route.media: {"schema": {"type": "string"}}},
        }
    data: dict[str, object] = {"$ref": _REFERENCE.format(name=route.resource.__name__)}
    meta = {"$ref": _REFERENCE.format(name="Meta")}
    properties: dict[str, object] = {"success": {"const": True}}
    if route.listed:
        properties |= {
            "data": {"type": "array", "items": data},
            "hasMore": {"type": "boolean"},
            "nextCursor": {"type": ["string", "null"]},
            "meta": meta,
        }
    else:
        properties |= {"data": data, "meta": meta}
    schema = {"type": "object", "properties": properties, "required": list(properties)}
    return {
        "description": description,
        "headers": _headers(),
        "content": {"application/json": {"schema": schema}},
    }


def _headers() -> dict[str, object]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in _HEADERS}


def rendered(routes: Sequence[Route]) -> bytes:
    """The document as it is served and kept."""
    return msgspec.json.format(msgspec.json.encode(document(routes)), indent=1) + b"\n"
