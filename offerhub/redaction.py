"""Take secrets out of what is about to be shown: log entries and error texts.

Redaction is the last net, not the rule: secrets are kept out of messages where these are made.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Final

from attrs import define, field

REDACTED: Final = "[redacted]"

# Whole names only: `key` and `keys` name many things that are no secret.
_SECRET_NAME: Final = re.compile(
    r"(.*_)?(secret|seed|password|authorization|cookie|token|mnemonic"
    r"|api_key|master_key|private_key|secret_key|encryption_key)(_hex|_old)?",
    re.IGNORECASE,
)

_PATTERNS: Final = (
    # A Stellar secret seed; an account's public key starts with G and stays.
    re.compile(r"\bS[A-Z2-7]{55}\b"),
    # Our API keys and their tokens.
    re.compile(r"\bohk_[a-z]+_[A-Za-z0-9_-]{8,}"),
    # user:password of a URL.
    re.compile(r"(?<=://)[^\s/@:]*:[^\s/@]+(?=@)"),
)

# A shorter "secret" would blank out half of the log.
_EXACT_LENGTH_MIN: Final = 8
_DEPTH_MAX: Final = 8


def _longest_first(secrets: Iterable[str]) -> tuple[str, ...]:
    known = {secret for secret in secrets if len(secret) >= _EXACT_LENGTH_MIN}
    return tuple(sorted(known, key=lambda secret: (-len(secret), secret)))


@define
class Redactor:
    """Knows what secrets look like, and the very secrets of this process.

    64 hex digits alone are no sign of one: transaction hashes look the same. So the wallet
    encryption key is recognised by its value.

    Args:
        secrets: the process's own secret values, `Settings.secret_values()`.
    """

    _secrets: tuple[str, ...] = field(default=(), converter=_longest_first, repr=False)

    def text(self, text: str) -> str:
        """The text without secrets."""
        for secret in self._secrets:
            text = text.replace(secret, REDACTED)
        for pattern in _PATTERNS:
            text = pattern.sub(REDACTED, text)
        return text

    def value(self, value: object, depth: int = 0) -> object:
        """A JSON-like value without secrets; what is neither that nor a plain number by its text."""
        if value is None or isinstance(value, (bool, int, float)):
            return value
        if depth == _DEPTH_MAX:
            return "…"
        if isinstance(value, Mapping):
            return {
                str(name): self.named(str(name), item, depth + 1) for name, item in value.items()
            }
        if isinstance(value, (list, tuple, set, frozenset)):
            return [self.value(item, depth + 1) for item in value]
        if isinstance(value, (bytes, bytearray, memoryview)):
            # Raw bytes are keys, seeds and bodies: nothing that a log needs.
            return f"[{len(value)} bytes]"
        return self.text(str(value))

    def named(self, name: str, value: object, depth: int = 0) -> object:
        """The value under a name; redacted if the name suggests a secret."""
        if value is not None and _SECRET_NAME.fullmatch(name.replace("-", "_")):
            return REDACTED
        return self.value(value, depth)
