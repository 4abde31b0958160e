"""What a look at the desk costs after a thousand bookings and after a hundred thousand.

`python -m scripts.bench_desk [BOOKINGS]` writes both pasts once (into var/bench-desk; the
large one takes minutes), opens the desk on both, takes turns in asking for the same pages, and
prints milliseconds, their ratio, and the bytes of a first and of a second visit.
"""

import argparse
import asyncio
import contextlib
import json
import logging
import os
import re
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, cast

SMALL, LARGE = 1_000, 100_000
MONTHS, ROUNDS, PAGES = 12, 15, 40
PORT = 8_590
ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "var" / "bench-desk"
HEADERS = {"Accept": "text/html", "Accept-Encoding": "gzip"}


def environment(bookings: int) -> dict[str, str]:
    """Of the processes that work on one of the databases."""
    folder = FOLDER / str(bookings)
    folder.mkdir(parents=True, exist_ok=True)
    own = {name: text for name, text in os.environ.items() if not name.startswith("STRIPE_")}
    ports = {"PORT": str(PORT), "SANDBOX_PORT": str(PORT + 1)}
    return own | ports | {"VAR_DIR": str(folder), "DATABASE_URL": f"sqlite:///{folder}/desk.sqlite"}


def run(bookings: int, *words: str) -> None:
    """One command of the product on that database."""
    command = [sys.executable, "-m", "dashboard", *words]
    subprocess.run(command, cwd=ROOT, env=environment(bookings), check=True, stdout=sys.stderr)


def prepare(bookings: int) -> None:
    """Write the past, unless it is there from an earlier time; migrations are run anyway."""
    run(bookings, "migrate")
    if (FOLDER / str(bookings) / "written").exists():
        return
    command = [sys.executable, "-m", "dashboard", "sandbox"]
    sandbox = subprocess.Popen(command, cwd=ROOT, env=environment(bookings))
    try:
        time.sleep(5)
        run(bookings, "seed", "--bookings", str(bookings), "--months", str(MONTHS))
    finally:
        sandbox.terminate()
        sandbox.wait()
    (FOLDER / str(bookings) / "written").touch()


class Desk:
    """The desk on one database, in a process of its own that answers line by line."""

    def __init__(self, bookings: int) -> None:
        command = [sys.executable, "-W", "ignore", "-m", "scripts.bench_desk", "--answer"]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(
            command, cwd=ROOT, env=environment(bookings), stdin=pipe, stdout=pipe, text=True
        )

    def look(self, path: str, **headers: str) -> dict[str, Any]:
        """Ask for a page; milliseconds, bytes of the body, headers and the links in it."""
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(json.dumps([path, headers]) + "\n")
        self.process.stdin.flush()
        found: dict[str, Any] = json.loads(self.process.stdout.readline())
        return found

    def end(self) -> None:
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait()


async def answer() -> None:
    """Serve what is asked on standard input, as somebody of finance sees it."""
    import httpx

    from dashboard import db, settings
    from dashboard.app import create_app
    from dashboard.observability import logs
    from dashboard.staff import auth

    chosen = settings.from_env(os.environ)
    settings.use(chosen)
    logs.configure(chosen, logging.ERROR)
    app = create_app(chosen)
    # Any callable will do for it; the types of Litestar's are narrower.
    transport = httpx.ASGITransport(cast(Any, app))
    async with (
        db.lifespan(),
        app.lifespan(),
        httpx.AsyncClient(transport=transport, base_url="http://desk.test") as browser,
    ):
        with contextlib.suppress(ValueError):
            await auth.add_staff("bench@holdfast.test", "finance", "of no importance")
        session = await auth.open_session(await auth.person("bench@holdfast.test"))
        browser.cookies.set("holdfast_session", session)
        while line := await asyncio.to_thread(sys.stdin.readline):
            path, more = json.loads(line)
            sys.stdout.write(json.dumps(await _asked(browser, path, more)) + "\n")
            sys.stdout.flush()


