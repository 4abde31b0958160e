"""Bars made up of parts: what became of each week's holds, and what ends on each day. Pure.

Like the six figures they have no colour of their own: a template for each theme gives it by the
order of the parts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import plotly.graph_objects as go

from dashboard.metrics.charts import TICKS, embedded
from dashboard.metrics.looks import PALETTES, THEMES, Palette, looks

# Statuses whose marks the parts have; the last one of a forecast is striped, as in the strip of the
# queue.
COHORT = ("captured", "refunded", "released", "failed", "authorized")
FORECAST = ("authorized", "authorized")


@dataclass(frozen=True, slots=True)
class Bar:
    """One piece of one bar: how high, what it says, where its rows are."""

    height: float
    text: str
    href: str


@dataclass(frozen=True, slots=True)
class Part:
    """One part of every bar, with its name."""

    name: str
    bars: Sequence[Bar]


def stack(days: Sequence[str], parts: Sequence[Part], marks: Sequence[str], unit: str) -> str:
    """The figure with its templates, as JSON that may stand in a page; `unit` says what is high."""
    return embedded(_figure(days, parts, unit), _templates(tuple(marks)))


@cache
def _templates(marks: tuple[str, ...]) -> dict[str, Any]:
    striped = marks == FORECAST
    made = {theme: _template(PALETTES[theme], marks, striped=striped) for theme in THEMES}
    return {theme: one.to_plotly_json() for theme, one in made.items()}


def _figure(days: Sequence[str], parts: Sequence[Part], unit: str) -> go.Figure:
    # Places by number: the days of a forecast are not next to each other.
    places = list(range(len(days)))
    bars = [
        go.Bar(
            x=places,
            y=[bar.height for bar in part.bars],
            name=part.name,
            hovertext=[bar.text for bar in part.bars],
            customdata=[bar.href for bar in part.bars],
            hoverinfo="text",
        )
        for part in parts
    ]
    shown = places[:: -(-len(days) // (2 * TICKS)) or 1]
    layout = {
        "barmode": "stack",
        "showlegend": True,
        "xaxis": {"tickvals": shown, "ticktext": [days[place] for place in shown]},
        "yaxis": {"title": {"text": unit}},
    }
    return go.Figure(bars, layout)


def _template(palette: Palette, marks: Sequence[str], *, striped: bool) -> go.layout.Template:
    last = len(marks) - 1
    bars = [
        _stripes(palette, palette.marks[mark])
        if striped and number == last
        else {"marker": {"color": palette.marks[mark], "line": {"width": 0}}}
        for number, mark in enumerate(marks)
    ]
    shared = looks(palette)
    legend = {
        "orientation": "h",
        "x": 0,
        "xanchor": "left",
        "y": 1.02,
        "yanchor": "bottom",
        "itemclick": False,
        "itemdoubleclick": False,
        "traceorder": "normal",
        "font": {"size": 12, "color": palette.ink},
    }
    more = {
        "legend": legend,
        "hovermode": "closest",
        "margin": {"l": 60, "r": 12, "t": 36, "b": 28},
    }
    return go.layout.Template(data={"bar": bars}, layout=shared | more)


def _stripes(palette: Palette, colour: str) -> dict[str, object]:
    pattern = {
        "shape": "/",
        "fgcolor": colour,
        "bgcolor": palette.surface,
        "size": 6,
        "solidity": 0.4,
        "fillmode": "replace",
    }
    return {"marker": {"color": colour, "pattern": pattern, "line": {"width": 1, "color": colour}}}
