"""A short text that changes whenever what a page of holds shows has changed.

It is read every few seconds by every open page, so each part of it is the end of an index. The
last fifty events are added up instead of asking for the newest: transactions end in another order
than they took their numbers in.
"""

from datetime import datetime

from dashboard.payments.tables import PaymentEvent

# `> ''` and `> 0` stand for "is not null": SQLite goes through an index only for the former. And
# `id || ''` keeps it from walking all ids down to the latest that is open.
_DESK = """
SELECT
 (SELECT SUM(id) FROM (SELECT id FROM payment_events ORDER BY id DESC LIMIT 50) AS newest) AS told,
 (SELECT MAX(id) FROM payment) AS payments,
 (SELECT MAX(decided_at) FROM purchase WHERE decided_at IS NOT NULL) AS decided,
 (SELECT COUNT(*) FROM purchase WHERE attention > '') AS waiting,
 (SELECT MAX(attention_since) FROM purchase WHERE attention > '') AS waiting_since,
 (SELECT COUNT(*) FROM operation WHERE open_for > 0) AS under_way,
 (SELECT MAX(id || '') FROM operation WHERE open_for > 0) AS latest,
 (SELECT SUM(step) FROM operation WHERE open_for > 0) AS steps,
 (SELECT MAX(id) FROM ticket_note) AS tickets,
 (SELECT MAX(id) FROM snooze) AS snoozes,
 (SELECT COUNT(*) FROM saved_view) AS views,
 (SELECT MAX(changed_at) FROM saved_view) AS views_changed
"""
_PAYMENT = """
SELECT purchase.version, purchase.attention, purchase.refused_count, purchase.paused_until,
 (SELECT SUM(version) FROM payment WHERE payment.purchase = purchase.id) AS payments,
 (SELECT SUM(id) FROM payment_events WHERE payment_events.purchase = purchase.id) AS told,
 (SELECT MAX(id) FROM hold_note WHERE hold_note.purchase = purchase.id) AS notes,
 (SELECT MAX(id) FROM snooze WHERE snooze.purchase = purchase.id) AS snoozes,
 (SELECT SUM(version) FROM ticket
   WHERE payment IN (SELECT id FROM payment WHERE payment.purchase = purchase.id)) AS tickets,
 (SELECT MAX(id) FROM ticket_note WHERE ticket IN (SELECT id FROM ticket
   WHERE payment IN (SELECT id FROM payment WHERE payment.purchase = purchase.id))) AS said,
 (SELECT COUNT(*) FROM message
   WHERE payment IN (SELECT id FROM payment WHERE payment.purchase = purchase.id)) AS mails,
 (SELECT COUNT(sent_at) FROM message
   WHERE payment IN (SELECT id FROM payment WHERE payment.purchase = purchase.id)) AS sent,
 (SELECT MAX(resent_at) FROM message
   WHERE payment IN (SELECT id FROM payment WHERE payment.purchase = purchase.id)) AS sent_again,
 (SELECT MAX(status) FROM booking WHERE booking.purchase = purchase.id) AS booking,
 operation.id AS operation, operation.state, operation.step
FROM purchase LEFT JOIN operation ON operation.open_for = purchase.id
WHERE purchase.id = (SELECT purchase FROM payment WHERE id = {})
"""


async def of_desk(now: datetime) -> str:
    """Of the queue and all that stands beside it. Each minute is another one: countdowns move."""
    return _text(await PaymentEvent.raw(_DESK), now)


async def of_payment(payment_id: int, now: datetime) -> str:
    """Of one payment's page: all payments of its purchase, their story, tickets and mail."""
    return _text(await PaymentEvent.raw(_PAYMENT, payment_id), now)


def _text(rows: list[dict[str, object]], now: datetime) -> str:
    return f"{int(now.timestamp()) // 60} {[list(row.values()) for row in rows]}"