async def _asked(browser: Any, path: str, more: dict[str, str]) -> dict[str, Any]:
    started, used = time.perf_counter(), time.process_time()
    async with browser.stream("GET", path, headers=HEADERS | more) as found:
        text = await found.aread()
        took, used = time.perf_counter() - started, time.process_time() - used
        links = re.findall(rb'(?:href|src)="(/[^"]+)"', text)
        return {
            "ms": took * 1000,
            "cpu": used * 1000,
            "rows": text.count(b"data-row"),
            "bytes": found.num_bytes_downloaded,
            "status": found.status_code,
            "cache": found.headers.get("cache-control", ""),
            "links": [link.decode().replace("&amp;", "&") for link in links],
        }


def deep(desk: Desk) -> tuple[str, int]:
    """The address of page 40 of everything, by its own links; of a short list, of its last page."""
    path = "/holds?view=all"
    for number in range(2, PAGES + 1):
        links = desk.look(path)["links"]
        onward = [link for link in links if link.startswith("/holds?") and "after=" in link]
        if not onward:
            return path, number - 1
        path = onward[-1]
    return path, PAGES


def measure(small: Desk, large: Desk) -> None:
    """Both desks by turns, so that whatever else the machine does slows both.

    A list that is shorter than a page at the small desk has less to draw: `rows` tells.
    """
    (near, first), (far, last) = deep(small), deep(large)
    one, other = hold(small), hold(large)
    pairs = [
        ("/holds", "/holds", "/holds"),
        ("captured, dollars", *["/holds?view=all&status=captured&currency=usd"] * 2),
        ("everything", "/holds?view=all", "/holds?view=all"),
        (f"page {first} and page {last}", near, far),
        ("a hold", one, other),
    ]
    for name, left, right in pairs:
        few, many = [], []
        for _ in range(ROUNDS):
            few.append(small.look(left))
            many.append(large.look(right))
        assert all(found["status"] == 200 for found in (*few, *many)), (left, right)
        ms, cpu = ([middle(found, what) for found in (few, many)] for what in ("ms", "cpu"))
        rows = f"{few[0]['rows']}, {many[0]['rows']}"
        print(
            f"{name:24}{ms[0]:9.1f}{ms[1]:9.1f}{ms[1] / ms[0]:7.2f}"
            f"{cpu[0]:11.1f}{cpu[1]:9.1f}{cpu[1] / cpu[0]:7.2f}{rows:>9}"
        )


def middle(found: list[dict[str, Any]], what: str) -> float:
    return float(statistics.median(one[what] for one in found))


def hold(desk: Desk) -> str:
    """The address of the first hold of the queue."""
    links: list[str] = desk.look("/holds?view=all")["links"]
    return next(link for link in links if re.fullmatch(r"/holds/\d+", link))


def weigh(desk: Desk) -> None:
    """The bytes of a visit: the page, and the files that the browser does not have yet.

    Of the fonts those for English text, as a browser chooses them.
    """
    page = desk.look("/holds")
    sheet = (ROOT / "static" / "vendor" / "fonts.css").read_text()
    fonts = re.findall(r'url\("(/static/[^"]+-latin-\d[^"]+)"\)', sheet)
    named = [link for link in page["links"] if link.startswith("/static/")]
    files = [desk.look(name) for name in dict.fromkeys([*named, *fonts])]
    fresh = sum(one["bytes"] for one in files)
    again = sum(one["bytes"] for one in files if "max-age" not in one["cache"])
    own = page["bytes"]
    print(f"\nFirst visit  {own + fresh:9,} bytes: the page {own:,}, the rest {len(files)} files")
    print(f"Second visit {own + again:9,} bytes: the files are kept, for ever or a week")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bookings", nargs="?", type=int, default=LARGE)
    parser.add_argument("--answer", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.answer:
        asyncio.run(answer())
        return
    for bookings in (SMALL, asked.bookings):
        prepare(bookings)
    small, large = Desk(SMALL), Desk(asked.bookings)
    try:
        sizes = f"{SMALL:>9,}{asked.bookings:>9,}{'ratio':>7}"
        print(f"{'Median ms':24}{sizes}  {sizes}{'rows':>9}")
        print(f"{'':24}{'elapsed':>25}  {'of a processor':>25}")
        measure(small, large)
        weigh(large)
    finally:
        small.end()
        large.end()


if __name__ == "__main__":
    main()
