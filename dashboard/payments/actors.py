"""Who asks for a movement of money, or says what is to become of one."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks. `cause` is one of staff, student, api, sweep; `name` is what the story shows."""

    name: str
    cause: str
    staff_id: int | None = None


SWEEP = Actor("Holdfast", "sweep")
