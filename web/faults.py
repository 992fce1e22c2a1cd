"""Faults of a request's fields, gathered until all are known (api.md, Envelopes)."""

from attrs import frozen

from offerhub.domain.errors import DomainError, ErrorCode


@frozen
class Fault:
    """One field's fault; `code` is its own code, or `VALIDATION_ERROR`."""

    field: str
    message: str
    code: ErrorCode = ErrorCode.VALIDATION_ERROR


class Faults:
    """All faults of a request. One that has a code of its own gives that code."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []

    def add(self, field: str, message: str, code: ErrorCode = ErrorCode.VALIDATION_ERROR) -> None:
        """Note a fault."""
        self._faults.append(Fault(field, message, code))

    def extend(self, others: "Faults") -> None:
        """Note all faults of a part."""
        self._faults.extend(others.found)

    @property
    def found(self) -> tuple[Fault, ...]:
        """All that were noted."""
        return tuple(self._faults)

    def __bool__(self) -> bool:
        return bool(self._faults)

    def error(self) -> DomainError:
        """The refusal that names them all."""
        first = self._faults[0]
        alone = len(self._faults) == 1
        return DomainError(
            first.code if alone else ErrorCode.VALIDATION_ERROR,
            f"{first.field}: {first.message}" if alone else f"{len(self._faults)} fields are wrong",
            {"fields": [{"field": each.field, "message": each.message} for each in self._faults]},
        )


def fault(field: str, message: str, code: ErrorCode = ErrorCode.VALIDATION_ERROR) -> DomainError:
    """The refusal of a single field."""
    faults = Faults()
    faults.add(field, message, code)
    return faults.error()
