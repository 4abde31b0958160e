"""What students ask in the seed, and what becomes of it. Pure, and the same for the same orders."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from dashboard.seeding.plan import DAY, HOUR, Deed, Order

# Of so many orders one is asked about.
_ONE_IN = 17


@dataclass(frozen=True, slots=True)
class Question:
    """A ticket as it is opened, and what is written when it is closed."""

    topic: str
    subject: str
    body: str
    answer: str


QUESTIONS = (
    Question(
        "hold",
        "My bank shows the lesson as spent already",
        "The app of my bank lists it since yesterday.\nHave I been charged before the lesson?",
        "Explained that it is reserved, and charged after the lesson.",
    ),
    Question(
        "hold",
        "How long is the money reserved?",
        "I booked early and my card has a low limit.",
        "Told her until when, and that it is released at once if she cancels in time.",
    ),
    Question(
        "charge",
        "Charged although I called it off",
        "I cancelled in the morning of the same day.",
        "The late fee follows the terms. He accepts it.",
    ),
    Question(
        "refund",
        "When does the refund arrive?",
        "Your e-mail is from Monday and nothing is there.",
        "Banks take five to ten days. It has arrived since.",
    ),
    Question(
        "other",
        "Can the invoice carry the name of our school?",
        "The parents' association pays for these lessons.",
        "Sent by hand.",
    ),
)


def ask(orders: list[Order], anchor: datetime) -> list[Deed]:
    """Tickets over the sixty days: the older ones are closed, of the last some still wait."""
    found: list[Deed] = []
    for order in orders:
        at = order.at + 26 * HOUR
        closed = at + timedelta(hours=5 + order.number % 23)
        if order.number % _ONE_IN == 5 and closed < anchor - 2 * DAY:
            found += [Deed(order.number, at, "ask"), Deed(order.number, closed, "answer", "closed")]
    earlier = [order for order in orders if order.at < anchor - 4 * DAY]
    last = sorted(earlier, key=lambda order: order.at)[-3:]
    for order, hours in zip(last, (31, 20, 3), strict=True):
        found.append(Deed(order.number, anchor - hours * HOUR, "ask"))
    found.append(Deed(last[1].number, anchor - 9 * HOUR, "answer", "waiting"))
    return found


def question_of(number: int) -> Question:
    """What is asked about an order."""
    return QUESTIONS[number % len(QUESTIONS)]
