"""Where else a payment's page leads: package, pause, a waiver, what would happen if."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dashboard import formats
from dashboard.bookings import waiving
from dashboard.bookings.holds import Hold
from dashboard.staff.tables import Staff, reaches
from dashboard.web.pause_form import pausable
from dashboard.web.signin import safe


@dataclass(frozen=True, slots=True)
class Way:
    """A link on a payment's page."""

    label: str
    href: str


def ways(found: Hold, staff: Staff | None) -> list[Way]:
    """The links that lead somewhere for this person."""
    here, subject = f"/holds/{found.payment.id}", found.subject
    support = staff is not None and reaches(staff, "support")
    fee = waiving.fee(subject.clause, found.books) if found.payment.current else 0
    found_ways = [Way("What if…", f"{here}/what-if")]
    if subject.package_id is not None:
        found_ways.insert(0, Way("Lessons of this package…", f"/packages/{subject.package_id}"))
    if support and found.books.purchase.attention is not None:
        found_ways.insert(0, Way("Snooze…", f"{here}/snooze"))
    if support and pausable(found):
        found_ways.insert(0, Way("Pause, or change its end…", f"{here}/automation"))
    if fee and support:
        said = formats.money(fee, found.currency)
        found_ways.insert(0, Way(f"Waive the fee of {said}…", f"{here}/waive"))
    return found_ways


def back_from(given: Mapping[str, Any]) -> str:
    """Where a form on a page of its own leads afterwards: the triage, or nowhere else."""
    wanted = str(given.get("back") or "")[:300]
    return wanted if wanted.startswith("/triage?") and safe(wanted) == wanted else ""
