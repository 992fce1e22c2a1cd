"""The JSON examples of the documents fit the OpenAPI document."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.documents import Block, blocks
from tests.web.test_openapi import WHOLE, errors_of, resolved
from web.call import BASE_PATH

ROOT = Path(__file__).resolve().parents[2]
GENERATED = {ROOT / "docs/events.md"}
"""Its examples come from a real run, and are held to their shapes where it is made."""

EXAMPLES = [
    (document.name, block)
    for document in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    if document not in GENERATED
    for block in blocks(document)
    if block.language == "json"
]


def _unnamed(path: str) -> str:
    """The path without the names of its parameters, which generated clients see and readers not."""
    return re.sub(r"\{\w+\}", "{}", path)


OPERATIONS = {
    (method, _unnamed(path)): operation
    for path, methods in WHOLE["paths"].items()
    for method, operation in methods.items()
}


def schema_of(about: str) -> Any:
    """`POST /orders` is the request's body, `POST /orders 201` an answer."""
    method, path, *status = about.split()
    operation = OPERATIONS[method.lower(), _unnamed(f"{BASE_PATH}{path}")]
    part = operation["responses"][status[0]] if status else operation["requestBody"]
    return resolved(part)["content"]["application/json"]["schema"]


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 5


@pytest.mark.parametrize(
    ("document", "block"), EXAMPLES, ids=lambda each: getattr(each, "about", each)
)
def test_an_example_fits_what_it_is_an_example_of(document: str, block: Block) -> None:
    assert block.about, f"{document}:{block.line} does not say of what it is an example"
    assert [] == errors_of(schema_of(block.about), json.loads(block.text))


def test_an_example_that_does_not_fit_is_found() -> None:
    schema = schema_of("POST /orders/{id}/resolution/dispute")

    assert errors_of(schema, {"openedBy": "NOBODY", "reason": "QUALITY_ISSUE"})
    assert errors_of(schema, {"openedBy": "BUYER", "reason": "QUALITY_ISSUE", "colour": "red"})
