"""The catalog of events is the specification's table, and the code emits what it declares."""

import ast
import re
from pathlib import Path

import pytest
from attrs import frozen

from offerhub.domain.event_catalog import AGGREGATES, EVENT_TYPES, EventType

ROOT = Path(__file__).resolve().parents[2]
SPECIFICATION = (ROOT / "docs/spec/domain.md").read_text(encoding="utf-8")
AIRTM = {
    "user.airtm_linked",
    "topup.created",
    "topup.confirmation_required",
    "topup.processing",
    "topup.succeeded",
    "topup.failed",
    "topup.canceled",
    "withdrawal.pending",
    "withdrawal.pending_user_action",
}
"""They come with AirTM, and are marked as not built."""

AIRTM_FIELDS = {"airtmPayoutId", "actionRequired"}
TIMESTAMPS = {"createdAt", "fundedAt", "completedAt", "releasedAt", "refundedAt", "disputedAt"}


@frozen
class Row:
    """A row of the table; `per_type`: fields that only some of its types have."""

    types: tuple[str, ...]
    always: frozenset[str]
    sometimes: frozenset[str]
    per_type: frozenset[str]


def rows(text: str) -> list[Row]:
    table = text.split("\n## 6. Events\n", 1)[1].split("\n## ", 1)[0]
    return [
        _row(*cells) for cells in re.findall(r"^\| ([a-z]+\..+?) \| (.+) \|$", table, re.MULTILINE)
    ]


def _row(types: str, payload: str) -> Row:
    first, *rest = types.split(" / ")
    group = first.partition(".")[0]
    said, _, per_type = re.sub(r" \(.*?\)", "", payload).partition(", and per type ")
    said, _, of_some = said.partition(", of a split also ")
    fields = said.split(", ")
    return Row(
        types=(first, *(f"{group}.{each}" for each in rest)),
        always=frozenset(each for each in fields if not each.endswith("?")),
        sometimes=frozenset(
            [each.rstrip("?") for each in fields if each.endswith("?")]
            + [each for each in of_some.split(", ") if each]
        ),
        per_type=frozenset(re.split(r", | \+ ", per_type)) - {""},
    )


ROWS = rows(SPECIFICATION)


def expanded(names: frozenset[str]) -> frozenset[str]:
    return names - {"timestamps"} | (TIMESTAMPS if "timestamps" in names else set())


def test_the_catalog_has_the_types_of_the_specification_but_those_of_airtm():
    said = {name for row in ROWS for name in row.types}

    assert said - AIRTM == set(EVENT_TYPES)
    assert said >= AIRTM
    (marked,) = re.findall(
        r"^> Not built yet: the events (.*?), and the sources", SPECIFICATION, re.MULTILINE
    )
    names = set(re.findall(r"`([a-z_.*]+)`", marked))
    patterns = [re.escape(name).replace(r"\*", ".+") for name in names]
    assert {each for each in said if any(re.fullmatch(p, each) for p in patterns)} == AIRTM


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.types[0])
def test_a_type_has_exactly_the_fields_of_its_row(row: Row):
    built = {name: EVENT_TYPES[name] for name in row.types if name not in AIRTM}
    for name, declared in built.items():
        own = declared.always | declared.sometimes
        assert row.always <= declared.always, name
        if row.per_type:
            assert own - row.always <= expanded(row.per_type), name
        else:
            assert (row.always, row.sometimes) == (declared.always, declared.sometimes), name
    used: set[str] = set().union(*(each.always | each.sometimes for each in built.values()))
    # Every field that the row names is one of a type; of the moments each type has its own.
    if built:
        assert row.per_type - {"timestamps"} - used <= AIRTM_FIELDS


def test_a_catalog_that_differs_is_found():
    row = next(row for row in ROWS if row.types == ("order.in_progress",))
    wrong = EventType("Order", row.always | {"more"}, frozenset())

    assert (row.always, row.sometimes) != (wrong.always, wrong.sometimes)


def test_an_aggregate_is_one_that_can_be_filtered_by():
    assert {each.aggregate for each in EVENT_TYPES.values()} <= set(AGGREGATES)
    listed = re.search(r"aggregateType is one of (.*?); `resourceTypes`", SPECIFICATION)
    assert listed is not None
    assert set(AGGREGATES) == set(re.findall(r"`([A-Z][A-Za-z]+)`", listed[1]))


def test_the_code_emits_every_type_that_it_declares():
    texts = {
        node.value
        for path in (ROOT / "offerhub" / "domain").glob("*.py")
        if path.name != "event_catalog.py"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }

    # An order's and a withdrawal's decisions name their events without the group.
    assert [] == [name for name in EVENT_TYPES if not {name, name.partition(".")[2]} & texts]
    assert set() == texts & {*AIRTM, "pending_user_action", "airtm_linked"}
