"""Processes of their own, for what one process can't show."""

import os
import subprocess
import sys
from pathlib import Path

from dashboard import db
from dashboard.sqlite_engine import WalEngine

ROOT = Path(__file__).parents[2]


def start(*arguments: str) -> subprocess.Popen[str]:
    """`python -m tests.db.child`, on the database of the running test."""
    env = dict(os.environ)
    engine = db.engine()
    if isinstance(engine, WalEngine):
        env["DATABASE_URL"] = f"sqlite:///{engine.path}"
    return subprocess.Popen(
        [sys.executable, "-m", "tests.db.child", *arguments],
        cwd=ROOT,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def stop(child: subprocess.Popen[str]) -> str:
    """SIGTERM, and what the process had to say; kills it and raises if it does not go."""
    child.terminate()
    try:
        _, errors = child.communicate(timeout=60)
    except subprocess.TimeoutExpired:
        child.kill()
        child.communicate()
        raise
    return errors
