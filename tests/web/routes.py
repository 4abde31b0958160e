"""Who may use which address: one line for every route and method, beside the router itself.

A new route needs a line here, or tests/web/test_routes_and_roles.py fails.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from litestar import Litestar

from dashboard import clock
from dashboard.staff.tables import ROLES, SCOPES

STRANGER, TOKENS = "anonymous", tuple(f"token {scope}" for scope in SCOPES)
EVERYBODY = (STRANGER, *ROLES, *TOKENS)
SAFE = ("GET", "HEAD")


@dataclass(frozen=True, slots=True)
class Rule:
    """The lowest role and the scope that are let in. `at` is what stands for a mount; `body` is
    sent where another body would be somebody else's business; `cookie` is false where no cookie
    counts, so that there is nothing to prove."""

    role: str | None = None
    scope: str | None = None
    at: str = ""
    body: Any = None
    cookie: bool = True

    def expects(self, who: str) -> str:
        """in, sign in (401), or no (403)."""
        if self.role is None:
            return "in"
        if who == STRANGER:
            return "sign in"
        if who in TOKENS:
            return "in" if f"token {self.scope}" == who else "no"
        return "in" if ROLES.index(who) >= ROLES.index(self.role) else "no"


OPEN = Rule()
# Lessons of a package that was paid for before: the one order that needs a right.
REDEEMS = {
    "student": {"name": "Maya", "email": "maya@example.test"},
    "instructor_id": 1,
    "starts_at": (clock.now() + timedelta(days=3)).isoformat(),
    "minutes": 60,
    "package_id": 1,
}
VIEWER, SUPPORT, FINANCE = Rule("viewer"), Rule("support"), Rule("finance")

TABLE: dict[tuple[str, str], Rule] = {
    # The interface for programs.
    ("POST", "/bookings"): Rule("support", "bookings", body=REDEEMS),
    ("GET", "/bookings/{booking_id}"): Rule("viewer", "bookings"),
    ("POST", "/bookings/{booking_id}/pay"): Rule("support", "bookings"),
    ("POST", "/bookings/{booking_id}/complete"): Rule("support", "bookings"),
    ("POST", "/bookings/{booking_id}/cancel"): Rule("support", "bookings"),
    ("POST", "/bookings/{booking_id}/no-show"): Rule("support", "bookings"),
    ("POST", "/bookings/{booking_id}/capture-payment"): Rule("support", "payments"),
    ("POST", "/bookings/{booking_id}/waive"): Rule("support", "payments"),
    ("GET", "/packages/{package_id}"): Rule("viewer", "payments"),
    ("POST", "/packages/{package_id}/refund"): Rule("support", "payments"),
    ("POST", "/webhooks/stripe"): Rule(cookie=False),
    ("GET", "/schema"): OPEN,
    ("GET", "/schema/openapi.json"): OPEN,
    # Coming in, going out, looks.
    ("GET", "/"): OPEN,
    ("GET", "/sign-in"): OPEN,
    ("POST", "/sign-in"): OPEN,
    ("POST", "/sign-out"): VIEWER,
    # The choice of light or dark is no secret and moves nothing.
    ("POST", "/theme"): Rule(cookie=False),
    ("GET", "/static/{file_path}"): OPEN,
    ("HEAD", "/static/{file_path}"): OPEN,
    # A student's own page, whose address is its only right.
    ("GET", "/pay/{token}"): OPEN,
    ("POST", "/pay/{token}"): Rule(cookie=False),
    # Holds.
    ("GET", "/holds"): VIEWER,
    ("GET", "/holds/views/new"): VIEWER,
    ("POST", "/holds/views"): VIEWER,
    ("GET", "/holds/views/{view_id}"): VIEWER,
    ("POST", "/holds/views/{view_id}"): VIEWER,
    ("POST", "/holds/views/{view_id}/delete"): VIEWER,
    ("GET", "/holds/{payment_id}"): VIEWER,
    ("POST", "/holds/{payment_id}/notes"): SUPPORT,
    ("POST", "/holds/{payment_id}/ask"): SUPPORT,
    ("GET", "/holds/{payment_id}/capture"): SUPPORT,
    ("POST", "/holds/{payment_id}/capture"): SUPPORT,
    ("POST", "/holds/{payment_id}/captures"): SUPPORT,
    ("GET", "/holds/{payment_id}/release"): SUPPORT,
    ("POST", "/holds/{payment_id}/release"): SUPPORT,
    ("POST", "/holds/{payment_id}/releases"): SUPPORT,
    ("GET", "/holds/{payment_id}/refund"): SUPPORT,
    ("POST", "/holds/{payment_id}/refund"): SUPPORT,
    ("POST", "/holds/{payment_id}/refunds"): SUPPORT,
    ("GET", "/holds/{payment_id}/what-if"): VIEWER,
    ("GET", "/holds/{payment_id}/automation"): SUPPORT,
    ("POST", "/holds/{payment_id}/pause"): SUPPORT,
    ("POST", "/holds/{payment_id}/link"): SUPPORT,
    ("POST", "/holds/{payment_id}/unpause"): SUPPORT,
    ("POST", "/holds/{payment_id}/policy"): SUPPORT,
    ("GET", "/holds/{payment_id}/waive"): SUPPORT,
    ("POST", "/holds/{payment_id}/waive"): SUPPORT,
    ("POST", "/holds/{payment_id}/waivers"): SUPPORT,
    ("GET", "/packages/{package_id}/refunds"): SUPPORT,
    ("POST", "/packages/{package_id}/refunds"): SUPPORT,
    ("POST", "/packages/{package_id}/withdraw"): FINANCE,
    ("POST", "/holds/{payment_id}/give-up"): FINANCE,
    ("POST", "/holds/{payment_id}/keep"): FINANCE,
    ("POST", "/holds/{payment_id}/accept-loss"): FINANCE,
    ("GET", "/holds/{payment_id}/snooze"): SUPPORT,
    ("POST", "/holds/{payment_id}/snoozes"): SUPPORT,
    ("GET", "/triage"): VIEWER,
    ("GET", "/triage/done"): VIEWER,
    ("GET", "/operations/{operation_id}/outcome"): VIEWER,
    ("GET", "/calendar"): VIEWER,
    ("POST", "/calendar"): VIEWER,
    ("POST", "/calendar/revoke"): VIEWER,
    # A calendar program's own page, whose address is its only right.
    ("GET", "/calendar/feeds/{token}"): OPEN,
    # Many holds at once.
    ("GET", "/jobs"): VIEWER,
    ("POST", "/jobs"): SUPPORT,
    ("GET", "/jobs/review"): SUPPORT,
    ("GET", "/jobs/{batch_id}"): VIEWER,
    ("POST", "/jobs/{batch_id}/retry"): SUPPORT,
    # Tickets.
    ("GET", "/tickets"): VIEWER,
    ("POST", "/tickets"): Rule("support", "tickets"),
    ("GET", "/tickets/new"): SUPPORT,
    ("POST", "/tickets/new"): SUPPORT,
    ("GET", "/tickets/{ticket_id}"): VIEWER,
    ("POST", "/tickets/{ticket_id}/notes"): SUPPORT,
    ("POST", "/tickets/{ticket_id}/topic"): SUPPORT,
    ("POST", "/tickets/{ticket_id}/link"): SUPPORT,
    ("POST", "/tickets/{ticket_id}/pause"): SUPPORT,
    # Mail.
    ("GET", "/mail"): VIEWER,
    ("GET", "/mail/{message_id}"): VIEWER,
    ("GET", "/mail/{message_id}/html"): VIEWER,
    ("GET", "/mail/templates"): VIEWER,
    ("GET", "/mail/templates/{name}/html"): VIEWER,
    # The reconciliation.
    ("GET", "/reconcile"): VIEWER,
    ("POST", "/reconcile"): SUPPORT,
    ("POST", "/reconcile/{difference_id}/acknowledge"): FINANCE,
    ("POST", "/reconcile/{difference_id}/adopt"): FINANCE,
    ("POST", "/holds/{payment_id}/compare"): SUPPORT,
    # The months.
    ("GET", "/reports"): VIEWER,
    ("GET", "/reports/{name}"): VIEWER,
    ("POST", "/reports/subscription"): VIEWER,
    # Files.
    ("GET", "/exports"): FINANCE,
    ("POST", "/exports"): FINANCE,
    ("GET", "/exports/{export_id}/file"): FINANCE,
    # The figures.
    ("GET", "/analytics"): VIEWER,
    ("GET", "/analytics/rows"): VIEWER,
    ("GET", "/analytics/money"): VIEWER,
    ("GET", "/analytics/cohorts"): VIEWER,
    ("GET", "/analytics/forecast"): VIEWER,
    ("POST", "/analytics/lines"): FINANCE,
    # What is wrong.
    ("GET", "/alerts"): VIEWER,
    # The messages from Stripe.
    ("GET", "/webhooks"): VIEWER,
    ("GET", "/webhooks/{event_id}"): VIEWER,
    ("GET", "/webhooks/{event_id}/dry-run"): SUPPORT,
    ("POST", "/webhooks/{event_id}/replay"): SUPPORT,
    ("GET", "/webhooks/replay-dead"): SUPPORT,
    ("POST", "/webhooks/replay-dead"): SUPPORT,
    # The playground.
    ("GET", "/sandbox"): VIEWER,
    ("POST", "/sandbox/bookings"): SUPPORT,
    ("POST", "/sandbox/clock"): SUPPORT,
    ("POST", "/sandbox/webhooks"): SUPPORT,
    ("POST", "/sandbox/webhooks/{delivery_id}"): SUPPORT,
    ("POST", "/sandbox/faults"): SUPPORT,
    ("POST", "/sandbox/payments/{payment_id}"): SUPPORT,
    # Oversight.
    ("GET", "/audit"): FINANCE,
    ("GET", "/admin"): Rule("admin", at="/admin/"),
    ("POST", "/admin"): Rule("admin", at="/admin/"),
    # Machines: the tests ask from this machine, to which the numbers are open.
    ("GET", "/healthz"): OPEN,
    ("GET", "/readyz"): OPEN,
    ("GET", "/metrics"): OPEN,
}


def routes(app: Litestar) -> list[tuple[str, str]]:
    """Every method and address that the router knows; a mount counts as GET and POST."""
    found = []
    for route in app.routes:
        methods = getattr(route, "methods", None) or ("GET", "POST")
        found += [(method, route.path_format) for method in methods if method != "OPTIONS"]
    return sorted(set(found), key=lambda one: (one == ("POST", "/sign-out"), one))
