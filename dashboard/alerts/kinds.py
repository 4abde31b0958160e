"""The kinds of alert: what each means, how to look, and what to press. Pure.

docs/runbook.md has a section for each, with these very sentences; a test compares them.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Kind(StrEnum):
    """What can be wrong, what costs money first standing first."""

    HOLD_AT_RISK = "hold_at_risk"
    SWEEP_LATE = "sweep_late"
    WEBHOOK_LATE = "webhook_late"
    OUTCOME_UNKNOWN = "outcome_unknown"
    OPERATION_STALLED = "operation_stalled"
    REFUND_FAILED = "refund_failed"
    HOLD_MISSED = "hold_missed"
    DISPUTE_OPEN = "dispute_open"
    DEAD_LETTER = "dead_letter"
    RECONCILE_OPEN = "reconcile_open"
    RECONCILE_LATE = "reconcile_late"
    MAIL_LATE = "mail_late"


class Severity(StrEnum):
    """Critical: something is lost within hours if nobody acts."""

    CRITICAL = "critical"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class About:
    """One kind in words.

    `one` and `many` say what its alerts come to, `short` what that means in one line.
    """

    name: str
    one: str
    many: str
    page: str
    short: str
    means: str
    look: str
    press: str


# Of these the pages themselves are a part: what they show may be old.
LATE = (Kind.SWEEP_LATE, Kind.WEBHOOK_LATE, Kind.RECONCILE_LATE, Kind.MAIL_LATE)

ABOUT = {
    Kind.HOLD_AT_RISK: About(
        "Hold at risk",
        "1 hold worth {worth} is at risk",
        "{count} holds worth {worth} are at risk",
        "/holds?view=expiring",
        "When a hold ends, its money goes back to the card.",
        "The hold ends within 24 hours, and automation will not capture it, or tried and could "
        "not. When it ends, the money goes back to the card for good.",
        "Open the hold. Its first sentence says what stands in the way and when it ends.",
        "Capture it, in part if that was agreed; release it if nothing is owed; or end the pause.",
    ),
    Kind.SWEEP_LATE: About(
        "Worker late",
        "The worker is late",
        "The worker is late",
        "/alerts",
        "What is due by itself waits until it runs.",
        "A sweep that should run every minute has not ended for more than 15 minutes, or has "
        "failed for that long. Captures, releases and e-mails that are due wait until it runs.",
        "/readyz names the sweeps that are late; python -m dashboard doctor says what else is "
        "wrong, and the worker's log why.",
        "Start it: python -m dashboard worker. What was missed is done once, the most urgent "
        "first. Until then, capture by hand what can't wait.",
    ),
    Kind.WEBHOOK_LATE: About(
        "Webhook waiting",
        "A message from Stripe waits to be handled",
        "A message from Stripe waits to be handled",
        "/webhooks?view=waiting",
        "Some numbers here may be old.",
        "An event that Stripe sent has waited for more than 15 minutes. What happened at Stripe "
        "since then may not show here yet.",
        "Webhooks lists what waits and why. Is Stripe out of reach, or the worker late?",
        "Nothing, if Stripe is out of reach: events are taken up by themselves. Else start the "
        "worker. On one hold, Ask Stripe again reads it at once.",
    ),
    Kind.OUTCOME_UNKNOWN: About(
        "Outcome unknown",
        "1 movement of {worth} has no answer from Stripe",
        "{count} movements of {worth} have no answer from Stripe",
        "/holds?view=person",
        "They may have happened; nothing is sent twice.",
        "A movement was sent to Stripe more than 15 minutes ago, and whether it happened is not "
        "known. It may have: nothing is sent twice.",
        "Open the hold: it says what was asked, by whom and when. Stripe's status page says "
        "whether Stripe has trouble.",
        "Ask Stripe again. Never repeat the movement in Stripe's own dashboard.",
    ),
    Kind.OPERATION_STALLED: About(
        "Movement stalled",
        "1 movement of {worth} has stalled",
        "{count} movements of {worth} have stalled",
        "/holds?view=person",
        "Nothing more is sent by itself.",
        "A charge or a refund was never answered, its key has lapsed, and Stripe shows no trace "
        "of it. Nothing more is sent by itself.",
        "Look in Stripe for the amount and the customer around the time that the hold's page "
        "names.",
        "If Stripe has it, Ask Stripe again. If not, finance presses Give up and then makes the "
        "movement anew.",
    ),
    Kind.REFUND_FAILED: About(
        "Refund failed",
        "1 refund of {worth} has failed",
        "{count} refunds of {worth} have failed",
        "/holds?view=person",
        "The money is still with us.",
        "Money that is owed to a student has not reached them: the bank sent a refund back, or "
        "Stripe refused it.",
        "Open the hold: it gives the reason, and how much is still with us.",
        "Refund again; or pay it back in another way, and finance keeps what was not refunded.",
    ),
    Kind.HOLD_MISSED: About(
        "Hold missed",
        "1 hold worth {worth} ended before it was captured",
        "{count} holds worth {worth} ended before they were captured",
        "/holds?view=person",
        "The money went back to the card.",
        "A hold ended while its lesson was still to be paid. The money is back on the card and "
        "can't be captured any more. Where nothing had run, the timeline says from when to when.",
        "Open the hold: the timeline shows what was tried and decided before it ended.",
        "Agree with the student on another payment, or cancel the lesson: then nothing is owed "
        "and the alert closes.",
    ),
    Kind.DISPUTE_OPEN: About(
        "Dispute to answer",
        "1 dispute of {worth} waits for our answer",
        "{count} disputes of {worth} wait for our answer",
        "/holds?view=disputed",
        "Without an answer in time the money is lost.",
        "A customer's bank disputes a payment, or asks about it, and waits for us. Without an "
        "answer in time the money is lost.",
        "Open the payment: amount, reason and the last moment for an answer are at its top.",
        "Answer it in Stripe. A refund now would pay twice, unless the bank only asks.",
    ),
    Kind.DEAD_LETTER: About(
        "Webhook not handled",
        "1 message from Stripe could not be handled",
        "{count} messages from Stripe could not be handled",
        "/webhooks?view=dead",
        "What they told of may be missing here.",
        "An event arrived and can't be handled, however often it is tried. What it told of may "
        "be missing here.",
        "Webhooks shows each one with its error and the payment that it is about.",
        "Mend what the error names, then replay it. The hold's Ask Stripe again brings one "
        "payment up to date.",
    ),
    Kind.RECONCILE_OPEN: About(
        "Difference from Stripe",
        "1 payment differs from what Stripe shows",
        "{count} payments differ from what Stripe shows",
        "/reconcile",
        "One of the two is wrong.",
        "The comparison with Stripe found something that a post could not bring in line, and "
        "nobody has decided about it yet.",
        "Reconcile shows the fields that differ, and the likely cause.",
        "Compare now; what stays, finance adopts or acknowledges with a reason.",
    ),
    Kind.RECONCILE_LATE: About(
        "Comparison late",
        "Our books were not compared with Stripe's for a day",
        "Our books were not compared with Stripe's for a day",
        "/reconcile",
        "A difference would go unnoticed.",
        "The daily comparison of our rows with Stripe's list has not ended for more than 26 "
        "hours. A difference would go unnoticed.",
        "Reconcile shows the last run and how it ended.",
        "Start a run there. If it fails, see the worker's log.",
    ),
    Kind.MAIL_LATE: About(
        "Mail late",
        "E-mails wait to be sent",
        "E-mails wait to be sent",
        "/mail?view=due",
        "Students, and whoever reads alerts, hear nothing.",
        "An e-mail has waited for more than an hour, or the address of ALERT_EMAIL was refused. "
        "Students, and whoever reads the alerts, hear nothing. Money does not wait for mail.",
        "Mail shows what is due, with the server's own words.",
        "Mend the server or SMTP_URL (python -m dashboard doctor tries them). What waits goes "
        "out within a minute or two.",
    ),
}


@dataclass(frozen=True, slots=True)
class Trouble:
    """One thing that is wrong now. `amount` in minor units; `until` is when it is too late.

    `subject` tells it from others of its kind and stays the same while it lasts; it is empty for
    what there is one of. `detail` is a few words and holds nobody's name. `page` is its own, where
    it is mended neither on a payment's nor on the kind's.
    """

    kind: Kind
    since: datetime
    severity: Severity = Severity.WARNING
    subject: str = ""
    amount: int = 0
    currency: str = ""
    payment: int | None = None
    purchase: int | None = None
    until: datetime | None = None
    detail: str = ""
    page: str = ""

    @property
    def key(self) -> str:
        """What an open alert about it is unique by."""
        return f"{self.kind}:{self.subject}"

    @property
    def link(self) -> str:
        """Where it is mended."""
        if self.page or self.payment is None:
            return self.page or ABOUT[self.kind].page
        return f"/holds/{self.payment}"


_KINDS, _SEVERITIES = list(Kind), list(Severity)


def in_order(troubles: Iterable[Trouble]) -> list[Trouble]:
    """The most severe first; among equals by kind, then by what is soonest over, then by age."""

    def place(one: Trouble) -> tuple[int, int, datetime, str]:
        when = one.until or one.since
        return _SEVERITIES.index(one.severity), _KINDS.index(one.kind), when, one.subject

    return sorted(troubles, key=place)
