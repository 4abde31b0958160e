"""Looks at pages for barriers, for what scrolls sideways, and for what their policy refuses."""

from pathlib import Path

from playwright.sync_api import Browser, ConsoleMessage, Page

from tests.browser.conftest import carry_session, violations
from tests.browser.served import Served

PICTURES = Path(__file__).resolve().parent.parent.parent / "var" / "pictures"
SIZES = {"wide": (1280, 900), "narrow": (390, 844)}


def page_of(browser: Browser, desk: Served, role: str = "support", **options: object) -> Page:
    """A page of its own, of somebody new with this role."""
    page = browser.new_context(base_url=desk.url, **options).new_page()  # type: ignore[arg-type]
    carry_session(page, desk, desk.staff(role))
    return page


class Look:
    """A page at one size and in one theme, and all that was found wrong with what it showed."""

    def __init__(
        self, browser: Browser, desk: Served, size: str, theme: str, role: str = "support"
    ) -> None:
        width, height = SIZES[size]
        viewport = {"width": width, "height": height}
        self.page = page_of(browser, desk, role, viewport=viewport, color_scheme=theme)
        self.wrong: list[str] = []
        self._look = f"{size}-{theme}"
        self.page.on("console", self._hear)
        PICTURES.mkdir(parents=True, exist_ok=True)

    def _hear(self, said: ConsoleMessage) -> None:
        if "Content Security Policy" in said.text:
            self.wrong.append(said.text)

    def at(self, name: str, address: str = "", whole: bool = True) -> None:
        """Look at the page as it is, or at another address first; the picture is of the whole."""
        if address:
            self.page.goto(address)
        self.wrong += [f"{name}: {one}" for one in violations(self.page)]
        by = self.page.evaluate("document.documentElement.scrollWidth - innerWidth")
        self.wrong += [f"{name} scrolls sideways by {by} px"] if by > 0 else []
        self.page.screenshot(path=PICTURES / f"{name}-{self._look}.png", full_page=whole)
