"""What the doctor has found out about one part."""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How bad it is. A warning may be meant so; what is wrong keeps something from working."""

    OK = "ok"
    WARNING = "warning"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Finding:
    """One part, how it is, and what to do about it where it is not well."""

    part: str
    level: Level
    said: str
    do: str = ""

    def as_json(self) -> dict[str, str]:
        """The finding for programs."""
        return {"part": self.part, "level": str(self.level), "said": self.said, "do": self.do}


def ok(part: str, said: str) -> Finding:
    return Finding(part, Level.OK, said)


def note(part: str, said: str, do: str) -> Finding:
    return Finding(part, Level.WARNING, said, do)


def wrong(part: str, said: str, do: str) -> Finding:
    return Finding(part, Level.WRONG, said, do)
