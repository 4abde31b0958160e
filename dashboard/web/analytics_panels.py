"""The six panels of one currency: value, counts, change, chart and table, from one series."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from markupsafe import Markup

from dashboard import formats, settings
from dashboard.metrics import sheets
from dashboard.metrics.charts import Drawing, Mark, Note, chart
from dashboard.metrics.facts import Metric
from dashboard.metrics.figures import ENOUGH
from dashboard.metrics.series import Point, Series
from dashboard.metrics.spans import Step
from dashboard.metrics.tables import Crossing, Threshold
from dashboard.metrics.values import NAMES, SHARES, Value, line, value
from dashboard.web import analytics_words as words
from dashboard.web.analytics_table import Table, rows_href, table

# Which of the six a page shows where each currency is shown: tickets have none, and stand once.
WITH_CURRENCY = tuple(metric for metric in Metric if metric is not Metric.TICKETS)


@dataclass(frozen=True, slots=True)
class Panel:
    """One figure. `counts` are texts with the addresses of their rows; `line` is where finance drew
    one, in words; `key` tells the panel from all others of the page."""

    key: str
    metric: Metric
    currency: str
    name: str
    headline: str
    href: str
    counts: Sequence[tuple[str, str]]
    change: str
    label: str
    chart: Markup
    table: Table
    line: str
    typed: str
    drawn: Threshold | None
    drawn_on: str
    coarser: Step | None


@dataclass(frozen=True, slots=True)
class Beside:
    """What is shown beside a series: lines and crossings by metric, and the marks of the days."""

    today: date
    lines: Mapping[Metric, Threshold]
    crossings: Sequence[Crossing]
    marks: Sequence[Mark]


def panels(series: Series, beside: Beside, metrics: Sequence[Metric]) -> list[Panel]:
    """The panels of these metrics, in order."""
    return [_panel(metric, series, beside) for metric in metrics]


def _panel(metric: Metric, series: Series, beside: Beside) -> Panel:
    now, before = value(metric, series.total), value(metric, series.before)
    drawn = beside.lines.get(metric)
    name, headline = NAMES[metric], words.headline(metric, series.total)
    caption = f"{name}, {words.period(series.span)}, the newest first"
    sheet = sheets.of_metric(metric, series)
    changed = words.change(metric, now, before)
    return Panel(
        key=f"{metric}-{series.currency}",
        metric=metric,
        currency="" if metric is Metric.TICKETS else series.currency,
        name=name,
        headline=headline,
        href=_rows(metric, series) if now.numerator else "",
        counts=_counts(metric, series),
        change=changed,
        label=f"{name}: {headline}, {changed}. The table has every point.",
        chart=Markup(chart(metric, series, _drawing(metric, series, beside))),  # noqa: S704
        table=table(sheet, caption, series.step, beside.today),
        line=words.limit(metric, line(metric, drawn.value)) if drawn else "",
        typed=words.plain(line(metric, drawn.value)) if drawn else "",
        drawn=drawn,
        drawn_on=formats.day(drawn.set_at, settings.current().zone) if drawn else "",
        coarser=_coarser(metric, series),
    )


def _rows(what: str, series: Series) -> str:
    return rows_href(what, series.span, series.currency)


def _counts(metric: Metric, series: Series) -> list[tuple[str, str]]:
    told = words.parts(metric, series.total)
    return [
        (text, _rows(what, series) if what and not text.startswith("0 ") else "")
        for text, what in told
        if text
    ]


def _drawing(metric: Metric, series: Series, beside: Beside) -> Drawing:
    drawn = beside.lines.get(metric)
    # A line for the tickets of a day says nothing about a week of them.
    fits = metric is not Metric.TICKETS or series.step is Step.DAY
    firsts = [point.span.first for point in series.points]
    crossed = {
        bisect_right(firsts, row.day) - 1: row.day
        for row in beside.crossings
        if row.metric == metric
    }
    notes = [
        _note(metric, series, point, beside.today, crossed.get(number))
        for number, point in enumerate(series.points)
    ]
    at = line(metric, drawn.value) if drawn and fits else None
    return Drawing(notes, at, sorted(crossed), beside.marks)


def _note(metric: Metric, series: Series, point: Point, today: date, crossed: date | None) -> Note:
    now, before = value(metric, point.figures), value(metric, point.before)
    told = [
        words.days(point.span, series.step, today),
        f"{now.told}{_of(metric, now)}",
        f"one period before: {before.told}",
    ]
    if crossed:
        told.append(f"beyond its limit on {words.day(crossed)}")
    href = rows_href(metric, point.span, series.currency) if now.numerator else ""
    return Note(words.short(point.span, series.step), "<br>".join(told), href)


def _of(metric: Metric, found: Value) -> str:
    if metric in SHARES:
        few = found.value is None
        return "" if few else f" ({found.numerator:,} of {found.denominator:,})"
    if metric is Metric.TICKETS:
        return f" for {found.denominator:,} {'hold' if found.denominator == 1 else 'holds'}"
    return f" over {found.numerator:,}" if found.numerator else ""


def _coarser(metric: Metric, series: Series) -> Step | None:
    """The next longer points, where most of these have too few cases for a percentage."""
    if metric not in SHARES or series.step is Step.MONTH:
        return None
    cases = [value(metric, point.figures).denominator for point in series.points]
    known = [count for count in cases if count]
    few = sum(count < ENOUGH for count in known)
    longer = Step.WEEK if series.step is Step.DAY else Step.MONTH
    fits = series.span.days >= (14 if longer is Step.WEEK else 62)
    return longer if fits and known and 2 * few > len(known) else None
