"""Write the generated part of `offerhub.client` out of the OpenAPI document; --check compares it.

What it gives: `models.py` with the resources, `operations.py` with a method per operation for both
clients, and `errors.py` with a class per code. The rest of the client is written by hand.
"""

import re
import subprocess
import sys
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec
from attrs import frozen
from errors_page import _MEANINGS as MEANINGS

from offerhub.domain.errors import ErrorCode
from web.openapi import rendered
from web.routes import ROUTES

CLIENT: Final = Path(__file__).resolve().parents[1] / "offerhub" / "client"
_MADE: Final = "Generated from the OpenAPI document by `make docs`."
_PLAIN: Final = {
    "string": "str",
    "integer": "int",
    "number": "float",
    "boolean": "bool",
    "null": "None",
    "object": "dict[str, Any]",
}
_NAMED: Final = {
    "Amount": "Decimal",
    "ExactAmount": "Decimal",
    "NewAmount": "Decimal",
    "Share": "Decimal",
    "Time": "datetime",
    "Metadata": "dict[str, Any]",
}
_GIVEN: Final = {"Decimal": "Decimal | str", "datetime": "datetime | str"}
"""What a caller may give for what the API reads."""
_RESERVED: Final = frozenset({"from", "import", "class"})

Schema = Mapping[str, Any]


@frozen
class Argument:
    """An argument of a method.

    Args:
        shown: its name on the wire.
        default: as written; `None` if it must be given.
    """

    name: str
    shown: str
    type: str
    default: str | None
    meaning: str


@frozen
class Method:
    """One operation as a method."""

    name: str
    verb: str
    path: str
    summary: str
    arguments: tuple[Argument, ...]
    body: tuple[Argument, ...] | None
    query: tuple[Argument, ...]
    result: str
    listed: bool
    long: bool
    cursor: bool


