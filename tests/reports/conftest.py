from tests.mail.conftest import post, post_office
from tests.world import sandbox, world

__all__ = ["post", "post_office", "sandbox", "world"]
