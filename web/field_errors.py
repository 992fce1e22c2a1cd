"""What is wrong with the fields of a request, collected in full (docs/spec/api.md, Envelopes)."""

from typing import Final

from attrs import frozen

from offerhub.domain.errors import DomainError, ErrorCode

_SHOWN_MAX: Final = 100
"""A body of a mebibyte can have a hundred thousand faults; nobody reads so long a list."""


@frozen
class FieldError:
    """What is wrong with one field; `code` is its own code, or `VALIDATION_ERROR`."""

    field: str
    message: str
    code: ErrorCode = ErrorCode.VALIDATION_ERROR


class FieldErrors:
    """All errors of a request; a single one that has a code of its own gives that code."""

    def __init__(self) -> None:
        self._errors: list[FieldError] = []

    def add(self, field: str, message: str, code: ErrorCode = ErrorCode.VALIDATION_ERROR) -> None:
        """Add an error."""
        self._errors.append(FieldError(field, message, code))

    def extend(self, others: "FieldErrors") -> None:
        """Add all errors of a part."""
        self._errors.extend(others.found)

    @property
    def found(self) -> tuple[FieldError, ...]:
        """All that were added."""
        return tuple(self._errors)

    def __bool__(self) -> bool:
        return bool(self._errors)

    def error(self) -> DomainError:
        """The refusal that names them all."""
        first = self._errors[0]
        alone = len(self._errors) == 1
        return DomainError(
            first.code if alone else ErrorCode.VALIDATION_ERROR,
            f"{first.field}: {first.message}"
            if alone
            else f"{len(self._errors)} fields are invalid",
            {
                "fields": [
                    {"field": each.field, "message": each.message}
                    for each in self._errors[:_SHOWN_MAX]
                ]
            },
        )


def field_error(
    field: str, message: str, code: ErrorCode = ErrorCode.VALIDATION_ERROR
) -> DomainError:
    """The refusal of a single field."""
    errors = FieldErrors()
    errors.add(field, message, code)
    return errors.error()
