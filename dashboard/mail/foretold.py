"""The messages that would go out, written by the same code from events that are only imagined."""

from collections.abc import Sequence
from dataclasses import replace

from dashboard.bookings.what_if import Outcome
from dashboard.mail import messages, reading, rendering
from dashboard.payments.foresight import Turn
from dashboard.payments.queries import timeline


async def letters(outcome: Outcome) -> list[tuple[Turn, str, str]]:
    """Subject and text of the message about each turn of an outcome; empty where there is none."""
    turns: Sequence[Turn] = [*outcome.before, *outcome.after]
    purchase = outcome.books.purchase
    bought = await reading.bought_by(purchase.id)
    story = [*await timeline(purchase.id), *(turn.event for turn in turns)]
    payments = {row.id: row for row in outcome.books.payments}
    found = []
    for place, turn in enumerate(turns):
        letter = None
        if bought is not None:
            if bought.booking is not None:
                # What was told before the lesson ended does not know yet how it ends.
                told_early = place < len(outcome.before)
                lesson = outcome.earlier if told_early else outcome.booking
                bought = replace(bought, booking=lesson)
            payment = payments[turn.event.payment]
            facts = reading.facts(turn.event, story, bought, purchase, payment)
            letter = messages.letter(facts)
        subject = rendering.one_line(letter.subject, 300) if letter else ""
        found.append((turn, subject, rendering.text(letter) if letter else ""))
    return found
