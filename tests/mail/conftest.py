"""A whole shop beside a mail server of its own."""

import email
from collections.abc import Iterator
from email import policy
from email.message import EmailMessage
from pathlib import Path

import msgspec
import pytest

from dashboard import settings
from dashboard.mail.facts import State
from dashboard.mail.tables import Message
from tests.mail.office import Office, office
from tests.world import World, sandbox, world

__all__ = ["post", "post_office", "sandbox", "shop", "world"]


@pytest.fixture
def post_office() -> Iterator[Office]:
    """A mail server that takes everything."""
    with office() as made:
        yield made


def use(**changes: object) -> None:
    """Change settings of this process until the world is over."""
    settings.use(msgspec.structs.replace(settings.current(), **changes))


@pytest.fixture
def shop(world: World, tmp_path: Path) -> World:
    """The world, whose e-mails become files in a folder of the test's own."""
    use(var_dir=tmp_path)
    return world


@pytest.fixture
def post(world: World, post_office: Office) -> Office:
    """The mail server that the world's e-mails are sent to."""
    use(smtp_url=post_office.url())
    return post_office


def files() -> list[EmailMessage]:
    """The e-mails that were written as files, in order."""
    found = []
    for path in sorted((settings.current().var_dir / "mail").glob("*.eml")):
        read = email.message_from_bytes(path.read_bytes(), policy=policy.default)
        assert isinstance(read, EmailMessage)
        found.append(read)
    return found


async def templates(state: State | None = None) -> list[str]:
    """The templates of all messages, oldest first."""
    rows = await Message.objects().order_by(Message.id)
    return [str(row.template) for row in rows if state is None or row.state == state]


async def states() -> list[str]:
    rows = await Message.objects().order_by(Message.id)
    return [str(row.state) for row in rows]
