from tests.world import sandbox, world

__all__ = ["sandbox", "world"]
