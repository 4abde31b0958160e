"""The e-mail about alerts: what is new, what has grown pressing, and what is still open."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from dashboard import formats, settings
from dashboard.alerts import wording
from dashboard.alerts.kinds import ABOUT, Kind, Severity
from dashboard.alerts.kinds import Trouble as Sample
from dashboard.alerts.tables import Alert
from dashboard.mail.letters import Letter
from dashboard.mail.phrases import Section

TEMPLATE = "alert"
FOOT = (
    "You get this e-mail because ALERT_EMAIL names you. It comes once for what is new, again where "
    "it grows pressing, and once a day while something is open."
)
# One e-mail names so many of a kind; the page has them all.
MOST_NAMED = 10


def letter(news: Sequence[Alert], still: Sequence[Alert], now: datetime) -> Letter:
    """One letter about all of `news`; `still` is what is open besides and was told before."""
    groups = wording.by_kind(_in_order(news))
    first = wording.together(next(iter(groups.values())))
    more = len(groups) - 1
    some = "" if more == 0 else ", and 1 more matter" if more == 1 else f", and {more} more matters"
    critical = any(row.severity == Severity.CRITICAL and row.closed_at is None for row in news)
    base = settings.current().base_url
    return Letter(
        TEMPLATE,
        f"[Holdfast] {first}{some}",
        "failed" if critical else "pending",
        first,
        "This needs somebody." if any(row.closed_at is None for row in news) else "This is over.",
        (f"As of {formats.moment(now, settings.current().zone)}:",),
        tuple((wording.together(rows), _counted(rows)) for rows in groups.values()),
        (*(_section(kind, rows) for kind, rows in groups.items()), *_still(still)),
        ("Open the alerts", f"{base}/alerts"),
        sign="⚠️",
        foot=FOOT,
    )


def _in_order(rows: Sequence[Alert]) -> list[Alert]:
    kinds, severities = list(Kind), list(Severity)

    def place(row: Alert) -> tuple[int, int, int]:
        severity = severities.index(Severity(row.severity))
        return severity, kinds.index(Kind(row.kind)), row.id

    return sorted(rows, key=place)


def _counted(rows: Sequence[Alert]) -> str:
    zone = settings.current().zone
    over = sum(row.closed_at is not None for row in rows)
    since = f"since {formats.moment(min(row.since for row in rows), zone)}"
    if not over:
        return since
    return f"{since}; over by now" if over == len(rows) else f"{since}; {over} over by now"


def _section(kind: Kind, rows: Sequence[Alert]) -> Section:
    about, base = ABOUT[kind], settings.current().base_url
    named = [f"{row.said}. {base}{row.link}" for row in rows[:MOST_NAMED]]
    rest = len(rows) - len(named)
    return Section(
        about.name,
        (
            *named,
            *([f"And {rest} more."] if rest else []),
            about.means,
            f"How to look: {about.look}",
            f"What to press: {about.press}",
        ),
    )


def _still(rows: Sequence[Alert]) -> tuple[Section, ...]:
    if not rows:
        return ()
    said = (f"{wording.together(some)}." for some in wording.by_kind(_in_order(rows)).values())
    return (Section("Still open, told before", tuple(said)),)


def samples() -> dict[str, tuple[str, Letter]]:
    """By name: what the e-mail is called, and a letter about made-up alerts, for the preview."""
    now = datetime(2026, 11, 24, 7, tzinfo=UTC)
    holds = [_sample(number, now) for number in (1, 2, 3)]
    worker = _row(Sample(Kind.SWEEP_LATE, now - timedelta(minutes=16), Severity.CRITICAL), 4, now)
    worker.said = "Worker late: every sweep"
    dispute = _row(Sample(Kind.DISPUTE_OPEN, now, amount=4800, currency="usd"), 5, now)
    return {
        "alert": ("Alert", letter(holds, [], now)),
        "alert-several": ("Alerts of two kinds", letter([*holds, worker], [dispute], now)),
    }


def _sample(number: int, now: datetime) -> Alert:
    ends = now + timedelta(hours=number)
    severity = Severity.CRITICAL if number == 1 else Severity.WARNING
    hold = Sample(
        Kind.HOLD_AT_RISK, now, severity, str(number), 9600, "usd", number, number, ends, "Overdue"
    )
    row = _row(hold, number, now)
    row.said = wording.sentence(hold, f"#{1040 + number}", settings.current().zone)
    return row


def _row(one: Sample, number: int, now: datetime) -> Alert:
    return Alert(
        id=number,
        kind=one.kind,
        severity=one.severity,
        said=ABOUT[one.kind].name,
        link=one.link,
        amount=one.amount,
        currency=one.currency,
        since=one.since,
        opened_at=now,
    )
