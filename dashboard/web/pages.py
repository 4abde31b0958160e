"""How a page is made: the templates, what all of them share, and the files beside them."""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from litestar import Request
from litestar.plugins.jinja import JinjaTemplateEngine
from litestar.static_files import create_static_files_router
from litestar.template import TemplateConfig
from litestar_htmx import HTMXRequest, HTMXTemplate

from dashboard import clock, findings, formats, sentences, settings
from dashboard.alerts import lateness, machinery, queries, wording
from dashboard.payments.tables import StripeEvent
from dashboard.web import live, outages, security

ROOT = Path(__file__).resolve().parent.parent.parent
STATIC = ROOT / "static"
THEMES = ("system", "light", "dark")


def templates() -> TemplateConfig[JinjaTemplateEngine]:
    """The template engine; a name that a page forgets to give is an error, not an empty place."""
    environment = Environment(
        loader=FileSystemLoader(ROOT / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(money=formats.money, tally=findings.tally)
    environment.globals.update(asset=asset, sentences=sentences, urlencode=urlencode)
    return TemplateConfig(instance=JinjaTemplateEngine.from_environment(environment))


static_files = create_static_files_router(
    path="/static", directories=[STATIC], name="static", include_in_schema=False
)


@cache
def asset(name: str) -> str:
    """A file's address, with its content's hash in it: a new version is never an old one."""
    digest = hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:10]
    return f"/static/{name}?{digest}"


async def page(
    request: HTMXRequest, name: str, context: Mapping[str, Any], status: int = 200
) -> HTMXTemplate:
    """A template with all that the layout shows; the bare part alone when htmx asks for it."""
    shared = _shared(request, bool(request.htmx))
    looks = security.only_looks(request)
    # An open page that asks what is new brings its header up to date as well.
    if shared["staff"] and (looks or not request.htmx):
        shared["freshness"] = await freshness(clock.now())
    answer = _template(name, {**shared, **context}, status)
    answer.headers.update(live.heard(request) if looks else {})
    return answer


def page_of_error(
    request: Request[Any, Any, Any], context: Mapping[str, Any], status: int
) -> HTMXTemplate:
    """The page of an error. It reads nothing: the database may be what has failed."""
    partial = request.headers.get("HX-Request") == "true"
    return _template("failure.html", {**_shared(request, partial), **context}, status)


def _template(name: str, context: dict[str, Any], status: int) -> HTMXTemplate:
    return HTMXTemplate(
        template_name=name, context=context, status_code=status, headers={"Vary": "HX-Request"}
    )


def _shared(request: Request[Any, Any, Any], partial: bool) -> dict[str, Any]:
    chosen = settings.current()
    return {
        "request_path": request.url.path,
        "as_of": formats.time_of_day(clock.now(), chosen.zone),
        "partial": partial,
        "now": clock.now(),
        "zone": chosen.zone,
        "zone_name": chosen.time_zone,
        "zone_short": formats.zone_name(clock.now(), chosen.zone),
        "sandbox": chosen.sandbox,
        "staff": request.state.get("staff"),
        "csrf": security.masked(request.state.get("csrf", "")),
        "theme": theme(request),
        "request_id": security.request_id(request),
        "freshness": None,
    }


def theme(request: Request[Any, Any, Any]) -> str:
    """What the person chose; "system" unless they did."""
    chosen = request.cookies.get("holdfast_theme", "")
    return chosen if chosen in THEMES else "system"


async def freshness(now: datetime) -> dict[str, Any]:
    """How old our knowledge is, what is wrong, and the one line that stands above every page."""
    event = (
        await StripeEvent.select(StripeEvent.received_at)
        .order_by(StripeEvent.received_at, ascending=False)
        .first()
    )
    beats = await lateness.beats()
    sweeps = [beat.at for beat in beats]
    compared = await machinery.last_compared()
    troubles = await queries.judged(beats, now)
    return {
        "stripe": formats.age(event["received_at"], now) if event else "",
        "sweep": formats.age(max(sweeps), now) if sweeps else "",
        "compared": formats.age(compared, now) if compared else "",
        "banner": wording.banner(troubles, now, settings.current().zone),
        "outages": [_outage(one, now) for one in outages.standing(now)],
        "open": len(troubles),
    }


def _outage(outage: outages.Outage, now: datetime) -> str:
    first = formats.moment(outage.first, settings.current().zone)
    last = formats.ago(outage.last, now)
    said = f"{outage.what} did not answer {last} ago, and was first missed {first}. "
    if outage.what == outages.STRIPE:
        return said + "Pages are to be read only until it answers; each says when it was checked."
    return said + "What you send may be refused; it can be sent again and happens once."
