"""The words of the mail and the facts that a message is made of. Pure: no database, no format."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Template(StrEnum):
    """What a student is told about a payment."""

    RESERVED = "reserved"
    PAID = "paid"
    CHARGED_EARLY = "charged_early"
    RELEASED = "released"
    EXPIRED = "expired"
    REFUNDED = "refunded"
    REFUND_FAILED = "refund_failed"
    DECLINED = "declined"
    PLANNED = "planned"
    CARD_REFUSED = "card_refused"
    CONFIRM_CARD = "confirm_card"
    AUTHENTICATE = "authenticate"
    HOLD_REFUSED = "hold_refused"
    RENEWED = "renewed"
    LET_GO = "let_go"


class State(StrEnum):
    """The life of a message. Skipped means: it would have come too late to be of use."""

    WAITING = "waiting"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    SKIPPED = "skipped"


OPEN = (State.WAITING, State.SENDING)


@dataclass(frozen=True, slots=True)
class Lesson:
    """The lesson that was booked, and what was known of its end when the event was recorded.

    `clause` names the rule by which it had ended by then; empty while it had not.
    """

    instructor: str
    starts_at: datetime
    ends_at: datetime
    clause: str = ""


@dataclass(frozen=True, slots=True)
class Terms:
    """What the shop promises: when a cancellation is free, what it costs later, where to rate."""

    free_hours: int = 6
    late_percent: int = 50
    rating_url: str | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """One event of the story, with all that a message about it says. Amounts in minor units.

    `title` is what was bought, `number` how staff call it. A package has `lessons` and no lesson.
    `automatic` tells that nobody was there to see it, `code` why the bank said no. `renews` tells
    that the hold takes the place of an older one, `hold_due_at` is there for a far lesson. `link`
    is where the student can go on, while there is something to go on with. `otherwise` is what
    becomes of the old hold when a renewal is not confirmed. `booked` tells that the lesson is on,
    whatever became of this payment, `overtaken` that it is too late for what the event asks for.
    `refunded` and `captured` are the payment's totals after the event. `replaced` tells that
    another payment of the same purchase stood when this one was made or ended. `by_policy` tells
    that the hold was decided about because it would have ended too early, `called_off` that the
    lesson had been ended, or nothing was owed any more, by then, `reversed` that a refund
    has failed since, `corrects` that the student was told before that it had gone.
    """

    kind: str
    amount: int
    currency: str
    occurred_at: datetime
    student: str
    time_zone: str
    number: str
    title: str
    price: int
    given_back: int = 0
    reason: str = ""
    code: str = ""
    automatic: bool = False
    renews: bool = False
    hold_due_at: datetime | None = None
    give_up_at: datetime | None = None
    next_try_at: datetime | None = None
    confirm_by: datetime | None = None
    booked: bool = False
    overtaken: bool = False
    link: str | None = None
    lesson: Lesson | None = None
    lessons: int = 0
    captured: int = 0
    refunded: int = 0
    replaced: bool = False
    by_policy: bool = False
    called_off: bool = False
    reversed: bool = False
    corrects: bool = False
    expires_at: datetime | None = None
    capture_due_at: datetime | None = None
    expiry_policy: str = "capture"
    otherwise: str = "alert"
    terms: Terms = Terms()
