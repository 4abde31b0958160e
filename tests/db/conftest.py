import os
from collections.abc import AsyncIterator

import pytest

from tests.db import toys as tables

# Left out rather than skipped: a skip is a failure on CI.
collect_ignore = (
    ["test_sqlite.py"]
    if os.environ.get("TEST_DATABASE") == "postgresql"
    else ["test_postgresql.py"]
)


@pytest.fixture
async def toys(database: None) -> AsyncIterator[None]:
    """The toy tables, beside the migrated ones."""
    await tables.create()
    yield
    await tables.drop()
