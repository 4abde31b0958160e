"""Whether an open operation may still be sent, by the books as they stand now.

Between a claim and a send the world moves on: a pause, a cancellation, a refund in Stripe's own
dashboard.
"""

from dashboard import clock
from dashboard.payments.actors import SWEEP
from dashboard.payments.case import Do
from dashboard.payments.checks import captured_elsewhere, refusal
from dashboard.payments.facts import CREATES, PaymentFacts, Verb
from dashboard.payments.queries import Books
from dashboard.payments.rules import next_step
from dashboard.payments.tables import Operation


def unwanted(books: Books, operation: Operation) -> str | None:
    """Why an operation that was never sent is withdrawn, as a code; None when it is to be sent."""
    now, verb = clock.now(), Verb(operation.verb)
    if verb in CREATES:
        return _no_attempt(books, operation)
    if operation.cause == SWEEP.cause:
        step = next_step(books.purchase_facts, books.payment_facts, None, now)
        planned = (Do(verb.value), operation.payment, operation.amount)
        return None if (step.do, step.payment_id, step.amount) == planned else "not_due"
    # A claim by hand has set what is owed itself, so only what came after it can be in the way.
    facts = _target(books, operation)
    refused = refusal(verb, operation.amount, books.purchase_facts, facts, now)
    if refused:
        return refused[0]
    if verb is Verb.CAPTURE and facts and captured_elsewhere(facts, books.payment_facts):
        return "already_captured"
    return beyond_owed(books, operation) if verb is Verb.REFUND else None


def beyond_owed(books: Books, operation: Operation) -> str | None:
    """A code when a refund would leave less than is owed, by what Stripe shows; None if it fits."""
    facts = _target(books, operation)
    owed = books.purchase.owed if facts and facts.current else None
    most = facts.kept - (owed or 0) if facts else 0
    return "refunded_elsewhere" if operation.amount > most else None


def _no_attempt(books: Books, operation: Operation) -> str | None:
    """An earlier attempt may have come through after all, confirmed by the customer."""
    own = next(facts for facts in books.payment_facts if facts.id == operation.payment)
    others = [
        facts for facts in books.payment_facts if facts.id not in (operation.payment, own.renews)
    ]
    if books.purchase.owed == 0:
        return "nothing_owed"
    if any(facts.held or facts.kept > 0 for facts in others) or _gone(books, own):
        return "already_paid"
    if operation.cause != SWEEP.cause:
        return None
    step = next_step(books.purchase_facts, books.payment_facts, None, clock.now())
    return None if (step.do, step.amount) == (Do.AUTHORIZE, operation.amount) else "not_due"


def _gone(books: Books, own: PaymentFacts) -> bool:
    """What this attempt is to renew has been captured, or released by somebody, meanwhile."""
    old = next((facts for facts in books.payment_facts if facts.id == own.renews), None)
    return old is not None and not old.held and old.end_reason != "expired"


def _target(books: Books, operation: Operation) -> PaymentFacts | None:
    return next((facts for facts in books.payment_facts if facts.id == operation.payment), None)
