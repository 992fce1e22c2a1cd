"""The OpenAPI 3.1 document, made from a table of routes.

Everything in it has a name that a generated client can use: operations, resources, bodies,
enumerations and the codes that an endpoint can refuse with. Responses are open, since a later
version may add fields; requests are closed, since an unknown field is a fault.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec

from offerhub import __version__
from offerhub.domain.api_keys import Scope
from offerhub.domain.errors import ErrorCode as E
from web.call import BASE_PATH, Route
from web.examples import answer_example, error_example, request_example
from web.openapi_errors import code_set, code_sets
from web.openapi_schemas import ref, request_schemas, resource_schemas, value_schema
from web.statuses import STATUS
from web.vocabulary import TAGS, word_of

_PARAMETER: Final = re.compile(r"<([a-z]+)>")
_SEGMENT_OF_PARAMETER: Final = re.compile(r"/([a-z-]+)/<([a-z]+)>")
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
    "Retry-After": "Seconds to wait before the request is repeated.",
    "Idempotency-Replayed": "`true`: the first answer under this key again; nothing ran.",
}
_ALWAYS: Final = tuple(_HEADERS)[:4]
_WAITS: Final = frozenset({409, 429, 503})
_JSON: Final = "application/json"
_PROBLEM: Final = "application/problem+json"


def document(routes: Sequence[Route]) -> dict[str, object]:
    """The whole document."""
    paths: dict[str, dict[str, object]] = {}
    for route in routes:
        paths.setdefault(path_of(route), {})[route.method.lower()] = _operation(route, routes)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "OFFER-HUB Orchestrator",
            "version": __version__,
            "description": "Balances, orders, escrow on Stellar and withdrawals for a marketplace.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/", "description": "The instance that serves this document."}],
        "paths": paths,
        "components": {
            "schemas": schemas(routes),
            "responses": _shared_responses(routes),
            "examples": {
                code.value: {"value": error_example(code)}
                for code in E
                if any(code in codes_of(route) for route in routes)
            },
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "key": {"type": "apiKey", "in": "header", "name": "x-api-key"},
            },
            "headers": {
                name: {"description": text, "schema": {"type": "string"}}
                for name, text in _HEADERS.items()
            },
        },
        "tags": [
            {"name": tag, **({"description": TAGS[tag]} if tag in TAGS else {})}
            for tag in dict.fromkeys(route.tag for route in routes)
        ],
    }


def schemas(routes: Sequence[Route]) -> dict[str, Any]:
    """The schemas of all that the routes take and answer with, by name."""
    found = resource_schemas(routes)
    for name, schema in request_schemas(routes).items():
        if "properties" in schema and name in found:
            raise ValueError(f"{name} names a resource and a body")
        found.setdefault(name, schema)
    for route in routes:
        if route.resource is not None and route.media == _JSON:
            kind = "Page" if route.listed else "Response"
            found[f"{route.resource.__name__}{kind}"] = _envelope(route)
    found |= code_sets(routes, codes_of)
    return dict(sorted(found.items()))


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
    if route.waits_for_maintenance:
        codes.append(E.MAINTENANCE)
    codes += _EVERYWHERE
    order = list(E)
    return tuple(sorted(set(codes), key=order.index))


def path_of(route: Route) -> str:
    """The path as the document has it: `/api/v1/orders/{orderId}`."""
    named = dict(_parameters_of(route))
    path = _PARAMETER.sub(lambda found: "{" + named[found[1]] + "}", route.path)
    return (BASE_PATH if route.base else "") + path


def _parameters_of(route: Route) -> Iterable[tuple[str, str]]:
    """The parameters of the path, each with the name that tells it from another resource's."""
    for segment, name in _SEGMENT_OF_PARAMETER.findall(route.path):
        if name == "id":
            yield name, segment.split("-")[-1].removesuffix("s") + "Id"
        else:
            yield name, name


def _operation(route: Route, routes: Sequence[Route]) -> dict[str, object]:
    operation: dict[str, object] = {
        "operationId": route.operation,
        "summary": route.summary,
        "description": _description(route),
        "tags": [route.tag],
        "parameters": [*_parameters(route)],
        "responses": _responses(route, routes),
    }
    if route.signed:
        operation["x-signed"] = True
    if route.public:
        operation["security"] = []
    else:
        operation["security"] = [{"bearer": []}, {"key": []}]
        operation["x-scope"] = None if route.scope is None else route.scope.value
    if route.body is not None:
        operation["requestBody"] = {
            "required": any(field.required for field in route.body.fields),
            "content": {
                _JSON: {
                    "schema": ref(route.body.name),
                    "examples": {"example": {"value": request_example(route)}},
                }
            },
        }
    return operation


def _description(route: Route) -> str:
    said = [(route.handler.__doc__ or route.summary).strip().partition("\n\n")[0]]
    if route.long:
        said.append(
            "Answers when the chain has confirmed; with 202 and the current resource after "
            "`CHAIN_WAIT_SECONDS`, or at once with `Prefer: respond-async`. The work goes on; the "
            "same `Idempotency-Key` tells its end."
        )
    if not route.public:
        scope = "any key" if route.scope is None else f"`{route.scope.value}`"
        if route.or_scope is not None:
            scope += f", `{route.or_scope.value}`"
        if route.scope not in (None, Scope.ALL):
            scope += " or `*`"
        said.append(f"Scope: {scope}.")
    return "\n\n".join(said)