class Document:
    """The parts of the OpenAPI document that the client is made of."""

    def __init__(self, document: Schema) -> None:
        self._document = document
        self.schemas: Schema = document["components"]["schemas"]

    def operations(self) -> Iterator[tuple[str, str, Schema]]:
        """Verb, path and operation of what a caller's backend calls and reads as JSON."""
        for path, methods in self._document["paths"].items():
            for verb, operation in methods.items():
                if callable_operation(operation):
                    yield verb.upper(), path.removeprefix("/api/v1"), operation

    def type_of(self, schema: Schema, *, given: bool = False) -> str:
        """A schema as a Python type; `given`: as a caller may write it."""
        if "$ref" in schema:
            name: str = schema["$ref"].rpartition("/")[2]
            known = _NAMED.get(name, name)
            if not given:
                return known
            if "enum" in self.schemas.get(name, {}):
                return f"{known} | str"
            return _GIVEN.get(known, known)
        if "anyOf" in schema:
            return " | ".join(
                dict.fromkeys(self.type_of(each, given=given) for each in schema["anyOf"])
            )
        if "const" in schema:
            return f"Literal[{schema['const']!r}]"
        kinds = schema.get("type", "object")
        if isinstance(kinds, list):
            return " | ".join(self.type_of({**schema, "type": kind}, given=given) for kind in kinds)
        if kinds == "array":
            item = self.type_of(schema["items"], given=given)
            return f"Sequence[{item}]" if given else f"tuple[{item}, ...]"
        if kinds == "string" and schema.get("format") == "date-time":
            return _GIVEN["datetime"] if given else "datetime"
        if kinds == "object" and isinstance(schema.get("additionalProperties"), dict):
            return f"dict[str, {self.type_of(schema['additionalProperties'])}]"
        return _PLAIN[kinds]

    def reached(self) -> list[str]:
        """The names of all schemas that methods give or take, each after what it is made of."""
        found: dict[str, None] = {}
        begun: set[str] = set()

        def add(name: str) -> None:
            if name not in begun and name not in _NAMED:
                begun.add(name)
                for part in _references(self.schemas[name]):
                    add(part)
                found[name] = None

        for name in sorted(self._roots()):
            add(name)
        return [*found]

    def _roots(self) -> Iterator[str]:
        for _, _, operation in self.operations():
            yield from _references(operation["parameters"])
            for answered in operation["responses"].values():
                for media in answered.get("content", {}).values():
                    for name in _references(media["schema"]):
                        if name.endswith(("Response", "Page")):
                            yield from _data_of(self.schemas[name])
            body = self.body_of(operation)
            if body is not None:
                yield from _references(body["properties"])
        yield "Event"

    def body_of(self, operation: Schema) -> Schema | None:
        """The schema of an operation's body."""
        if "requestBody" not in operation:
            return None
        schema = operation["requestBody"]["content"]["application/json"]["schema"]
        found: Schema = self.schemas[schema["$ref"].rpartition("/")[2]]
        return found

    def method(self, verb: str, path: str, operation: Schema) -> Method:
        """An operation as a method."""
        at = [
            Argument(snake(each["name"]), each["name"], "str", None, "")
            for each in operation["parameters"]
            if each["in"] == "path"
        ]
        query = tuple(
            self._argument(each["name"], each["schema"], each.get("description", ""), needed=False)
            if not each["required"]
            else self._argument(each["name"], each["schema"], "", needed=True)
            for each in operation["parameters"]
            if each["in"] == "query"
        )
        body = self.body_of(operation)
        fields = None
        if verb == "POST":
            needed = set(() if body is None else body.get("required", ()))
            fields = tuple(
                self._argument(name, schema, schema.get("description", ""), needed=name in needed)
                for name, schema in ({} if body is None else body["properties"]).items()
            )
        answered = operation["responses"][next(iter(operation["responses"]))]
        (schema,) = [each["schema"] for each in answered["content"].values()]
        listed = "$ref" in schema and schema["$ref"].endswith("Page")
        result = "dict[str, Any]"
        if "$ref" in schema:
            properties = self.schemas[schema["$ref"].rpartition("/")[2]]["properties"]["data"]
            result = self.type_of(properties["items"] if listed else properties)
        return Method(
            name=snake(operation["operationId"]),
            verb=verb,
            path=path,
            summary=operation["summary"],
            arguments=tuple(at),
            body=fields,
            query=query,
            result=result,
            listed=listed,
            long="202" in operation["responses"],
            cursor=any(each.shown == "cursor" for each in query),
        )

    def _argument(self, name: str, schema: Schema, meaning: str, *, needed: bool) -> Argument:
        of = self.type_of(schema, given=True)
        if not needed and "None" not in of.split(" | "):
            of += " | None"
        return Argument(snake(name), name, of, None if needed else "None", meaning)


def callable_operation(operation: Schema) -> bool:
    """Whether a marketplace's backend calls it: not what browsers and other services call."""
    if operation.get("x-signed"):
        return False
    success = next(iter(operation["responses"].values()))
    return "application/json" in success.get("content", {})


def snake(name: str) -> str:
    """`clientOrderRef` becomes `client_order_ref`; a word of Python's gets an underscore."""
    found = re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).lower()
    return f"{found}_" if found in _RESERVED else found


def models(document: Document) -> str:
    """`models.py`."""
    lines = [
        f'"""What the API shows and takes. {_MADE}"""',
        "",
        "# ruff: noqa: D101 - names and fields say it all",
        "",
        "from __future__ import annotations  # a resource may be made of its own kind",
        "",
        "from datetime import datetime",
        "from decimal import Decimal",
        "from enum import StrEnum",
        "from typing import Any, Literal, Self",
        "",
        "import msgspec",
        "",
        "",
        "class _Open(StrEnum):",
        '    """A value that is newer than this client is one all the same."""',
        "",
        "    @classmethod",
        "    def _missing_(cls, value: object) -> Self | None:",
        "        if not isinstance(value, str):",
        "            return None",
        "        member = str.__new__(cls, value)",
        "        member._name_ = member._value_ = value",
        "        return member",
        "",
        "",
        'class Resource(msgspec.Struct, frozen=True, rename="camel", kw_only=True):',
        '    """The base of all; fields that are newer than this client are ignored."""',
    ]
    for name in document.reached():
        lines += ["", "", *_model(document, name)]
    return "\n".join(lines) + "\n"


