"""The named schemas of the OpenAPI document: of the resources, and of what requests carry."""

from collections.abc import Iterator, Sequence
from enum import Enum
from typing import Any, Final

import msgspec

from web import resources
from web.call import Route
from web.field_types import Amount, Choice, Currency, FieldType, ListOf, Metadata
from web.resources import Meta, Problem
from web.schema import Schema
from web.vocabulary import word_of

REFERENCE: Final = "#/components/schemas/{name}"
_NULL: Final = {"type": "null"}


def ref(name: str) -> dict[str, object]:
    """A reference to a named schema."""
    return {"$ref": REFERENCE.format(name=name)}


def resource_schemas(routes: Sequence[Route]) -> dict[str, Any]:
    """What the routes answer with: every resource, enumeration and alias under its own name."""
    shown = sorted({route.resource for route in routes if route.resource is not None}, key=str)
    _, components = msgspec.json.schema_components((*shown, Meta, Problem), ref_template=REFERENCE)
    named = dict(_aliases())
    found = {name: _described(name, _opened(schema, named)) for name, schema in components.items()}
    used = set(_references(found))
    return found | {name: schema for name, schema in named.items() if name in used}


def request_schemas(routes: Sequence[Route]) -> dict[str, Any]:
    """What requests carry, and the types of their fields."""
    found: dict[str, Any] = {}
    for route in routes:
        for schema in (route.body, route.query):
            if schema is not None:
                found |= dict(_named(schema, body=schema is route.body))
    return found


def value_schema(kind: FieldType) -> dict[str, object]:
    """The schema of one field's value; what has a name is referred to."""
    match kind:
        case Schema():
            return ref(kind.name)
        case Choice():
            return ref(kind.of.__name__)
        case Amount(zero=zero):
            return ref("Share" if zero else "NewAmount")
        case Currency():
            return ref("Currency")
        case Metadata():
            return ref("Metadata")
        case ListOf():
            return {**kind.document(), "items": value_schema(kind.item)}
        case _:
            return kind.document()


def _named(kind: FieldType, *, body: bool = True) -> Iterator[tuple[str, object]]:
    match kind:
        case Schema():
            if body:
                yield kind.name, _object(kind)
            for field in kind.fields:
                yield from _named(field.kind)
        case Choice():
            yield kind.of.__name__, {**_enumeration(kind.of)}
        case Amount(zero=zero):
            yield "Share" if zero else "NewAmount", kind.document()
        case Currency():
            yield "Currency", kind.document()
        case Metadata():
            yield "Metadata", kind.document()
        case ListOf():
            yield from _named(kind.item)
        case _:
            pass


def _object(schema: Schema[Any]) -> dict[str, object]:
    """A request's object: closed, and what may be left out may be null."""
    properties: dict[str, object] = {}
    for field in schema.fields:
        value = value_schema(field.kind)
        if not field.required:
            value = _nullable(value)
            if field.default not in (None, ()):
                value["default"] = field.default
        word = word_of(schema.name, field.shown)
        said = [word.meaning] if word is not None and word.meaning else []
        if len(field.spellings) > 1:
            others = [each for each in field.spellings[1:] if "_" not in each]
            said += [f"Also accepted as `{each}`." for each in others]
        if said:
            value["description"] = " ".join(said)
        properties[field.shown] = value
    needed = [field.shown for field in schema.fields if field.required]
    told = _first_line(schema.cls.__doc__)
    return {
        **({"description": told} if told else {}),
        "type": "object",
        "properties": properties,
        **({"required": needed} if needed else {}),
        "additionalProperties": False,
    }


def _nullable(value: dict[str, object]) -> dict[str, object]:
    if isinstance(value.get("type"), str):
        return {**value, "type": [value["type"], "null"]}
    return {"anyOf": [value, _NULL]}


def _enumeration(of: type[Enum]) -> dict[str, object]:
    told = _first_line(of.__doc__)
    return {
        **({"description": told} if told else {}),
        "type": "string",
        "enum": sorted(each.value for each in of),
    }


def _aliases() -> Iterator[tuple[str, dict[str, object]]]:
    """The named types of `web.resources` that are no classes: amounts, moments, small choices."""
    for name, told in resources.ALIASES.items():
        alias = getattr(resources, name)
        schema = _opened(msgspec.json.schema(alias), {})
        if "enum" in schema:
            schema = {"type": "string", **schema}
        yield name, {"description": told, **schema}


def _opened(schema: Any, named: dict[str, dict[str, object]]) -> Any:
    """A schema of msgspec's as the document has it: open, `null` as a type, aliases by name."""
    if isinstance(schema, list):
        return [_opened(each, named) for each in schema]
    if not isinstance(schema, dict):
        return schema
    found = {
        key: _opened(value, named)
        for key, value in schema.items()
        if not (key == "title" and isinstance(value, str))
        and not (key == "additionalProperties" and value is False)
    }
    values = found.get("enum")
    if isinstance(values, list) and len(values) == 1:
        return {"const": values[0]}
    if values and "type" not in found:
        found["type"] = "string"
    for name, alias in named.items():
        if found == {key: value for key, value in alias.items() if key != "description"}:
            return ref(name)
    choice = found.get("anyOf")
    if isinstance(choice, list) and len(choice) == 2 and _NULL in choice:
        (other,) = [each for each in choice if each != _NULL]
        if isinstance(other.get("type"), str):
            return {**other, "type": [other["type"], "null"]}
    return found


def _described(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    """Says of each field what the vocabulary knows of it."""
    for field, value in schema.get("properties", {}).items():
        word = word_of(name, field)
        if word is not None and word.meaning:
            value["description"] = word.meaning
    return schema


def _references(schema: object) -> Iterator[str]:
    if isinstance(schema, dict):
        for key, value in schema.items():
            if key == "$ref" and isinstance(value, str):
                yield value.rpartition("/")[2]
            else:
                yield from _references(value)
    elif isinstance(schema, list):
        for each in schema:
            yield from _references(each)


def _first_line(text: str | None) -> str:
    return (text or "").strip().partition("\n\n")[0].replace("\n", " ")
