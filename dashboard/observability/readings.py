"""What the rows say in numbers, for /metrics.

Every number is read from the rows that the work itself goes by, so web and worker can't disagree
and a restart loses nothing. Each query goes through an index.
"""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from piccolo.columns import Timestamptz
from piccolo.query.functions import Count, Sum
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from dashboard import __version__, clock
from dashboard.alerts import queries as alerts
from dashboard.alerts.kinds import Kind, Severity
from dashboard.mail.facts import OPEN as UNSENT
from dashboard.mail.facts import State as MailState
from dashboard.mail.tables import Message, UnreadEvent
from dashboard.metrics.tables import Heartbeat
from dashboard.payments.facts import OPEN, Status
from dashboard.payments.tables import Operation, Payment, Purchase, StripeEvent
from dashboard.settings import Settings

SOON = timedelta(hours=24)


async def read(settings: Settings) -> list[Metric]:
    """All numbers as they are now; raises the database's error when it can't be read."""
    now = clock.now()
    return [
        _about(settings),
        *await _operations(),
        *await _webhooks(now),
        *await _sweeps(now),
        *await _purchases(now),
        *await _holds(now),
        *await _mail(now),
        await _alerts(now),
    ]


def _about(settings: Settings) -> Metric:
    stripe = "sandbox" if settings.sandbox else settings.key_mode
    return _gauge(
        "holdfast_info",
        "Which version runs, and against what.",
        ("version", "environment", "stripe"),
        [((__version__, settings.environment, stripe), 1)],
    )


async def _operations() -> list[Metric]:
    groups = (Operation.asked_verb, Operation.state)
    found = await Operation.select(*groups, Count()).group_by(*groups)
    closed = CounterMetricFamily(
        "holdfast_operations",
        "Operations that have ended, by what was asked for and how it ended.",
        labels=("verb", "outcome"),
    )
    still = GaugeMetricFamily(
        "holdfast_open_operations",
        "Operations that have not ended; unknown and stalled ones are worth a look.",
        labels=("verb", "state"),
    )
    for row in found:
        family = still if row["state"] in OPEN else closed
        family.add_metric((row["asked_verb"], row["state"]), row["count"])
    return [closed, still]


async def _webhooks(now: datetime) -> list[Metric]:
    states = await StripeEvent.select(StripeEvent.state, Count()).group_by(StripeEvent.state)
    oldest = await _first(StripeEvent.received_at, StripeEvent.state == "waiting")
    last = (
        await StripeEvent.select(StripeEvent.received_at, StripeEvent.created_at)
        .order_by(StripeEvent.received_at, ascending=False)
        .first()
    )
    lag = _age(oldest, now) if oldest else 0.0
    came = [(last["received_at"] - last["created_at"]).total_seconds()] if last else []
    return [
        _gauge(
            "holdfast_webhook_events",
            "Events by what became of them; dead ones wait for a person.",
            ("state",),
            [((row["state"],), row["count"]) for row in states],
        ),
        _plain("holdfast_webhook_lag_seconds", "Age of the oldest event not handled yet.", [lag]),
        _plain("holdfast_webhook_delivery_seconds", "How long the newest was under way.", came),
        _plain(
            "holdfast_webhook_newest_age_seconds",
            "How long ago the newest event came.",
            [_age(last["received_at"], now)] if last else [],
        ),
    ]


async def _sweeps(now: datetime) -> list[Metric]:
    beats = await Heartbeat.select()
    ended = [beat for beat in beats if beat["last_finished_at"]]
    return [
        _gauge(
            "holdfast_sweep_age_seconds",
            "How long ago each sweep last ended.",
            ("sweep",),
            [((beat["name"],), _age(beat["last_finished_at"], now)) for beat in ended],
        ),
        _gauge(
            "holdfast_sweep_failing",
            "1 if a sweep's last run ended with an error.",
            ("sweep",),
            [((beat["name"],), int(beat["last_error"] != "")) for beat in beats],
        ),
        _gauge(
            "holdfast_sweep_handled",
            "How many rows each sweep handled in its last run.",
            ("sweep",),
            [((beat["name"],), beat["handled"]) for beat in beats],
        ),
    ]


