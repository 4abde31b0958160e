"""How the charts look, light and dark, in the colours of static/tokens.css. Pure."""

from dataclasses import dataclass
from functools import cache
from typing import Any

import plotly.graph_objects as go

from dashboard.metrics.facts import Metric

THEMES = ("light", "dark")
SANS = '"IBM Plex Sans", system-ui, sans-serif'


@dataclass(frozen=True, slots=True)
class Palette:
    """One theme. `marks` are the chart marks of each status."""

    surface: str
    ink: str
    muted: str
    edge: str
    hairline: str
    marks: dict[str, str]


PALETTES = {
    "light": Palette(
        surface="#FFFFFF",
        ink="#14201C",
        muted="#51605A",
        edge="#7D8A84",
        hairline="#DCE2DE",
        marks={
            "pending": "#1E303B",
            "authorized": "#2C46AC",
            "captured": "#299272",
            "failed": "#DB3A0B",
            "refunded": "#BA5ECF",
            "released": "#634100",
        },
    ),
    "dark": Palette(
        surface="#151E1B",
        ink="#E6EDEA",
        muted="#A3B1AB",
        edge="#6F7F78",
        hairline="#26332E",
        marks={
            "pending": "#75828F",
            "authorized": "#2E99FA",
            "captured": "#95F5A0",
            "failed": "#D4502F",
            "refunded": "#F5B7FE",
            "released": "#B59364",
        },
    ),
}
# Which status a metric tells of; tickets tell of none.
_STATUS = {
    Metric.AUTHORIZATION: "authorized",
    Metric.CAPTURE_TIME: "captured",
    Metric.EXPIRY: "released",
    Metric.CAPTURE_FAILURE: "failed",
    Metric.HOLD_DURATION: "authorized",
}


def colour(metric: Metric, palette: Palette) -> str:
    """The colour of a metric's own line."""
    return palette.marks[_STATUS[metric]] if metric in _STATUS else palette.ink


@cache
def templates(metric: Metric) -> dict[str, Any]:
    """The looks of a metric's chart in each theme, ready to be carried by a page."""
    return {theme: _template(metric, PALETTES[theme]).to_plotly_json() for theme in THEMES}


def _template(metric: Metric, palette: Palette) -> go.layout.Template:
    """The looks of one theme, by the order of the traces."""
    own, ink = colour(metric, palette), palette.ink
    rings = {"color": "rgba(0,0,0,0)", "size": 11, "line": {"color": ink, "width": 1.5}}
    hollow = {"color": palette.surface, "size": 6, "line": {"color": palette.edge, "width": 1.5}}
    # A trace of the figure's that is a bar leaves the place of the second one here empty.
    scatter = [
        {"line": {"color": palette.edge, "width": 1.5, "dash": "dot"}},
        {"line": {"color": own, "width": 2}, "marker": {"color": own, "size": 5}},
        {"marker": hollow},
        {"line": {"color": ink, "width": 1, "dash": "dash"}},
        {"marker": rings},
        {"marker": {"color": ink, "size": 8}, "cliponaxis": False},
    ]
    if metric is Metric.TICKETS:
        del scatter[1]
    data = {"scatter": scatter, "bar": [{"marker": {"color": own}}]}
    return go.layout.Template(data=data, layout=looks(palette))


def looks(palette: Palette) -> dict[str, Any]:
    """What all charts of one theme share."""
    axis = {
        "color": palette.muted,
        "gridcolor": palette.hairline,
        "linecolor": palette.edge,
        "zeroline": False,
        "fixedrange": True,
        "tickfont": {"color": palette.muted, "size": 12},
    }
    return {
        "font": {"family": SANS, "size": 12, "color": palette.ink},
        "paper_bgcolor": palette.surface,
        "plot_bgcolor": palette.surface,
        "margin": {"l": 44, "r": 60, "t": 12, "b": 28},
        "showlegend": False,
        "dragmode": False,
        "hovermode": "x",
        "bargap": 0.35,
        "xaxis": axis | {"showgrid": False, "showline": True, "tickangle": 0},
        "yaxis": axis | {"nticks": 4, "rangemode": "tozero"},
        "hoverlabel": {
            "align": "left",
            "bgcolor": palette.surface,
            "bordercolor": palette.edge,
            "font": {"family": SANS, "size": 12, "color": palette.ink},
        },
    }