def _parameters(route: Route) -> Iterable[dict[str, object]]:
    for _, name in _parameters_of(route):
        yield _parameter(route, name, "path", {"type": "string"}, required=True)
    if route.query is not None:
        for field in route.query.fields:
            schema = value_schema(field.kind)
            if not field.required and field.default not in (None, ()):
                schema = {**schema, "default": field.default}
            yield _parameter(route, field.shown, "query", schema, required=field.required)
    if route.method == "POST" and not route.signed:
        yield {
            "name": "Idempotency-Key",
            "in": "header",
            "required": False,
            "description": "The same key, path and body within 24 hours: one effect, one answer.",
            "schema": {
                "type": "string",
                "minLength": 1,
                "maxLength": 255,
                "pattern": "^[!#-~]{1,255}$",
            },
        }
    if route.long:
        yield {
            "name": "Prefer",
            "in": "header",
            "required": False,
            "description": "`respond-async`: answer 202 at once.",
            "schema": {"const": "respond-async"},
        }


def _parameter(
    route: Route, name: str, place: str, schema: dict[str, object], *, required: bool
) -> dict[str, object]:
    word = word_of(route.operation, name)
    parameter = {"name": name, "in": place, "required": required, "schema": schema}
    if word is not None and word.meaning:
        parameter["description"] = word.meaning
    if word is not None and place == "path":
        parameter["example"] = word.example
    return parameter


def _responses(route: Route, routes: Sequence[Route]) -> dict[str, object]:
    responses: dict[str, object] = {str(route.status): _success(route, route.summary, routes)}
    if route.reads_key_first:
        responses["200"] = _success(route, "The user already existed", routes)
    if route.long:
        still = "Still running on the chain: the current resource"
        responses["202"] = _success(route, still, routes)
    for status, codes in _by_status(route).items():
        shared = code_set(codes)
        responses[str(status)] = (
            _refusals(route, status, codes)
            if shared is None
            else {"$ref": f"#/components/responses/{shared}"}
        )
    return responses


def _by_status(route: Route) -> dict[int, tuple[E, ...]]:
    by_status: dict[int, tuple[E, ...]] = {}
    for code in codes_of(route):
        by_status[STATUS[code]] = (*by_status.get(STATUS[code], ()), code)
    return dict(sorted(by_status.items()))


def _shared_responses(routes: Sequence[Route]) -> dict[str, object]:
    """The refusals that many endpoints have alike."""
    found: dict[str, object] = {}
    for route in routes:
        for status, codes in _by_status(route).items():
            shared = code_set(codes)
            if shared is not None:
                found[shared] = _refusals(route, status, codes)
    return dict(sorted(found.items()))


def _refusals(route: Route, status: int, codes: tuple[E, ...]) -> dict[str, object]:
    """What an endpoint refuses with under one status: exactly these codes."""
    name = code_set(codes) or code_set(codes, route, status)
    detail = {
        "code": ref(f"{name}Code"),
        "message": {"type": "string"},
        "details": {"type": "object"},
    }
    parts = {
        "error": {"type": "object", "properties": detail, "required": list(detail)},
        "meta": ref("Meta"),
    }
    schema = {"type": "object", "properties": parts, "required": list(parts)}
    headers = _headers("Retry-After") if status in _WAITS else _headers()
    return {
        "description": ", ".join(f"`{code.value}`" for code in codes),
        "headers": headers,
        "x-codes": [code.value for code in codes],
        "content": {
            _JSON: {
                "schema": schema,
                "examples": {
                    code.value: {"$ref": f"#/components/examples/{code.value}"} for code in codes
                },
            },
            _PROBLEM: {"schema": ref("Problem")},
        },
    }


def _success(route: Route, description: str, routes: Sequence[Route]) -> dict[str, object]:
    headers = _headers("Idempotency-Replayed") if route.method == "POST" else _headers()
    answer: dict[str, object] = {"description": description, "headers": headers}
    if route.resource is None or route.media != _JSON:
        shape = {"type": "object"} if route.media == _JSON else {"type": "string"}
        return {**answer, "content": {route.media: {"schema": shape}}}
    kind = "Page" if route.listed else "Response"
    answer["content"] = {
        _JSON: {
            "schema": ref(f"{route.resource.__name__}{kind}"),
            "examples": {"example": {"value": answer_example(route)}},
        }
    }
    links = _links(route, routes) if route.status == 201 else {}
    return {**answer, "links": links} if links else answer


def _links(route: Route, routes: Sequence[Route]) -> dict[str, object]:
    """What can be asked of the thing that a creation has made: by its id in the path."""
    collection = route.path.split("/")[-1].split("-")[-1].removesuffix("s") + "Id"
    return {
        other.operation: {
            "operationId": other.operation,
            "parameters": {collection: "$response.body#/data/id"},
        }
        for other in routes
        if [name for _, name in _parameters_of(other)] == [collection]
        and other.path.startswith(f"{route.path}/")
    }


def _envelope(route: Route) -> dict[str, object]:
    """The schema of a success: one resource, or a page of them."""
    assert route.resource is not None  # noqa: S101 - the caller has looked
    data = ref(route.resource.__name__)
    properties: dict[str, object] = {"success": {"const": True}}
    if route.listed:
        properties |= {
            "data": {"type": "array", "items": data},
            "hasMore": {"type": "boolean"},
            "nextCursor": {"type": ["string", "null"]},
        }
    else:
        properties["data"] = data
    properties["meta"] = ref("Meta")
    return {"type": "object", "properties": properties, "required": list(properties)}


def _headers(*more: str) -> dict[str, object]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in (*_ALWAYS, *more)}


def rendered(routes: Sequence[Route]) -> bytes:
    """The document as it is served and kept."""
    return msgspec.json.format(msgspec.json.encode(document(routes)), indent=1) + b"\n"
