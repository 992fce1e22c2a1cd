"""The twin's tables: rows with the unique keys and the indexes that PostgreSQL has."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, Generic, TypeVar

from offerhub.domain.api_keys import ApiKey, ApiToken
from offerhub.domain.chain import ChainOperation
from offerhub.domain.dispute import Dispute
from offerhub.domain.hold import Hold
from offerhub.domain.manual_change import ManualChange
from offerhub.domain.operator_command import OperatorCommand
from offerhub.domain.order import Order
from offerhub.domain.parked import Parked
from offerhub.domain.settlement import Settlement
from offerhub.domain.unit_of_work import Entity, RefusalKind, Refused
from offerhub.domain.users import User, Wallet
from offerhub.domain.webhook import Webhook
from offerhub.domain.withdrawal import Withdrawal
from storage.codec import decode, encode
from storage.envelopes import without_archived

E = TypeVar("E", bound=Entity)

_UNIQUE: Final[Mapping[type, Mapping[str, Callable[[Any], object]]]] = {
    Order: {"client_order_ref": lambda order: order.client_order_ref},
    Dispute: {"order_id": lambda dispute: dispute.order_id},
    User: {"external_user_id": lambda user: user.external_user_id},
    Wallet: {"public_key": lambda wallet: wallet.public_key},
    ApiKey: {"digest": lambda key: key.digest},
    Webhook: {"webhook_event": lambda webhook: (webhook.source, webhook.event_id)},
    ApiToken: {"digest": lambda token: token.digest},
    ChainOperation: {},
    Withdrawal: {},
    Parked: {},
    ManualChange: {
        "manual_reference": lambda row: (
            None if row.reference is None else (row.user_id, row.kind, row.reference)
        )
    },
    Hold: {"hold_reference": lambda hold: (hold.user_id, hold.reference) if hold.is_open else None},
    OperatorCommand: {},
    Settlement: {},
}


class Table(Generic[E]):
    """Rows of one kind, in the order of their creation."""

    def __init__(self, kind: type[E]) -> None:
        self._kind = kind
        self.rows: dict[str, E] = {}
        self._unique: dict[str, dict[object, str]] = {name: {} for name in _UNIQUE[kind]}

    def newest_first(self, key: Callable[[E], Any] | None = None) -> Iterator[E]:
        """The rows, newest first: by their creation, or by a key and then by their creation."""
        rows = self.rows.values()
        return reversed(rows if key is None else sorted(rows, key=key))

    def by_key(self, name: str, value: object) -> E | None:
        """The row that has a unique key, if one has it."""
        found = self._unique[name].get(value)
        return None if found is None else self.rows[found]

    def refusal(self, entity: E) -> Refused | None:
        """Why the entity cannot be written now."""
        stored = self.rows.get(entity.id)
        if entity.version != (1 if stored is None else stored.version + 1):
            return Refused(RefusalKind.CONFLICT, entity.id)
        for name, of in _UNIQUE[self._kind].items():
            if self._unique[name].get(of(entity), entity.id) != entity.id:
                return Refused(RefusalKind.TAKEN, name)
        return None

    def write(self, entity: E) -> None:
        """Write an entity that is not refused, through the codec, as PostgreSQL would keep it."""
        stored = self.rows.get(entity.id)
        for name, of in _UNIQUE[self._kind].items():
            if stored is not None:
                self._unique[name].pop(of(stored), None)
            if of(entity) is not None:
                self._unique[name][of(entity)] = entity.id
        self.rows[entity.id] = decode(self._kind, encode(without_archived(entity)))

    def delete(self, entity_id: str) -> None:
        """Delete a row and its unique keys."""
        gone = self.rows.pop(entity_id)
        for name, of in _UNIQUE[self._kind].items():
            self._unique[name].pop(of(gone), None)


class Tables:
    """One table a kind of entity."""

    def __init__(self) -> None:
        self._tables: dict[type, Table[Any]] = {kind: Table(kind) for kind in _UNIQUE}

    def of(self, kind: type[E]) -> Table[E]:
        return self._tables[kind]

    def everything(self) -> Iterator[Entity]:
        """Every row of every table."""
        for table in self._tables.values():
            yield from table.rows.values()

    def refusal(self, writes: tuple[Entity, ...]) -> Refused | None:
        """Why a unit's entities cannot be written; each kind at most once an id (checked)."""
        for entity in writes:
            refused = self._tables[type(entity)].refusal(entity)
            if refused is not None:
                return refused
        return _clash(writes)

    def write(self, writes: tuple[Entity, ...]) -> None:
        for entity in writes:
            self._tables[type(entity)].write(entity)


def _clash(writes: tuple[Entity, ...]) -> Refused | None:
    """Two new entities of one unit with the same unique key."""
    seen: set[tuple[type, str, object]] = set()
    for entity in writes:
        for name, of in _UNIQUE[type(entity)].items():
            key = (type(entity), name, of(entity))
            if of(entity) is not None and key in seen:
                return Refused(RefusalKind.TAKEN, name)
            seen.add(key)
    return None
