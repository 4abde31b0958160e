"""Every page in both themes, wide and narrow: no barrier that axe knows, nothing sideways."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser import scene
from tests.browser.chromium import LOOKS
from tests.browser.conftest import carry_session, violations
from tests.browser.served import Served, served

pytestmark = pytest.mark.browser
ROOT = Path(__file__).resolve().parent.parent.parent
PICTURES = ROOT / "var" / "pictures"
SIZES = {"wide": (1280, 900), "narrow": (390, 844)}


@pytest.fixture(scope="module")
def painted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Served, dict[str, int]]]:
    with served(tmp_path_factory.mktemp("painted")) as running:
        yield running, scene.paint(running)


@pytest.fixture(scope="module")
def person(painted: tuple[Served, dict[str, int]]) -> str:
    return painted[0].staff("support")


@pytest.mark.parametrize(("size", "theme"), LOOKS)
def test_14_no_page_has_a_barrier_or_scrolls_sideways(
    browser: Browser, painted: tuple[Served, dict[str, int]], person: str, theme: str, size: str
):
    desk, found = painted
    width, height = SIZES[size]
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme=theme,  # type: ignore[arg-type]
        base_url=desk.url,
    )
    page = context.new_page()
    wrong: list[str] = []
    PICTURES.mkdir(parents=True, exist_ok=True)
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    for name, address, press in scene.pages(found):
        if name == "queue":
            carry_session(page, desk, person)
        page.goto(address)
        if press:
            page.click(press)
            page.wait_for_selector("dialog[open]")
        wrong += [f"{name}: {one}" for one in violations(page)]
        sideways = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        if sideways > 0:
            wrong.append(f"{name} scrolls sideways by {sideways} px")
        page.screenshot(path=PICTURES / f"{name}-{size}-{theme}.png", full_page=not press)
    context.close()
    assert not wrong, "\n".join(wrong)
    policy = [one for one in complaints if "Content Security Policy" in one]
    assert not policy, policy


def test_15_the_theme_follows_the_system_and_a_choice_stays(
    browser: Browser, painted: tuple[Served, dict[str, int]], person: str
):
    desk, _ = painted
    context = browser.new_context(color_scheme="dark", base_url=desk.url)
    page = context.new_page()
    carry_session(page, desk, person)
    page.goto("/holds")
    assert _ground(page) == "rgb(14, 21, 19)"
    page.get_by_role("button", name="Light").click()
    assert _ground(page) == "rgb(244, 246, 244)"
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "light")
    assert _ground(page) == "rgb(244, 246, 244)"
    page.get_by_role("button", name="System").click()
    page.emulate_media(color_scheme="light")
    assert _ground(page) == "rgb(244, 246, 244)"
    page.emulate_media(color_scheme="dark")
    assert _ground(page) == "rgb(14, 21, 19)"
    context.close()


def _ground(page: Page) -> str:
    said: str = page.evaluate("getComputedStyle(document.body).backgroundColor")
    return said


def test_a_bar_of_the_strip_leads_to_its_rows(
    browser: Browser, painted: tuple[Served, dict[str, int]], person: str
):
    desk, found = painted
    context = browser.new_context(base_url=desk.url)
    page = context.new_page()
    carry_session(page, desk, person)
    page.goto("/holds")
    page.locator(".bars a").first.click()
    expect(page).to_have_url(re.compile("expires="))
    expect(page.locator("[data-row]")).to_have_count(1)
    expect(page.locator(f"#hold-{found['failing']}")).to_be_visible()
    context.close()
