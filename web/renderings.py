"""Orders as JSON, kept beside their snapshots: a snapshot never changes, so neither does its text."""

from collections import OrderedDict
from typing import Final

import msgspec

from offerhub.domain.order import Order
from web.rendering import render_order

_KEPT_MAX: Final = 10_000
_encoder: Final = msgspec.json.Encoder()


class Renderings:
    """The text of orders that were shown lately, without work on the chain."""

    def __init__(self, kept_max: int = _KEPT_MAX) -> None:
        self._kept: OrderedDict[str, tuple[Order, bytes]] = OrderedDict()
        self._kept_max = kept_max

    def of(self, order: Order) -> bytes:
        """The order's JSON; rendered anew when its snapshot is another one."""
        kept = self._kept.get(order.id)
        if kept is not None and kept[0] is order:
            return kept[1]
        text = _encoder.encode(render_order(order))
        self._kept[order.id] = (order, text)
        self._kept.move_to_end(order.id)
        if len(self._kept) > self._kept_max:
            self._kept.popitem(last=False)
        return text
