import os
from typing import Any

import pytest

from dashboard import settings
from tests.bookings.renewing import renew
from tests.payments.conftest import desk, sandbox_server
from tests.world import sandbox, world

__all__ = ["desk", "renew", "sandbox", "sandbox_server", "world"]

# SQLite lets in one writer: there no transaction can overtake another. Left out rather than
# skipped: a skip is a failure on CI.
collect_ignore = [] if os.environ.get("TEST_DATABASE") == "postgresql" else ["test_overtaking.py"]


@pytest.fixture(autouse=True)
def settings_of_its_own() -> Any:
    """A test may choose another reporting zone."""
    chosen = settings.current()
    yield
    settings.use(chosen)
