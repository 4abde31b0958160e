"""The mail pages and every e-mail in a real Chromium: no barrier, nothing sideways, both themes."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from dashboard.mail import messages, rendering
from dashboard.mail.facts import Terms
from dashboard.mail.samples import samples
from dashboard.mail.tables import Message
from jobs import mail
from tests.browser.chromium import LOOKS
from tests.browser.conftest import carry_session, violations
from tests.browser.served import Served, served

pytestmark = pytest.mark.browser
PICTURES = Path(__file__).resolve().parent.parent.parent / "var" / "pictures"
SIZES = {"wide": (1280, 900), "narrow": (390, 844)}
TERMS = Terms(rating_url="https://shop.test/rate/{booking}")
HOUR = timedelta(hours=1)


@pytest.fixture(scope="module")
def posted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A desk some of whose e-mails are sent, one is refused, one is due and one is skipped."""
    with served(tmp_path_factory.mktemp("posted")) as desk:
        desk.book("Noor Haddad", 30 * HOUR)
        desk.advance(timedelta(days=4))
        for name in ("Leo Brandt", "Ada Okafor", "Maximiliane von Schwarzenberg-Lichtenfels"):
            desk.book(name, 40 * HOUR)
        desk.book("Rosa Delgado", 24 * 12 * HOUR)
        desk.book("Wei Zhang", 26 * HOUR, card="pm_card_chargeDeclined")
        desk.book("Priya Nair", 30 * HOUR, is_package=True, package_id=desk.package)
        desk.run(mail.send_mail())
        desk.run(_trouble())
        yield desk


async def _trouble() -> None:
    rows = await Message.objects().order_by(Message.id)
    refused = {"state": "failed", "error": "550 5.1.1 No such mailbox", "attempts": 1}
    await Message.update(refused).where(Message.id == rows[2].id)
    late = {"state": "waiting", "error": "451 4.3.0 Try again later", "attempts": 3}
    await Message.update({**late, "due_at": rows[3].created_at, "sent_at": None}).where(
        Message.id == rows[3].id
    )


@pytest.mark.parametrize(("size", "theme"), LOOKS)
def test_14_no_mail_page_has_a_barrier_or_scrolls_sideways(
    browser: Browser, posted: Served, theme: str, size: str
):
    width, height = SIZES[size]
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme=theme,  # type: ignore[arg-type]
        base_url=posted.url,
        # The frames hold e-mails, in a sandbox: axe gets into them below, one by one.
        reduced_motion="reduce",
    )
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    carry_session(page, posted, posted.staff("viewer"))
    wrong: list[str] = []
    PICTURES.mkdir(parents=True, exist_ok=True)
    for name, address in (
        ("mail", "/mail"),
        ("mail-failed", "/mail?view=failed"),
        ("mail-nothing", "/mail?q=nobody"),
        ("mail-one", "/mail/2"),
        ("mail-skipped", "/mail/1"),
        ("mail-templates", "/mail/templates"),
    ):
        page.goto(address)
        wrong += [f"{name}: {one}" for one in violations(page)]
        wrong += _sideways(page, name)
        _show_frames(page)
        page.screenshot(path=PICTURES / f"{name}-{size}-{theme}.png", full_page=True)
        page.set_viewport_size({"width": width, "height": height})
    context.close()
    assert not wrong, "\n".join(wrong)
    assert not [one for one in complaints if "Content Security Policy" in one], complaints


@pytest.mark.parametrize(("size", "theme"), LOOKS)
def test_14_no_email_has_a_barrier_or_scrolls_sideways(browser: Browser, theme: str, size: str):
    width, height = SIZES[size]
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme=theme,  # type: ignore[arg-type]
    )
    page = context.new_page()
    wrong: list[str] = []
    PICTURES.mkdir(parents=True, exist_ok=True)
    for name, (_, facts) in samples(TERMS).items():
        letter = messages.letter(facts)
        assert letter is not None
        page.set_content(rendering.html(letter))
        wrong += [f"{name}: {one}" for one in violations(page)] + _sideways(page, name)
        page.screenshot(path=PICTURES / f"email-{name}-{size}-{theme}.png", full_page=True)
    context.close()
    assert not wrong, "\n".join(wrong)


def test_an_email_is_seen_in_its_frame_and_can_run_nothing(browser: Browser, posted: Served):
    context = browser.new_context(base_url=posted.url)
    page = context.new_page()
    carry_session(page, posted, posted.staff("viewer"))
    page.goto("/mail/2")
    frame = page.frame_locator("iframe")
    expect(frame.get_by_role("heading", level=1)).to_contain_text("reserved")
    expect(page.get_by_label("Text", exact=True)).to_contain_text("How to cancel")
    colour = frame.locator("h1").evaluate("it => getComputedStyle(it).backgroundColor")
    assert colour == "rgb(228, 233, 251)"
    context.close()


def test_mail_is_found_without_scripts(browser: Browser, posted: Served):
    context = browser.new_context(base_url=posted.url, java_script_enabled=False)
    page = context.new_page()
    carry_session(page, posted, posted.staff("viewer"))
    page.goto("/holds")
    page.get_by_role("link", name="Mail", exact=True).click()
    page.get_by_label("Find").fill("leo.brandt@example.test")
    page.get_by_role("button", name="Apply").click()
    expect(page.locator("tbody tr")).to_have_count(1)
    page.locator("tbody .opens").click()
    expect(page.locator("h1")).to_contain_text("reserved")
    context.close()


def _show_frames(page: Page) -> None:
    """Bring every frame into sight: one that never was is blank in a picture of the whole page."""
    width = page.viewport_size["width"] if page.viewport_size else 0
    height = page.evaluate("document.documentElement.scrollHeight")
    page.set_viewport_size({"width": width, "height": height})
    for frame in page.locator("iframe").all():
        frame.content_frame.locator("h1").wait_for()
    # One more frame of the compositor, so that what is in sight has been painted.
    page.evaluate("() => new Promise(done => setTimeout(done, 200))")


def _sideways(page: Page, name: str) -> list[str]:
    by = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    return [f"{name} scrolls sideways by {by} px"] if by > 0 else []
