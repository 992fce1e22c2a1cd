"""The types that a field can have: each reads a value, adds its errors and documents itself."""

import re
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final, Protocol

import msgspec
from attrs import frozen

from offerhub.domain.errors import ErrorCode
from offerhub.domain.money import InvalidAmount, Money
from web.field_errors import FieldErrors

METADATA_MAX_BYTES: Final = 16 * 1024
_DEPTH_MAX: Final = 32
_NO_NUL: Final = "must not contain U+0000"


class FieldType(Protocol):
    """One type of field. `read` returns what the handler gets, or adds errors."""

    def read(self, value: object, name: str, errors: FieldErrors) -> object: ...

    def document(self) -> dict[str, object]:
        """Its JSON schema."""
        ...


@frozen
class Text:
    """A string of so many characters, and of that pattern if there is one."""

    minimum: int = 0
    maximum: int = 2000
    pattern: re.Pattern[str] | None = None
    described: str | None = None

    def read(self, value: object, name: str, errors: FieldErrors) -> object:
        if not isinstance(value, str):
            errors.add(name, "must be a string")
        elif "\x00" in value:
            errors.add(name, _NO_NUL)
        elif not self.minimum <= len(value) <= self.maximum:
            errors.add(name, f"must have {self.minimum} to {self.maximum} characters")
        elif self.minimum and not value.strip():
            errors.add(name, "must not be blank")
        elif self.pattern is not None and not self.pattern.fullmatch(value):
            errors.add(name, self.described or f"must match {self.pattern.pattern}")
        return value

    def document(self) -> dict[str, object]:
        schema: dict[str, object] = {"type": "string", "maxLength": self.maximum}
        if self.minimum:
            schema["minLength"] = self.minimum
        if self.pattern is not None:
            schema["pattern"] = f"^{self.pattern.pattern}$"
        elif self.minimum:
            schema["pattern"] = r"^[^\u0000]*[^\s\u0000\u001c-\u001f\u0085][^\u0000]*$"  # not blank
        else:
            schema["pattern"] = r"^[^\u0000]*$"
        return schema


_WHOLE: Final = r"[0-9]{0,8}[1-9][0-9]{0,8}\.[0-9]{2}"
_CENTS: Final = r"0{1,9}\.(0[1-9]|[1-9][0-9])"


@frozen
class Amount:
    """An amount as the API takes it (docs/spec/domain.md §1).

    Args:
        zero: whether it may be 0.00, as one of the two shares of a split.
    """

    zero: bool = False

    def read(self, value: object, name: str, errors: FieldErrors) -> object:
        if not isinstance(value, str):
            errors.add(
                name,
                'must be a decimal string with two places, like "12.50"',
                ErrorCode.INVALID_AMOUNT_FORMAT,
            )
            return Money.zero()
        try:
            amount = Money.parse(value)
        except InvalidAmount as error:
            errors.add(name, str(error), ErrorCode.INVALID_AMOUNT_FORMAT)
            return Money.zero()
        if not amount and not self.zero:
            errors.add(name, "must be greater than 0.00", ErrorCode.INVALID_AMOUNT_FORMAT)
        return amount

    def document(self) -> dict[str, object]:
        described = "A decimal string with exactly two places"
        return {
            "description": f"{described}." if self.zero else f"{described}, greater than 0.00.",
            "type": "string",
            "pattern": r"^[0-9]{1,9}\.[0-9]{2}$" if self.zero else f"^({_WHOLE}|{_CENTS})$",
            "maxLength": 12,
        }


@frozen
class Currency:
    """`USDC` or `USD`: one balance, both codes are accepted (docs/spec/domain.md §1)."""

    def read(self, value: object, name: str, errors: FieldErrors) -> object:
        if value not in ("USDC", "USD"):
            errors.add(name, "must be USDC or USD", ErrorCode.INVALID_CURRENCY)
        return value

    def document(self) -> dict[str, object]:
        return {"type": "string", "enum": ["USDC", "USD"]}


