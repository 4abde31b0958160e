"""Which tables the administration shows, which of them it edits, and how each is presented."""

from collections.abc import Sequence

from piccolo_admin.endpoints import TableConfig

from dashboard.alerts.tables import Alert, Outage
from dashboard.audit.tables import AuditEntry
from dashboard.batches.tables import Batch, BatchRow
from dashboard.bookings.tables import (
    Booking,
    IdempotencyKey,
    Instructor,
    Package,
    PackageOffer,
    Redemption,
    Student,
)
from dashboard.exports.tables import Export
from dashboard.mail.tables import Message, Notice, UnreadEvent
from dashboard.metrics.tables import Crossing, Day, Forecast, Heartbeat, Threshold, Touched
from dashboard.payments.reconcile.tables import ReconcileDifference, ReconcileMark, ReconcileRun
from dashboard.payments.tables import (
    Operation,
    Payment,
    PaymentEvent,
    Purchase,
    RefusedDelivery,
    StripeEvent,
)
from dashboard.reports.tables import SentReport, Subscription
from dashboard.staff.tables import (
    ApiToken,
    CalendarFeed,
    SavedView,
    SignInAttempt,
    Staff,
    StaffSession,
)
from dashboard.support.tables import HoldNote, Snooze, Ticket, TicketNote
from dashboard.web.admin_columns import describe
from dashboard.web.admin_groups import (
    CATALOGUE,
    DOORS,
    FIGURES,
    LESSONS,
    MONEY,
    STORY,
    WORK,
    Shown,
)

__all__ = ["BY_NAME", "TABLES", "Shown", "configured"]


TABLES: tuple[Shown, ...] = (
    Shown(
        Staff,
        CATALOGUE,
        "email name role active last_login",
        "email name role active",
        "email",
        "email name role active password",
    ),
    Shown(
        Instructor,
        CATALOGUE,
        "name subject rate currency active email time_zone",
        "name email subject currency active",
        "name",
        "name email subject rate currency time_zone active",
    ),
    Shown(
        Student,
        CATALOGUE,
        "name email time_zone stripe_customer_id created_at",
        "name email stripe_customer_id created_at",
        "-created_at",
        "name email time_zone",
    ),
    Shown(
        PackageOffer,
        CATALOGUE,
        "name lessons_count price currency active created_at",
        "name currency active",
        "name",
        "name lessons_count price currency active",
    ),
    Shown(
        Booking,
        LESSONS,
        "id student instructor status starts_at minutes purchase package ended_by",
        "id student instructor status starts_at package purchase",
        "-starts_at",
    ),
    Shown(
        Package,
        LESSONS,
        "id student offer lessons_count purchase created_at",
        "id student offer purchase",
    ),
    Shown(
        Redemption,
        LESSONS,
        "id package number booking kind created_at freed_at",
        "package booking kind freed_at",
    ),
    Shown(
        Purchase,
        MONEY,
        "id description currency price owed owed_reason decided_by attention due_at",
        "id currency attention decided_by due_at customer",
    ),
    Shown(
        Payment,
        MONEY,
        "id purchase payment_status currency authorized_amount captured_amount refunded_amount"
        " authorization_expires_at stripe_intent_id",
        "id purchase payment_status currency current authorization_expires_at stripe_intent_id"
        " dispute_status",
    ),
    Shown(
        Operation,
        MONEY,
        "id purchase verb state amount currency asked_by asked_at closed_at error_code",
        "purchase payment verb state asked_by asked_at error_code",
        "-asked_at",
    ),
    Shown(
        PaymentEvent,
        STORY,
        "id occurred_at kind amount currency actor cause reason payment purchase",
        "kind actor cause payment purchase occurred_at currency",
    ),
    Shown(
        AuditEntry,
        STORY,
        "id at actor action outcome subject address",
        "actor action outcome address at booking payment",
    ),
    Shown(
        StripeEvent,
        STORY,
        "id type state received_at attempts intent_id error",
        "type state intent_id received_at",
        "-received_at",
    ),
    Shown(RefusedDelivery, STORY, "id day reason number last_at", "reason day", "-last_at"),
    Shown(
        Message,
        STORY,
        "id template number recipient subject state attempts",
        "template state recipient number",
    ),
    Shown(
        Ticket,
        LESSONS,
        "id topic status subject student booking payment opened_by opened_at",
        "topic status student booking payment opened_at",
    ),
    Shown(TicketNote, LESSONS, "id ticket kind author body written_at", "ticket kind author"),
    Shown(HoldNote, LESSONS, "id payment author body written_at", "payment author"),
    Shown(Snooze, LESSONS, "id payment author reason until made_at", "payment author"),
    Shown(
        ApiToken, DOORS, "id name scopes active created_at used_at", "name active scopes", "name"
    ),
    Shown(StaffSession, DOORS, "id staff created_at seen_at expires_at", "staff expires_at"),
    Shown(SavedView, WORK, "id name owner shared query changed_at", "owner shared name"),
    Shown(CalendarFeed, DOORS, "id staff created_at used_at", "staff created_at"),
    Shown(SignInAttempt, DOORS, "id account address at", "account address at"),
    Shown(
        ReconcileDifference,
        STORY,
        "id kind state payment intent_id cause first_seen_at decided_by reason",
        "kind state payment intent_id decided_by first_seen_at",
    ),
    Shown(
        ReconcileRun,
        WORK,
        "id asked_by started_at finished_at stage compared converged found error",
        "asked_by started_at finished_at",
    ),
    Shown(ReconcileMark, WORK, "id payment run compared_at", "payment run"),
    Shown(IdempotencyKey, WORK, "id booking created_at", "booking created_at"),
    Shown(Day, FIGURES, "id day currency placed_count expired_count", "day currency", "-day"),
    Shown(Threshold, FIGURES, "id metric currency value set_by set_at", "metric currency set_by"),
    Shown(Crossing, FIGURES, "id metric currency day value cases mailed_at", "metric currency day"),
    Shown(Forecast, FIGURES, "id made_on day currency person_amount", "made_on day currency"),
    Shown(UnreadEvent, WORK, "id event due_at attempts error", "due_at"),
    Shown(Touched, WORK, "id at payment", "payment"),
    Shown(
        Alert,
        STORY,
        "id kind severity said opened_at closed_at told_at",
        "kind severity opened_at closed_at payment",
    ),
    Shown(
        Batch,
        WORK,
        "id verb reason note asked_by asked_at retries",
        "verb reason asked_by asked_at",
    ),
    Shown(
        BatchRow,
        WORK,
        "id batch payment amount currency state tries said asked_by finished_at",
        "batch payment state asked_by",
    ),
    Shown(
        Export,
        WORK,
        "id sheet query asked_by asked_at state rows error",
        "sheet state asked_by asked_at",
    ),
    Shown(Notice, WORK, "id recipient subject state attempts error", "state recipient"),
    Shown(Subscription, WORK, "id staff since", "staff"),
    Shown(SentReport, WORK, "id month staff written_at", "month staff"),
    Shown(Outage, WORK, "id started_at ended_at", "started_at ended_at"),
    Shown(
        Heartbeat,
        WORK,
        "id name last_started_at last_finished_at handled last_error",
        "name",
        "name",
    ),
)
BY_NAME = {shown.name: shown for shown in TABLES}


def configured() -> Sequence[TableConfig]:
    """The tables as piccolo-admin takes them."""
    describe([shown.table for shown in TABLES])
    return [shown.config for shown in TABLES]
