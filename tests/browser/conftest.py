"""One desk for each module, with a page signed in for each test. Chromium is Debian's.

A process has one database and one gateway, so two desks can't be open in it at the same time.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.chromium import LAUNCH
from tests.browser.served import Served, served

AXE = Path(__file__).resolve().parent.parent.parent / "static" / "vendor" / "axe.min.js"
# Milliseconds: a busy machine is slow, and what is there sooner waits for nothing.
expect.set_options(timeout=15_000)
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, Any]:
    return LAUNCH


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("desk")) as running:
        yield running


@pytest.fixture
def browser_context_args(browser_context_args: dict[str, Any], desk: Served) -> dict[str, Any]:
    return {**browser_context_args, "base_url": desk.url}


@pytest.fixture(scope="module")
def ana(desk: Served) -> str:
    """The e-mail of somebody in support."""
    return desk.staff("support")


@pytest.fixture
def signed_in(page: Page, desk: Served, ana: str) -> Page:
    """A page of Ana's, without going through the form each time."""
    carry_session(page, desk, ana)
    return page


def carry_session(page: Page, desk: Served, email: str) -> None:
    cookie = {"name": "holdfast_session", "value": desk.session(email), "url": desk.url}
    page.context.add_cookies([{**cookie, "httpOnly": True}])  # type: ignore[list-item]


def violations(page: Page) -> list[str]:
    """What axe finds wrong with the page as it stands, a line each, and ids that occur twice."""
    if not page.evaluate("() => 'axe' in window"):
        # The page's own policy lets no foreign script in; the debugger's door does.
        page.evaluate(AXE.read_text())
    twice = page.evaluate(
        "() => [...document.querySelectorAll('[id]')].map(one => one.id)"
        ".filter((id, place, all) => all.indexOf(id) < place)"
    )
    found: Any = page.evaluate("tags => axe.run({runOnly: {type: 'tag', values: tags}})", TAGS)
    # A label would lead to the first of them, wherever that is.
    return [f"the id {one} occurs twice" for one in twice] + [
        f"{one['id']}: {node['target']} {node['failureSummary']}"
        for one in found["violations"]
        for node in one["nodes"]
    ]