async def _purchases(now: datetime) -> list[Metric]:
    due = await Purchase.select(Count()).where(Purchase.due_at <= now).first()
    first_due = await _first(Purchase.due_at, Purchase.due_at <= now)
    codes = (
        await Purchase.select(Purchase.attention, Count())
        .where(Purchase.attention.is_not_null())
        .group_by(Purchase.attention)
    )
    posts = await Payment.select(Count()).where(Payment.post_due_at <= now).first()
    longest = _age(first_due, now) if first_due else 0.0
    return [
        _plain("holdfast_due_purchases", "Purchases to settle now.", [due["count"] if due else 0]),
        _plain("holdfast_due_purchases_age_seconds", "How long the oldest is overdue.", [longest]),
        _plain("holdfast_due_posts", "Payments to read again.", [posts["count"] if posts else 0]),
        _gauge(
            "holdfast_attention",
            "Purchases that wait for a person, by the reason.",
            ("code",),
            [((row["attention"],), row["count"]) for row in codes],
        ),
    ]


async def _holds(now: datetime) -> list[Metric]:
    ending = (
        await Payment.select(Payment.currency, Count(), Sum(Payment.authorized_amount))
        .where(
            (Payment.payment_status == Status.AUTHORIZED)
            & (Payment.authorization_expires_at <= now + SOON)
        )
        .group_by(Payment.currency)
    )
    return [
        _gauge(
            "holdfast_holds_expiring",
            "Holds that end within 24 hours, by currency.",
            ("currency",),
            [((row["currency"],), row["count"]) for row in ending],
        ),
        _gauge(
            "holdfast_holds_expiring_minor_units",
            "What they are worth, in the currency's minor unit.",
            ("currency",),
            [((row["currency"],), int(row["sum"])) for row in ending],
        ),
    ]


async def _mail(now: datetime) -> list[Metric]:
    watched = (*UNSENT, MailState.FAILED)
    states = (
        await Message.select(Message.state, Count())
        .where(Message.state.is_in([str(state) for state in watched]))
        .group_by(Message.state)
    )
    unread = await UnreadEvent.select(Count()).first()
    oldest = await _first(UnreadEvent.due_at, UnreadEvent.due_at.is_not_null())
    lag = max(0.0, _age(oldest, now)) if oldest else 0.0
    return [
        _gauge(
            "holdfast_mail_messages",
            "E-mails that are not sent, by state.",
            ("state",),
            [((row["state"],), row["count"]) for row in states],
        ),
        _plain(
            "holdfast_mail_unread_events",
            "Events that no e-mail was derived from yet.",
            [unread["count"] if unread else 0],
        ),
        _plain("holdfast_mail_lag_seconds", "How long the oldest of them is overdue.", [lag]),
    ]


async def _alerts(now: datetime) -> Metric:
    """Also the kinds of which there is none, so that a rule sees a number fall to 0."""
    found = Counter((one.kind, one.severity) for one in await alerts.standing(now))
    return _gauge(
        "holdfast_alerts",
        "What is wrong now, by kind; docs/runbook.md has a section for each.",
        ("kind", "severity"),
        [((kind, rank), found[kind, rank]) for kind in Kind for rank in Severity],
    )


async def _first(column: Timestamptz, where: Any) -> datetime | None:
    """The earliest instant of a column, by its index: SQLite's own MIN would answer a text."""
    table: Any = column._meta.table
    row = await table.select(column).where(where).order_by(column).first()
    return None if row is None else row[column._meta.name]


def _gauge(
    name: str, what: str, labels: tuple[str, ...], values: Iterable[tuple[tuple[str, ...], float]]
) -> Metric:
    family = GaugeMetricFamily(name, what, labels=labels)
    for label, value in values:
        family.add_metric(label, value)
    return family


def _plain(name: str, what: str, values: Iterable[float]) -> Metric:
    return _gauge(name, what, (), [((), value) for value in values])


def _age(instant: datetime, now: datetime) -> float:
    return (now - instant).total_seconds()
