"""JSON in and out without a float: amounts travel as exact decimals (docs/spec/trustless-work.md §7.3)."""

from decimal import Decimal, InvalidOperation

import msgspec

from offerhub.sandbox.http import Response

_STROOPS_PLACES = 7
_DIGITS_MAX = 20  # below the 28 digits at which decimal arithmetic begins to round

_decoder = msgspec.json.Decoder(float_hook=Decimal)
_encoder = msgspec.json.Encoder(decimal_format="number")


class NotJson(ValueError):
    """A body that is not a JSON object."""


def read_object(body: bytes) -> dict[str, object]:
    """Decode a JSON object; numbers with a fraction or an exponent become `Decimal`. Raises `NotJson`."""
    try:
        content = _decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise NotJson(str(error)) from None
    except InvalidOperation:
        raise NotJson("a number is out of every range") from None
    if not isinstance(content, dict):
        raise NotJson("the body must be a JSON object")
    return content


def json_response(
    status: int, content: object, headers: tuple[tuple[str, str], ...] = ()
) -> Response:
    """Encode an answer; a `Decimal` becomes a JSON number with exactly its digits."""
    body = _encoder.encode(content)
    return Response(status, (("content-type", "application/json; charset=utf-8"), *headers), body)


def human_number(stroops: int) -> int | Decimal:
    """An amount in units of the asset, as the API writes it: `50`, `0.0000333`."""
    whole, rest = divmod(abs(stroops), 10**_STROOPS_PLACES)
    sign = "-" if stroops < 0 else ""
    if not rest:
        return int(f"{sign}{whole}")
    return Decimal(f"{sign}{whole}.{rest:07d}".rstrip("0"))


def stroops_of(amount: Decimal) -> int | None:
    """Stroops of an amount in units; None if it has more than seven places or is absurdly large."""
    if len(amount.as_tuple().digits) > _DIGITS_MAX or abs(amount.adjusted()) > _DIGITS_MAX:
        return None
    scaled = amount.scaleb(_STROOPS_PLACES)
    whole = int(scaled)
    return whole if whole == scaled else None
