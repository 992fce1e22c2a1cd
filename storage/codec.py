"""Entities as stored documents: attrs values ↔ JSON, strict in both directions.

Each attrs class of the domain is mirrored by a `msgspec.Struct` that is made from its
annotations: money is an integer of stroops there, moments are ISO texts, enumerations their
values, bytes base64; of a union of attrs classes the document names the one. A field that is
at its default is left out; an absent one takes it, so that what an older version stored still
loads. An unknown field (of a newer version) is refused: writing the entity back would lose it.
"""

import types
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Annotated, Any, Final, TypeVar, Union, cast, get_args, get_origin, get_type_hints

import attrs
import msgspec

from offerhub.domain.money import Money
from offerhub.domain.unit_of_work import Entity

E = TypeVar("E", bound=Entity)
_Convert = Callable[[Any], Any]

_FACTORY: Final[Any] = attrs.Factory  # a class at run time, a function to the type checker
_MOMENT: Final = Annotated[datetime, msgspec.Meta(tz=True)]


class UnreadableDocument(Exception):
    """A stored document is none that this version of the program can read."""


def encode(entity: Entity) -> str:
    """The entity as one line of JSON; a metadata value that is no JSON raises `TypeError`."""
    return msgspec.json.encode(_shape(type(entity)).out(entity)).decode()


def decode(kind: type[E], document: str | bytes) -> E:
    """The entity that `encode` wrote, now or in an earlier version.

    Raises:
        UnreadableDocument: a field is unknown, missing without a default, or of another type.
    """
    shape = _shape(kind)
    try:
        return cast("E", shape.back(shape.decoder.decode(document)))
    except msgspec.MsgspecError as error:
        raise UnreadableDocument(f"a stored {kind.__name__} cannot be read: {error}") from error


@attrs.frozen
class _Shape:
    """A mirror and the ways to it and back."""

    mirror: type[msgspec.Struct]
    decoder: msgspec.json.Decoder[Any]
    out: _Convert
    back: _Convert


_SHAPES: dict[tuple[Any, bool], _Shape] = {}


def _shape(kind: Any, *, tagged: bool = False) -> _Shape:
    """The shape of a kind, made at its first use.

    Args:
        tagged: it is one of several in a union, and its document says which: by its class's name.
    """
    shape = _SHAPES.get((kind, tagged))
    if shape is None:
        shape = _SHAPES[kind, tagged] = _new_shape(kind, tagged=tagged)
    return shape


def _new_shape(kind: Any, *, tagged: bool) -> _Shape:
    hints = get_type_hints(kind)
    names, fields, outs, backs = [], [], [], []
    for attribute in attrs.fields(kind):
        annotation = hints[attribute.name]
        names.append(attribute.name)
        fields.append((attribute.name, _mirrored(annotation), _default(attribute)))
        out, back = _conversions(annotation)
        if out is not None and back is not None:
            outs.append((len(names) - 1, out))
            backs.append((len(names) - 1, back))
    mirror = msgspec.defstruct(
        kind.__name__,
        fields,
        tag=kind.__name__ if tagged else None,
        forbid_unknown_fields=True,
        omit_defaults=True,
        module=__name__,
    )

    def to_mirror(value: Any) -> Any:
        values = [getattr(value, name) for name in names]
        for index, convert in outs:
            values[index] = convert(values[index])
        return mirror(*values)

    def from_mirror(value: Any) -> Any:
        values = [getattr(value, name) for name in names]
        for index, convert in backs:
            values[index] = convert(values[index])
        return kind(*values)

    return _Shape(mirror, msgspec.json.Decoder(mirror), to_mirror, from_mirror)


def _default(attribute: "attrs.Attribute[Any]") -> Any:
    default = attribute.default
    if default is attrs.NOTHING:
        return msgspec.NODEFAULT
    if isinstance(default, _FACTORY):
        return msgspec.field(default_factory=default.factory)
    if isinstance(default, Money) or attrs.has(type(default)):
        raise TypeError(f"{attribute.name}: a default that is an attrs value is not mirrored")
    return default


def _mirrored(annotation: Any) -> Any:
    """The annotation with every attrs class replaced by its mirror."""
    if annotation is Money:
        return int
    if annotation is datetime:
        return _MOMENT
    if annotation is object:
        return Any
    if isinstance(annotation, type) and attrs.has(annotation):
        return _shape(annotation).mirror
    origin, arguments = get_origin(annotation), get_args(annotation)
    if _is_tagged(annotation):
        return Union[tuple(_shape(kind, tagged=True).mirror for kind in arguments)]  # noqa: UP007 - computed
    if origin in {Union, types.UnionType}:
        return Union[tuple(_mirrored(argument) for argument in arguments)]  # noqa: UP007 - computed
    if origin is tuple:
        return tuple[_mirrored(arguments[0]), ...]  # type: ignore[misc]
    if origin is Mapping:
        return dict[str, _mirrored(arguments[1])]  # type: ignore[misc]
    return annotation


def _conversions(annotation: Any) -> tuple[_Convert | None, _Convert | None]:
    """How a field's value becomes the mirror's and the other way; `None`: as it is."""
    if annotation is Money:
        return _stroops, Money
    if isinstance(annotation, type) and attrs.has(annotation):
        shape = _shape(annotation)
        return shape.out, shape.back
    origin, arguments = get_origin(annotation), get_args(annotation)
    if _is_tagged(annotation):
        outs = {kind: _shape(kind, tagged=True).out for kind in arguments}
        backs = {
            _shape(kind, tagged=True).mirror: _shape(kind, tagged=True).back for kind in arguments
        }
        return _by_type(outs), _by_type(backs)
    if origin in {Union, types.UnionType}:
        (kind,) = (argument for argument in arguments if argument is not type(None))
        out, back = _conversions(kind)
        return out and _unless_none(out), back and _unless_none(back)
    if origin is tuple:
        out, back = _conversions(arguments[0])
        return out and _each(out), back and _each(back)
    return None, None


def _is_tagged(annotation: Any) -> bool:
    """Whether the annotation is a union of several attrs classes and nothing else."""
    return get_origin(annotation) in {Union, types.UnionType} and all(
        isinstance(kind, type) and attrs.has(kind) for kind in get_args(annotation)
    )


def _by_type(converts: Mapping[type, _Convert]) -> _Convert:
    return lambda value: converts[type(value)](value)


def _stroops(amount: Money) -> int:
    return amount.stroops


def _unless_none(convert: _Convert) -> _Convert:
    return lambda value: None if value is None else convert(value)


def _each(convert: _Convert) -> _Convert:
    return lambda values: tuple([convert(value) for value in values])