def _model(document: Document, name: str) -> Iterator[str]:
    schema = document.schemas[name]
    told = schema.get("description")
    if "enum" in schema:
        yield f"class {name}(_Open):"
        yield from _docstring(told)
        for value in schema["enum"]:
            yield f'    {"ALL" if value == "*" else value.upper()} = "{value}"'
        return
    asked = schema.get("additionalProperties") is False
    yield f"class {name}(Resource, frozen=True, kw_only=True):"
    yield from _docstring(told)
    needed = set(schema.get("required", ()))
    for field, value in schema["properties"].items():
        of = document.type_of(value, given=asked)
        attribute = snake(field)
        renamed = attribute.endswith("_")
        if renamed:
            yield f'    {attribute}: {of} = msgspec.field(name="{field}")'
        else:
            yield f"    {attribute}: {of}" + ("" if field in needed else " = None")
        if "description" in value:
            yield f'    """{value["description"]}"""'


def operations(document: Document) -> str:
    """`operations.py`."""
    methods = [document.method(*each) for each in document.operations()]
    named = sorted(
        name for name in document.reached() if any(_uses(each, name) for each in methods)
    )
    lines = [
        f'"""A method per operation, for both clients. {_MADE}"""',
        "",
        "from abc import ABC, abstractmethod",
        "from collections.abc import Sequence",
        "from datetime import datetime",
        "from decimal import Decimal",
        "from typing import Any, TypeVar",
        "",
        "from offerhub.client.calls import Call, path",
        "from offerhub.client.models import (",
        *(f"    {name}," for name in named),
        ")",
        "from offerhub.client.pages import AsyncPages, One, Page, Pages",
        "",
        'T = TypeVar("T")',
        "",
        "",
        "class Operations(ABC):",
        '    """The operations, for threads."""',
        "",
        "    @abstractmethod",
        "    def _call(self, call: Call[T]) -> T: ...",
        "",
        "    @abstractmethod",
        "    def _pages(self, call: Call[Page[T]]) -> Pages[T]: ...",
    ]
    for each in methods:
        lines += ["", *_method(each, asynchronous=False)]
    lines += [
        "",
        "",
        "class AsyncOperations(ABC):",
        '    """The operations, for trio and asyncio."""',
        "",
        "    @abstractmethod",
        "    async def _call(self, call: Call[T]) -> T: ...",
        "",
        "    @abstractmethod",
        "    def _pages(self, call: Call[Page[T]]) -> AsyncPages[T]: ...",
    ]
    for each in methods:
        lines += ["", *_method(each, asynchronous=True)]
    return "\n".join(lines) + "\n"


def _uses(method: Method, name: str) -> bool:
    every = (*method.arguments, *(method.body or ()), *method.query)
    text = " ".join((method.result, *(each.type for each in every)))
    return re.search(rf"\b{name}\b", text) is not None


def _method(method: Method, *, asynchronous: bool) -> Iterator[str]:
    paged = method.listed
    arguments = ["self", *(f"{each.name}: {each.type}" for each in method.arguments)]
    keywords = [*(method.body or ()), *method.query]
    written = [
        f"{each.name}: {each.type}" + ("" if each.default is None else f" = {each.default}")
        for each in sorted(keywords, key=lambda each: each.default is not None)
    ]
    if method.long:
        written.append("wait: bool = True")
    if method.verb == "POST":
        written.append("idempotency_key: str | None = None")
    if written:
        arguments += ["*", *written]
    pages = "AsyncPages" if asynchronous else "Pages"
    result = f"{pages}[{method.result}]" if paged else method.result
    prefix = "async " if asynchronous and not paged else ""
    yield f"    {prefix}def {method.name}({', '.join(arguments)}) -> {result}:"
    yield from _told(method)
    yield f"        call: Call[{_decoded(method)}] = Call("
    yield f'            method="{method.verb}",'
    yield f"            path={_path(method)},"
    yield f"            of={_decoded(method)},"
    if method.query:
        pairs = ", ".join(f'"{each.shown}": {each.name}' for each in method.query)
        yield f"            query={{{pairs}}},"
    if method.body is not None:
        if method.body:
            pairs = ", ".join(f'"{each.shown}": {each.name}' for each in method.body)
            yield f"            body={{{pairs}}},"
        yield "            key=idempotency_key,"
    if method.long:
        yield "            wait=wait,"
        yield "            prefers_async=not wait,"
    yield "        )"
    if paged:
        yield "        return self._pages(call)"
    elif _decoded(method).startswith("One["):
        answer = "(await self._call(call))" if asynchronous else "self._call(call)"
        yield f"        return {answer}.data"
    else:
        yield f"        return {'await ' if asynchronous else ''}self._call(call)"


