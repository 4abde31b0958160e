"""How Chromium is started: Debian's own, quiet, and with no wish to call home."""

import os
import shutil
from typing import Any

LAUNCH: dict[str, Any] = {
    "executable_path": os.environ.get("CHROMIUM") or shutil.which("chromium"),
    "args": [
        "--no-sandbox",
        "--disable-dev-shm-usage",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-domain-reliability",
        "--disable-sync",
        "--no-first-run",
        "--no-default-browser-check",
    ],
}

# Colours depend on the theme and the layout on the size: two of the four looks show each of them.
# `make pictures` takes all four.
LOOKS = [("wide", "light"), ("narrow", "dark")]
if os.environ.get("PICTURES") == "all":
    LOOKS += [("wide", "dark"), ("narrow", "light")]
