"""Pictures of every page, wide and narrow, light and dark, into var/pictures."""

import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from playwright.sync_api import Browser, Page, sync_playwright  # noqa: E402

from tests.browser import scene  # noqa: E402
from tests.browser.chromium import LAUNCH  # noqa: E402
from tests.browser.served import PASSWORD, Served, served  # noqa: E402

SIZES = {"wide": (1280, 900), "narrow": (390, 844)}


def main() -> None:
    """Take them all; names given on the command line pick some."""
    wanted = sys.argv[1:]
    target = ROOT / "var" / "pictures"
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, served(Path(folder)) as desk:
        found = scene.paint(desk)
        email = desk.staff("support")
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(**LAUNCH)
            for theme in ("light", "dark"):
                for size, (width, height) in SIZES.items():
                    _take(browser, desk, found, email, theme, size, (width, height), wanted)
            browser.close()
    print(f"Pictures are in {target}")


def _take(
    browser: Browser,
    desk: Served,
    found: dict[str, int],
    email: str,
    theme: str,
    size: str,
    measures: tuple[int, int],
    wanted: list[str],
) -> None:
    width, height = measures
    context = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme=theme, base_url=desk.url
    )
    page = context.new_page()
    for name, address, click in pages(found):
        if wanted and name not in wanted:
            continue
        if name != "sign-in" and not any(c["name"] == "holdfast_session" for c in context.cookies()):
            sign_in(page, email)
        page.goto(address)
        if click:
            page.click(click)
            page.wait_for_selector("dialog[open]")
        page.wait_for_timeout(150)
        path = ROOT / "var" / "pictures" / f"{name}-{size}-{theme}.png"
        page.screenshot(path=path, full_page=not click)
    context.close()


def sign_in(page: Page, email: str) -> None:
    page.goto("/sign-in")
    page.fill("[name=email]", email)
    page.fill("[name=password]", PASSWORD)
    page.click("text=Sign in >> nth=-1")
    page.wait_for_url("**/holds")


def pages(found: dict[str, int]) -> list[tuple[str, str, str]]:
    """Name, address, and what to press for a dialog."""
    failing = found["failing"]
    return [
        ("sign-in", "/sign-in", ""),
        ("queue", "/holds", ""),
        ("expiring", "/holds?view=expiring", ""),
        ("everything", "/holds?view=all", ""),
        ("nothing", "/holds?q=nobody", ""),
        ("hold", f"/holds/{failing}", ""),
        ("captured", f"/holds/{found['part refunded']}", ""),
        ("released", f"/holds/{found['released']}", ""),
        ("declined", f"/holds/{found['declined']}", ""),
        ("capture", f"/holds/{failing}/capture", ""),
        ("refund", f"/holds/{found['captured']}/refund", ""),
        ("dialog", "/holds", f"#capture-{failing}"),
        ("refund-dialog", f"/holds/{found['captured']}", f"#refund-{found['captured']}"),
        ("not-found", "/holds/999999", ""),
    ]


if __name__ == "__main__":
    main()
