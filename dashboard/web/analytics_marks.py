"""What happened on the days of a chart: critical alerts, and times in which nothing ran."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Sequence

from dashboard import settings
from dashboard.alerts import outages
from dashboard.alerts.kinds import ABOUT, Kind, Severity
from dashboard.alerts.tables import Alert, Outage
from dashboard.metrics.charts import Mark
from dashboard.metrics.days import day_of, span
from dashboard.metrics.spans import Span

# More marks than this would be no marks any more.
MOST = 500


async def marks(points: Sequence[Span]) -> list[Mark]:
    """The marks of these points, in order: outages, and how many critical alerts began."""
    start, end = span(points[0].first, points[-1].last, settings.current().zone)
    stood = (
        await Outage.objects()
        .where((Outage.started_at >= start) & (Outage.started_at < end))
        .order_by(Outage.started_at)
        .limit(MOST)
    )
    # An outage is an alert as well; it is told once.
    began = (
        await Alert.select(Alert.kind, Alert.opened_at)
        .where((Alert.opened_at >= start) & (Alert.opened_at < end))
        .where((Alert.severity == Severity.CRITICAL) & (Alert.kind != Kind.SWEEP_LATE))
        .order_by(Alert.opened_at)
        .limit(MOST)
    )
    firsts = [one.first for one in points]
    zone = settings.current().zone
    told = [
        Mark(bisect_right(firsts, day_of(row.started_at, zone)) - 1, _outage(row), outage=True)
        for row in stood
    ]
    kinds: dict[int, list[str]] = defaultdict(list)
    for row in began:
        kinds[bisect_right(firsts, day_of(row["opened_at"], zone)) - 1].append(row["kind"])
    return told + [Mark(point, _alerts(found)) for point, found in sorted(kinds.items())]


def _outage(row: Outage) -> str:
    return f"Nothing ran by itself<br>{outages.span(row)}"


def _alerts(kinds: Sequence[str]) -> str:
    names = {kind: ABOUT[Kind(kind)].name for kind in kinds if kind in set(Kind)}
    said = "<br>".join(f"{name}: {kinds.count(kind)}" for kind, name in names.items())
    return f"{'1 critical alert' if len(kinds) == 1 else f'{len(kinds)} critical alerts'}<br>{said}"
