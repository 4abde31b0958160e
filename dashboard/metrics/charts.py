"""The six figures as Plotly draws them, from the same cells as their tables. Pure.

A figure has no colour of its own: each theme is a template, which gives the traces their looks by
their order. So the page changes from light to dark without asking for anything.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import plotly.graph_objects as go

from dashboard.metrics.facts import Metric
from dashboard.metrics.looks import templates
from dashboard.metrics.series import Point, Series
from dashboard.metrics.values import SHARES, unit, value

FEW_POINTS = 31
TICKS = 4
# A label at the end is of one of so many last points: the very last day may have nothing yet.
END = 3
# Labels at the end of two lines that are nearer than this part of the height would overlap.
APART = 0.14


@dataclass(frozen=True, slots=True)
class Note:
    """What is told of a point: its days in words, its text, the address of its rows."""

    days: str
    text: str
    href: str = ""


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that happened on the days of the point with this number: alerts, an outage."""

    point: int
    text: str
    outage: bool = False


@dataclass(frozen=True, slots=True)
class Drawing:
    """What a chart shows beside its series: a note for each point; the line, if one is drawn and
    these points can be compared with it; the points whose days crossed it; and the marks."""

    notes: Sequence[Note]
    line: Decimal | None = None
    crossed: Sequence[int] = ()
    marks: Sequence[Mark] = ()


def chart(metric: Metric, series: Series, drawing: Drawing) -> str:
    """The figure with its templates, as JSON that may stand in a page."""
    return embedded(figure(metric, series, drawing), templates(metric))


def embedded(made: go.Figure, themes: dict[str, Any]) -> str:
    """A figure and its templates as JSON that no browser can take for the end of a script."""
    drawn = made.to_plotly_json()
    # Plotly adds a template of its own, which ours would take the place of anyway.
    drawn["layout"].pop("template", None)
    whole = {
        "figure": drawn,
        "templates": themes,
    }
    return json.dumps(whole, separators=(",", ":")).replace("<", "\\u003c").replace("&", "\\u0026")


def figure(metric: Metric, series: Series, drawing: Drawing) -> go.Figure:
    """Six traces, in the order of the templates: the period before, this one, the points with too
    few cases for a percentage, the line, the points that crossed it, the marks."""
    days = [point.span.last.isoformat() for point in series.points]
    now = [_number(value(metric, point.figures).value) for point in series.points]
    before = [_number(value(metric, point.before).value) for point in series.points]
    low, high = _reach(metric, [*now, *before, _number(drawing.line)])
    few = [number for number, point in enumerate(series.points) if _few(metric, point)]
    drawn = _traces(metric, days, now, before, drawing)
    drawn[2] = _at(days, few, [low] * len(few), [drawing.notes[number] for number in few])
    drawn[4] = _crossed(days, now, drawing, low)
    drawn[5] = _marks(days, drawing, high)
    return go.Figure(drawn, _layout(metric, days, drawing, (low, high), _labels(now, before)))


def _number(exact: Decimal | None) -> float | None:
    return None if exact is None else float(exact)


def _few(metric: Metric, point: Point) -> bool:
    found = value(metric, point.figures)
    return metric in SHARES and found.value is None and found.denominator > 0


def _traces(
    metric: Metric,
    days: Sequence[str],
    now: Sequence[float | None],
    before: Sequence[float | None],
    drawing: Drawing,
) -> list[Any]:
    main = {
        "x": days,
        "y": now,
        "hovertext": [note.text for note in drawing.notes],
        "customdata": [note.href for note in drawing.notes],
        "hoverinfo": "text",
    }
    mode = "lines+markers" if len(days) <= FEW_POINTS else "lines"
    faint = go.Scatter(x=days, y=before, mode="lines", hoverinfo="skip")
    ends = [days[0], days[-1]] if drawing.line is not None else []
    level = [_number(drawing.line)] * len(ends)
    line = go.Scatter(x=ends, y=level, mode="lines", hoverinfo="skip")
    kind = go.Bar(main) if metric is Metric.TICKETS else go.Scatter(main, mode=mode)
    return [faint, kind, None, line, None, None]


