"""How a period is cut, what a chart carries, and that its colours are those of the page."""

import json
import re
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from dashboard.metrics.charts import Drawing, Mark, Note, chart
from dashboard.metrics.facts import Metric
from dashboard.metrics.figures import Average, Figures, Money, PerHundred, Share, Spread
from dashboard.metrics.looks import PALETTES
from dashboard.metrics.series import Point, Series
from dashboard.metrics.spans import Span, Step, cut, fitting

TOKENS = Path(__file__).resolve().parent.parent.parent / "static" / "tokens.css"
NONE = Figures(Share(), Spread(), Share(), 0, Share(), Average(), 0, PerHundred(), Money())


@given(
    some.dates(date(2024, 1, 1), date(2026, 12, 31)),
    some.integers(1, 800),
    some.sampled_from(list(Step)),
)
def test_the_points_of_a_period_are_the_period(last: date, days: int, step: Step) -> None:
    whole = Span(last - timedelta(days=days - 1), last)
    points = cut(whole, step)
    assert (points[0].first, points[-1].last) == (whole.first, whole.last)
    for one, after in pairwise(points):
        assert after.first - one.last == timedelta(days=1)
    if step is Step.WEEK:
        assert all(point.days == 7 for point in points[1:])
    if step is Step.MONTH:
        assert all(point.first.day == 1 for point in points[1:])
        assert all(point.first.month == point.last.month for point in points)
    # The same days, one period earlier, are as many.
    for point in points:
        assert point.back(whole.days).days == point.days
        assert point.back(whole.days).last < whole.first


@pytest.mark.parametrize(
    ("days", "cases", "step"),
    [
        (30, 600, Step.DAY),
        (30, 599, Step.WEEK),
        (30, 100, Step.WEEK),
        # Neither days nor weeks have enough on average, and two months are no curve: a busy week
        # may have them, a day can't.
        (30, 99, Step.WEEK),
        (30, 0, Step.DAY),
        (7, 10, Step.DAY),
        (364, 300, Step.MONTH),
        (364, 0, Step.DAY),
    ],
)
def test_a_point_lasts_as_long_as_its_cases_need(days: int, cases: int, step: Step) -> None:
    last = date(2026, 11, 29)
    whole = Span(last - timedelta(days=days - 1), last)
    assert fitting(whole, Step.DAY, cases) is step


def test_the_colours_of_the_charts_are_those_of_the_page() -> None:
    pattern = r"--([\w-]+): light-dark\((#\w+), (#\w+)\)"
    tokens = {name: both for name, *both in re.findall(pattern, TOKENS.read_text())}
    for number, palette in enumerate((PALETTES["light"], PALETTES["dark"])):
        for name in ("surface", "ink", "muted", "edge", "hairline"):
            assert getattr(palette, name) == tokens[name][number]
        assert palette.marks["authorized"] == tokens["authorized-mark"][number]


def test_what_a_chart_carries_cannot_end_its_script() -> None:
    span = Span(date(2026, 11, 1), date(2026, 11, 1))
    series = Series(span, Step.DAY, "usd", [Point(span, NONE, NONE)], NONE, NONE)
    note = Note("1 Nov", "</script><script>alert(1)</script>&amp;", "/analytics/rows?a=1&b=2")
    made = chart(Metric.TICKETS, series, Drawing([note], marks=[Mark(0, "<!--")]))
    assert "<" not in made and "&" not in made
    carried = json.loads(made)
    assert carried["figure"]["data"][1]["customdata"] == [note.href]
    assert carried["figure"]["data"][1]["hovertext"] == [note.text]
    # The figure itself has no colour: the templates have.
    assert "#" not in json.dumps(carried["figure"]) and set(carried["templates"]) == {
        "light",
        "dark",
    }


@pytest.mark.parametrize("metric", list(Metric))
def test_nothing_at_all_is_drawn_as_nothing(metric: Metric) -> None:
    span = Span(date(2026, 11, 1), date(2026, 11, 2))
    points = [Point(one, NONE, NONE) for one in cut(span, Step.DAY)]
    series = Series(span, Step.DAY, "usd", points, NONE, NONE)
    made = chart(metric, series, Drawing([Note("1 Nov", "nothing")] * 2))
    drawn = json.loads(made)["figure"]["data"]
    assert set(drawn[1]["y"]) == ({0} if metric is Metric.TICKETS else {None})
    assert "NaN" not in made and "Infinity" not in made
