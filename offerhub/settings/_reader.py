"""Reading variables: the environment and a `.env` file, with every fault collected.

`environ-config` stops at the first fault; docs/spec/settings.md asks for one message that
names them all. So a `Reader` answers each question with a value of the right type, notes what was
wrong, and its user raises once at the end.
"""

import re
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from decimal import Decimal
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Final, TypeVar
from urllib.parse import urlsplit

from attrs import frozen
from dotenv import dotenv_values

from offerhub.domain.money import InvalidAmount, Money

D = TypeVar("D")
R = TypeVar("R")

_INTEGER: Final = re.compile(r"[0-9]{1,12}", re.ASCII)
_DECIMAL: Final = re.compile(r"[0-9]{1,9}(\.[0-9]{1,6})?", re.ASCII)
MASKED: Final = "(set)"
_SECRET_FILE_BYTES_MAX: Final = 64 * 1024


@frozen
class Seen:
    """A variable as it was found.

    Args:
        value: as text, of a secret only whether there is one; `None`: none, and no default.
        origin: `environment`, `.env`, or `default`.
    """

    value: str | None
    origin: str


class Reader:
    """Reads variables of two sources, the first wins; an empty value counts as not given.

    Args:
        environ: the process's environment; `secret()` removes what it reads from it.
        dotenv: the values of a `.env` file.
    """

    def __init__(self, environ: MutableMapping[str, str], dotenv: Mapping[str, str]) -> None:
        self._environ = environ
        self._dotenv = dotenv
        self.faults: list[str] = []
        self.seen: dict[str, Seen] = {}
        """What was read, by the variable's name, in the order of reading."""

    def fault(self, message: str) -> None:
        """Note one fault; never with a secret's value in it."""
        self.faults.append(message)

    def faulty(self, name: str) -> bool:
        """Tell whether a fault of that variable was noted already."""
        return any(fault.startswith((f"{name} ", f"{name}_FILE ")) for fault in self.faults)

    def given(self, name: str) -> bool:
        """Tell whether a variable that is no secret has a value."""
        return self._value(name) is not None

    def parsed(self, name: str, default: D, parse: Callable[[str], R], must: str) -> R | D:
        """Return the parsed value, or the default if it is not given or `parse` raises ValueError.

        Args:
            must: what the value must be, completing the sentence "NAME must ...".
        """
        text = self._value(name)
        self._note(name, text, default)
        if text is None:
            return default
        try:
            return parse(text)
        except ValueError:
            self.fault(f"{name} must {must}, not {text!r}")
            return default

    def text(self, name: str, default: D) -> str | D:
        """Any text."""
        text = self._value(name)
        self._note(name, text, default)
        return default if text is None else text

    def matching(self, name: str, default: D, accept: Callable[[str], bool], must: str) -> str | D:
        """A text that a predicate accepts."""

        def parse(text: str) -> str:
            if not accept(text):
                raise ValueError
            return text

        return self.parsed(name, default, parse, must)

    def choice(self, name: str, default: str, choices: Sequence[str]) -> str:
        """One of a few words, in any case."""
        return self.parsed(
            name,
            default,
            lambda text: choices[choices.index(text.lower())],
            f"be one of {', '.join(choices)}",
        )

    def integer(self, name: str, default: int, low: int, high: int) -> int:
        """A whole number from `low` to `high`, both included."""

        def parse(text: str) -> int:
            if not _INTEGER.fullmatch(text) or not low <= int(text) <= high:
                raise ValueError
            return int(text)

        return self.parsed(name, default, parse, f"be a whole number from {low} to {high}")

    def seconds(self, name: str, default: float, low: float, high: float) -> float:
        """A decimal number of seconds from `low` to `high`, both included."""

        def parse(text: str) -> float:
            if not _DECIMAL.fullmatch(text) or not low <= float(text) <= high:
                raise ValueError
            return float(text)

        return self.parsed(name, default, parse, f"be a number of seconds from {low} to {high}")

    def hundredths(self, name: str, default: int, high: int) -> int:
        """A decimal with at most two places from 0 to `high`, as a whole number of hundredths."""

        def parse(text: str) -> int:
            hundredths = Decimal(text) * 100 if _DECIMAL.fullmatch(text) else Decimal(-1)
            if hundredths != int(hundredths) or not 0 <= hundredths <= high * 100:
                raise ValueError
            return int(hundredths)

        return self.parsed(
            name, default, parse, f"be a number from 0 to {high} with at most two decimals"
        )

    def usdc(self, name: str, default: str) -> Money:
        """An amount as the API writes it, greater than zero."""
        return self._money(name, Money.parse(default), Money.parse, "two decimals, like 12.50")

    def xlm(self, name: str, default: str) -> Money:
        """An amount of XLM with at most seven places, greater than zero."""
        parse = Money.from_decimal_string
        return self._money(name, parse(default), parse, "at most seven decimals, like 0.5")

    def _money(self, name: str, default: Money, read: Callable[[str], Money], places: str) -> Money:
        def parse(text: str) -> Money:
            amount = read(text)
            if not amount:
                raise InvalidAmount
            return amount

        return self.parsed(name, default, parse, f"be an amount above zero with {places}")

    def url(self, name: str, default: D, schemes: Sequence[str] = ("http", "https")) -> str | D:
        """An absolute URL without a trailing slash, query, fragment or credentials."""
        return self.parsed(
            name,
            default,
            lambda text: _plain_url(text, schemes),
            f"be a URL that starts with {' or '.join(f'{scheme}://' for scheme in schemes)}",
        )

    def networks(self, name: str) -> tuple[IPv4Network | IPv6Network, ...]:
        """A comma-separated list of addresses or networks."""

        def parse(text: str) -> tuple[IPv4Network | IPv6Network, ...]:
            return tuple(ip_network(part.strip()) for part in text.split(","))

        return self.parsed(name, (), parse, "be a comma-separated list of addresses or networks")

    def secret(self, name: str) -> str | None:
        """The value of NAME or the content of the file NAME_FILE; gone from the environment after.

        A trailing line end of a file is dropped. Both given in one source is a fault.
        """
        value: str | None = None
        for source in (self._environ, self._dotenv):
            direct, path = source.get(name) or None, source.get(f"{name}_FILE") or None
            if value is None and direct is not None and path is not None:
                self.fault(f"{name} and {name}_FILE are both set")
            if value is None and (direct is not None or path is not None):
                value = direct if path is None else self._secret_file(name, Path(path))
        own = name in self._environ or f"{name}_FILE" in self._environ
        origin = "default" if value is None else "environment" if own else ".env"
        self.seen.setdefault(name, Seen(None if value is None else MASKED, origin))
        self._environ.pop(name, None)
        self._environ.pop(f"{name}_FILE", None)
        return value

    def _secret_file(self, name: str, path: Path) -> str | None:
        try:
            with path.open("rb") as file:
                content = file.read(_SECRET_FILE_BYTES_MAX).decode().rstrip("\r\n")
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else "is not UTF-8"
            self.fault(f"{name}_FILE points to {str(path)!r}, which cannot be read: {reason}")
            return None
        if not content:
            self.fault(f"{name}_FILE points to {str(path)!r}, which is empty")
        return content or None

    def _note(self, name: str, text: str | None, default: object) -> None:
        if text is not None:
            own = self._environ.get(name, "").strip() != ""
            self.seen.setdefault(name, Seen(text, "environment" if own else ".env"))
        elif default is not None:
            shown = _plain(default)
            self.seen.setdefault(name, Seen(shown, "default"))
        else:
            self.seen.setdefault(name, Seen(None, "default"))

    def _value(self, name: str) -> str | None:
        text = self._environ.get(name, self._dotenv.get(name, "")).strip()
        return text or None


def read_dotenv(directory: Path) -> dict[str, str]:
    """The values of `directory/.env`, or none; raises OSError or ValueError if it cannot be read."""
    path = directory / ".env"
    if not path.is_file():
        return {}
    # No interpolation: a "$" in a password is a "$".
    values = dotenv_values(path, interpolate=False, encoding="utf-8")
    return {name: value for name, value in values.items() if value is not None}


def _plain_url(text: str, schemes: Sequence[str]) -> str:
    parts = urlsplit(text)
    if parts.scheme not in schemes or not parts.hostname or parts.query or parts.fragment:
        raise ValueError
    if parts.username is not None or parts.password is not None:
        raise ValueError
    _ = parts.port  # raises ValueError if it is none
    return text.rstrip("/")


def _plain(value: object) -> str:
    """A default as the variable would be written."""
    if isinstance(value, Money):
        return value.seven_places().rstrip("0").rstrip(".")
    return ",".join(str(each) for each in value) if isinstance(value, tuple) else str(value)