def _at(
    days: Sequence[str], points: Sequence[int], level: Sequence[float], notes: Sequence[Note]
) -> go.Scatter:
    return go.Scatter(
        x=[days[number] for number in points],
        y=level,
        mode="markers",
        hovertext=[note.text for note in notes],
        customdata=[note.href for note in notes],
        hoverinfo="text",
    )


def _crossed(
    days: Sequence[str], now: Sequence[float | None], drawing: Drawing, low: float
) -> go.Scatter:
    level = [found if (found := now[number]) is not None else low for number in drawing.crossed]
    rings = _at(days, drawing.crossed, level, [drawing.notes[one] for one in drawing.crossed])
    # The point itself is told already.
    return rings.update(hoverinfo="skip", hovertext=None)


def _marks(days: Sequence[str], drawing: Drawing, high: float) -> go.Scatter:
    notes = [Note("", mark.text, "/alerts") for mark in drawing.marks]
    points = [mark.point for mark in drawing.marks]
    made = _at(days, points, [high] * len(points), notes)
    shapes = ["square" if mark.outage else "triangle-down" for mark in drawing.marks]
    return made.update(marker={"symbol": shapes})


def _reach(metric: Metric, found: Sequence[float | None]) -> tuple[float, float]:
    """From where to where the axis goes: from nothing, but for a share that is nearly all."""
    known = [one for one in found if one is not None]
    if metric is Metric.AUTHORIZATION:
        return (float(max(0, (min(known, default=90.0) - 3) // 5 * 5)), 101.0)
    most = max([*known, 1.0 if metric in SHARES else 4.0])
    return (0.0, most * 1.15)


def _labels(now: Sequence[float | None], before: Sequence[float | None]) -> list[float | None]:
    """Where each of the two lines ends. One of which no piece is seen there has no label."""
    last = next((one for one in reversed(now[-END:]) if one is not None), None)
    return [last, None if None in before[-2:] or len(before) < 2 else before[-1]]


def _layout(
    metric: Metric,
    days: Sequence[str],
    drawing: Drawing,
    reach: tuple[float, float],
    ends: Sequence[float | None],
) -> dict[str, Any]:
    step = -(-len(days) // TICKS)
    shown = range(len(days) - 1, -1, -step)
    return {
        "xaxis": {
            "type": "date",
            "tickvals": [days[number] for number in shown],
            "ticktext": [drawing.notes[number].days for number in shown],
        },
        "yaxis": {"range": list(reach), "ticksuffix": unit(metric)},
        "annotations": _annotations(metric, drawing.line, reach, ends),
    }


def _annotations(
    metric: Metric, line: Decimal | None, reach: tuple[float, float], ends: Sequence[float | None]
) -> list[dict[str, Any]]:
    now, before = ends
    height = reach[1] - reach[0]
    found = []
    if now is not None:
        found.append(_label(now, _said(metric, now)) | {"font": {"weight": 600}})
    if before is not None and (now is None or abs(now - before) > APART * height):
        found.append(_label(before, "before"))
    for one in found:
        # Beside the ground a label would stand in the last day's.
        one["yanchor"] = "middle" if one["y"] - reach[0] > APART / 2 * height else "bottom"
    if line is not None:
        # At the other end, where neither line has its label.
        at_left = {"x": 0, "xanchor": "left", "yanchor": "bottom", "xshift": 2}
        found.append(_label(float(line), f"limit {line.normalize():f}{unit(metric)}") | at_left)
    return found


def _said(metric: Metric, number: float) -> str:
    return f"{number:g}" if metric is Metric.TICKETS else f"{number:.1f}{unit(metric)}"


def _label(level: float, text: str) -> dict[str, Any]:
    return {
        "xref": "paper",
        "x": 1,
        "xanchor": "left",
        "xshift": 6,
        "y": level,
        "text": text,
        "showarrow": False,
    }
