"""One running instance a test."""

import pytest

from tests.web.running import open_instance


@pytest.fixture
async def running():
    async with open_instance() as running:
        yield running
