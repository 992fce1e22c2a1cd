"""Schemas: an attrs class declares its fields once; that validates, documents and builds it.

Every error is found before any is shown. A field may be spelled in camelCase or snake_case; both at
once is an error, and so is an unknown field (docs/spec/api.md, Envelopes).
"""

from collections.abc import Mapping
from typing import Any, Final, Generic, TypeVar, cast

import attrs

from offerhub.domain.errors import ErrorCode
from web.field_errors import FieldErrors
from web.field_types import FieldType

T = TypeVar("T")

_KIND: Final = "web.kind"
_ALIASES: Final = "web.aliases"


def required(kind: FieldType, *aliases: str) -> Any:
    """A field that must be there; `aliases` are further names in camelCase."""
    return attrs.field(metadata={_KIND: kind, _ALIASES: aliases})


def optional(kind: FieldType, *aliases: str, default: object = None) -> Any:
    """A field that may be absent or null."""
    return attrs.field(default=default, metadata={_KIND: kind, _ALIASES: aliases})


def camel(name: str) -> str:
    """`buyer_id` becomes `buyerId`."""
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)


def _snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)


@attrs.frozen
class _Field:
    attribute: str
    shown: str
    spellings: tuple[str, ...]
    kind: FieldType
    required: bool
    default: object


class Schema(Generic[T]):
    """The one declaration of a body or a query string; also a kind, for lists of objects."""

    def __init__(self, cls: type[T]) -> None:
        self.cls = cls
        self.name = cls.__name__
        self.fields = tuple(_field(each) for each in attrs.fields(cast("Any", cls)))
        self._known = {spelling: field for field in self.fields for spelling in field.spellings}

    def parse(self, raw: object) -> T:
        """Build the class from parsed JSON, or from a query's pairs. Raises all its errors."""
        errors = FieldErrors()
        value = self.read(raw, "", errors)
        if errors:
            raise errors.error()
        return cast("T", value)

    def read(self, value: object, name: str, errors: FieldErrors) -> object:
        """Build the class, adding errors under the names of its fields."""
        prefix = f"{name}." if name else ""
        if not isinstance(value, dict):
            errors.add(name or "body", "must be a JSON object")
            return None
        before = FieldErrors()
        found = self._sorted(value, prefix, before)
        arguments: dict[str, object] = {}
        for field in self.fields:
            given = found.get(field.attribute)
            if given is None:
                if field.required:
                    before.add(
                        prefix + field.shown, "is required", ErrorCode.MISSING_REQUIRED_FIELD
                    )
                arguments[field.attribute] = field.default
            else:
                arguments[field.attribute] = field.kind.read(given, prefix + field.shown, before)
        if before:
            errors.extend(before)
            return None
        return self.cls(**arguments)

    def _sorted(
        self, value: Mapping[str, object], prefix: str, errors: FieldErrors
    ) -> dict[str, object]:
        found: dict[str, object] = {}
        for spelling, given in value.items():
            field = self._known.get(spelling)
            if field is None:
                errors.add(prefix + spelling[:100], "is not a field of this request")
            elif field.attribute in found:
                errors.add(prefix + field.shown, "is given twice, in camelCase and snake_case")
            else:
                found[field.attribute] = given
        return found

    def document(self) -> dict[str, object]:
        """The JSON schema of the object."""
        schema: dict[str, object] = {
            "type": "object",
            "properties": {field.shown: field.kind.document() for field in self.fields},
            "additionalProperties": False,
        }
        needed = [field.shown for field in self.fields if field.required]
        if needed:
            schema["required"] = needed
        return schema


def _field(attribute: "attrs.Attribute[Any]") -> _Field:
    shown = camel(attribute.name)
    names = (shown, *attribute.metadata[_ALIASES])
    return _Field(
        attribute=attribute.name,
        shown=shown,
        spellings=tuple(dict.fromkeys(each for name in names for each in (name, _snake(name)))),
        kind=attribute.metadata[_KIND],
        required=attribute.default is attrs.NOTHING,
        default=None if attribute.default is attrs.NOTHING else attribute.default,
    )
