"""One running instance a test."""

import pytest

from tests.web.house import open_house


@pytest.fixture
async def house():
    async with open_house() as running:
        yield running
