"""What finance may end by hand, as a payment's page offers it."""

from dataclasses import dataclass

from dashboard import formats
from dashboard.bookings.holds import Hold
from dashboard.payments.facts import State


@dataclass(frozen=True, slots=True)
class Closing:
    """Finance's last word about something that no longer moves by itself."""

    action: str
    opener: str
    consequence: str
    button: str


def closing(hold: Hold) -> Closing | None:
    """What finance may end by hand: a stalled operation, a failed refund, a lost dispute."""
    operation, address = hold.books.operation, f"/holds/{hold.payment.id}"
    if operation is not None and operation.state == State.STALLED:
        amount = formats.money(operation.amount, operation.currency)
        verb = operation.verb
        return Closing(
            f"{address}/give-up",
            "Give up…",
            f"Stripe shows no {verb} of {amount}. It is looked for once more; if it isn't there, "
            "we stop asking. What is owed stays as it is.",
            f"Give up the {verb} of {amount}",
        )
    if hold.payment.refund_trouble and hold.facts.refundable:
        amount = formats.money(hold.facts.refundable, hold.currency)
        return Closing(
            f"{address}/keep",
            "Withdraw the refund…",
            f"No refund is tried any more and {amount} is kept. Do this when the student was paid "
            "back in another way, or agreed to pay.",
            f"Keep {amount}",
        )
    if hold.books.purchase.attention == "underpaid" and hold.facts.lost:
        lost, kept = (
            formats.money(amount, hold.currency)
            for amount in (hold.facts.lost, max(0, hold.facts.kept))
        )
        return Closing(
            f"{address}/accept-loss",
            "Accept the loss…",
            f"{lost} was lost in a dispute. What is owed is then {kept}, what is kept; nobody is "
            "charged, and this leaves the list.",
            f"Accept the loss of {lost}",
        )
    return None