def _decoded(method: Method) -> str:
    if method.listed:
        return f"Page[{method.result}]"
    return method.result if method.result.startswith("dict") else f"One[{method.result}]"


def _path(method: Method) -> str:
    parts = [
        snake(part.strip("{}")) if part.startswith("{") else f'"{part}"'
        for part in method.path.strip("/").split("/")
    ]
    return f"path({', '.join(parts)})"


def _told(method: Method) -> Iterator[str]:
    said = [
        f"{each.name}: {each.meaning[0].lower()}{each.meaning[1:]}"
        for each in (*(method.body or ()), *method.query)
        if each.meaning and each.shown not in {"limit", "cursor"}
    ]
    if method.long:
        said.append(
            "wait: until the chain has confirmed; `False` returns the resource as it stands "
            "while the work goes on."
        )
    if not said:
        yield f'        """{method.summary}."""'
        return
    yield f'        """{method.summary}.'
    yield ""
    yield "        Args:"
    for each in said:
        yield from textwrap.wrap(
            each, 96, initial_indent=" " * 12, subsequent_indent=" " * 16, break_on_hyphens=False
        )
    yield '        """'


def errors() -> str:
    """`errors.py`."""
    lines = [
        f'"""A class for every code that the API refuses with. {_MADE}"""',
        "",
        "# ruff: noqa: D205 - what a code means may be longer than a line",
        "",
        "from typing import ClassVar",
        "",
        "from offerhub.client.failures import ApiError",
    ]
    for code in ErrorCode:
        name = "".join(word.capitalize() for word in code.value.split("_"))
        meaning, advice = MEANINGS[code]
        told = f"{meaning} {advice}".strip()
        lines += ["", "", f"class {name}(ApiError):"]
        lines += _docstring(told)
        lines += ["", f'    code: ClassVar[str] = "{code.value}"']
    return "\n".join(lines) + "\n"


def _docstring(text: str | None) -> list[str]:
    if not text:
        return []
    if len(text) <= 90:
        return [f'    """{text}"""', ""]
    wrapped = textwrap.wrap(text, 92, break_on_hyphens=False)
    return [f'    """{wrapped[0]}', *(f"    {line}" for line in wrapped[1:]), '    """', ""]


def _references(schema: object) -> Iterator[str]:
    if isinstance(schema, dict):
        for key, value in schema.items():
            if key == "$ref" and isinstance(value, str) and "/schemas/" in value:
                yield value.rpartition("/")[2]
            else:
                yield from _references(value)
    elif isinstance(schema, list):
        for each in schema:
            yield from _references(each)


def _data_of(envelope: Schema) -> Iterable[str]:
    return _references(envelope["properties"]["data"])


def _formatted(name: str, text: str) -> str:
    """As `make format` leaves it."""
    done = subprocess.run(  # noqa: S603 - our own tool, on our own text
        [sys.executable, "-m", "ruff", "format", "--stdin-filename", str(CLIENT / name), "-"],
        input=text,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return done.stdout


def files() -> dict[str, str]:
    """Name → whole text."""
    document = Document(msgspec.json.decode(rendered(ROUTES)))
    made = {
        "models.py": models(document),
        "operations.py": operations(document),
        "errors.py": errors(),
    }
    return {name: _formatted(name, text) for name, text in made.items()}


def main(arguments: list[str]) -> int:
    """Write the files, or with --check compare them; the exit code is 1 if one differs."""
    stale = []
    for name, text in files().items():
        path = CLIENT / name
        if "--check" not in arguments:
            path.write_text(text, encoding="utf-8")
        elif not path.exists() or path.read_text(encoding="utf-8") != text:
            stale.append(name)
    for name in stale:
        print(f"offerhub/client/{name} is out of date: run `make docs`", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
