"""`doctor`: what is wrong with the configuration and its surroundings, and what to do about it.

Exit codes: 0 nothing is wrong (there may be notes), 1 something is, 2 it was asked wrongly.
"""

import asyncio
import json
import sys
from collections.abc import Sequence

from dashboard.commands import configured, surroundings
from dashboard.commands.findings import Finding, Level
from dashboard.settings import Settings, SettingsError

MARKS = {Level.OK: "ok   ", Level.WARNING: "note ", Level.WRONG: "WRONG"}


def doctor(settings: Settings, *, as_json: bool) -> int:
    """Look at every part and tell; answers the exit code."""
    found = examine(settings)
    _tell(found, as_json)
    return 1 if any(finding.level is Level.WRONG for finding in found) else 0


def refused(error: SettingsError, *, as_json: bool) -> int:
    """Tell of a configuration with which nothing of ours would start; answers the exit code."""
    if as_json:
        _tell([Finding("configuration", Level.WRONG, str(error))], as_json)
    else:
        sys.stderr.write(f"{error}\n")
    return 1


def examine(settings: Settings) -> list[Finding]:
    """What there is to say about every part, in the order in which one would mend them."""
    return [*configured.findings(settings), *asyncio.run(surroundings.findings(settings))]


def _tell(found: Sequence[Finding], as_json: bool) -> None:
    if as_json:
        wrong = any(finding.level is Level.WRONG for finding in found)
        said = {"well": not wrong, "findings": [finding.as_json() for finding in found]}
        sys.stdout.write(f"{json.dumps(said, indent=2, ensure_ascii=False)}\n")
        return
    for finding in found:
        sys.stdout.write(f"{MARKS[finding.level]} {finding.part}: {finding.said}\n")
        if finding.do:
            sys.stdout.write(f"      → {finding.do}\n")
