import pytest

from dashboard.staff import auth
from tests.world import ANA, PASSWORD, World, sandbox, world

__all__ = ["sandbox", "world"]


@pytest.fixture(autouse=True)
async def people(world: World) -> None:
    """Who asks for batches: people of the desk, who may."""
    ana = await auth.add_staff("ana@holdfast.test", "support", PASSWORD, "Ana")
    assert ana.id == ANA.staff_id