@frozen
class Choice:
    """One value of an enumeration."""

    of: type[StrEnum]

    def read(self, value: object, name: str, errors: FieldErrors) -> object:
        if isinstance(value, str):
            try:
                return self.of(value)
            except ValueError:
                pass
        errors.add(name, "must be one of " + ", ".join(each.value for each in self.of))
        return value

    def document(self) -> dict[str, object]:
        return {"type": "string", "enum": [each.value for each in self.of]}


@frozen
class Flag:
    """A boolean."""

    def read(self, value: object, name: str, errors: FieldErrors) -> object:
        if not isinstance(value, bool):
            errors.add(name, "must be true or false")
        return value

    def document(self) -> dict[str, object]:
        return {"type": "boolean"}


@frozen
class Whole:
    """An integer between bounds; in a query string it is text."""

    minimum: int
    maximum: int

    def read(self, value: object, name: str, errors: FieldErrors) -> object:
        if isinstance(value, str) and re.fullmatch(r"[0-9]{1,9}", value, re.ASCII):
            value = int(value)
        if isinstance(value, float) and value.is_integer():
            value = int(value)  # JSON has one kind of number: 60.0 is whole
        if (
            not isinstance(value, int)
            or isinstance(value, bool)
            or not self.minimum <= value <= self.maximum
        ):
            errors.add(name, f"must be a whole number from {self.minimum} to {self.maximum}")
        return value

    def document(self) -> dict[str, object]:
        return {"type": "integer", "minimum": self.minimum, "maximum": self.maximum}


_INSTANT: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2})",
    re.ASCII,
)


@frozen
class Instant:
    """A moment in ISO 8601 with its offset; read as aware UTC."""

    def read(self, value: object, name: str, errors: FieldErrors) -> object:
        if isinstance(value, str) and _INSTANT.fullmatch(value):
            try:
                return datetime.fromisoformat(value).astimezone(UTC)
            except (ValueError, OverflowError):
                pass
        errors.add(name, "must be a time in ISO 8601, like 2026-01-31T12:00:00.000Z")
        return value

    def document(self) -> dict[str, object]:
        return {"type": "string", "format": "date-time"}


@frozen
class Metadata:
    """A JSON object of the caller's, at most 16 KiB."""

    def read(self, value: object, name: str, errors: FieldErrors) -> object:
        if not isinstance(value, dict):
            errors.add(name, "must be a JSON object")
            return {}
        reason = _unfit(value)
        if reason is not None:
            errors.add(name, reason)
        elif len(msgspec.json.encode(value)) > METADATA_MAX_BYTES:
            errors.add(name, "must be at most 16 KiB")
        return value

    def document(self) -> dict[str, object]:
        return {"type": "object", "additionalProperties": True}


def _unfit(value: object) -> str | None:
    """Why a JSON value cannot be kept; walks without recursion."""
    waiting: list[tuple[object, int]] = [(value, 1)]
    while waiting:
        part, depth = waiting.pop()
        if depth > _DEPTH_MAX:
            return f"must not be nested deeper than {_DEPTH_MAX}"
        if isinstance(part, str):
            if "\x00" in part:
                return _NO_NUL
        elif isinstance(part, dict):
            waiting.extend((key, depth) for key in part)
            waiting.extend((each, depth + 1) for each in part.values())
        elif isinstance(part, list):
            waiting.extend((each, depth + 1) for each in part)
    return None


@frozen
class ListOf:
    """A list of so many values of one kind."""

    item: FieldType
    maximum: int
    minimum: int = 0

    def read(self, value: object, name: str, errors: FieldErrors) -> object:
        if not isinstance(value, list):
            errors.add(name, "must be a list")
            return ()
        if not self.minimum <= len(value) <= self.maximum:
            errors.add(name, f"must have {self.minimum} to {self.maximum} items")
            return ()
        return tuple(
            self.item.read(each, f"{name}[{index}]", errors) for index, each in enumerate(value)
        )

    def document(self) -> dict[str, object]:
        return {
            "type": "array",
            "items": self.item.document(),
            "maxItems": self.maximum,
            **({"minItems": self.minimum} if self.minimum else {}),
        }
