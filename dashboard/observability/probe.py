"""Asks this machine's own web process whether it is ready: an image has no curl.

Exit code 0 when /readyz answers 200 on PORT, else 1.
"""

import os
import sys

from dashboard.supervisor import answers


def main() -> int:
    """Ask once; the exit code is the answer."""
    port = os.environ.get("PORT") or "8420"
    return 0 if answers(f"http://127.0.0.1:{port}/readyz") else 1


if __name__ == "__main__":
    sys.exit(main())
