"""The pages of the desk, gathered for the application."""

from litestar import Router, get
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler
from litestar_htmx import HTMXRequest

from dashboard.web import (
    admin,
    alerts_page,
    analytics_cohorts,
    analytics_forecast,
    analytics_lines,
    analytics_money,
    analytics_page,
    analytics_rows,
    api_docs,
    audit_page,
    automation_page,
    batches_page,
    calendar_feed,
    calendar_page,
    closings,
    compare,
    exports_page,
    hold_page,
    mail_page,
    movements,
    package_answer,
    package_page,
    pay_page,
    queue_page,
    reconcile_answer,
    reconcile_page,
    reports_page,
    sandbox_deeds,
    sandbox_page,
    saved_views,
    signin,
    snooze_page,
    ticket_answer,
    ticket_opening,
    ticket_page,
    tickets_page,
    triage_page,
    waiver_page,
    webhook_event_page,
    webhooks_page,
    what_if_page,
)
from dashboard.web.pages import static_files


@get("/", include_in_schema=False)
async def home() -> Redirect:
    """The queue is where the work is."""
    return Redirect("/holds")


pages = Router(
    path="/",
    route_handlers=[
        home,
        *signin.handlers,
        queue_page.index,
        *saved_views.handlers,
        hold_page.show,
        hold_page.ask,
        hold_page.send_link,
        hold_page.write_note,
        compare.compare,
        *movements.handlers,
        *snooze_page.handlers,
        *triage_page.handlers,
        *closings.handlers,
        *batches_page.handlers,
        *calendar_page.handlers,
        *calendar_feed.handlers,
        *package_page.handlers,
        package_answer.refund,
        *waiver_page.handlers,
        *automation_page.handlers,
        what_if_page.show,
        *tickets_page.handlers,
        *ticket_opening.handlers,
        *ticket_page.handlers,
        ticket_answer.create,
        *mail_page.handlers,
        *reconcile_page.handlers,
        *reconcile_answer.handlers,
        *analytics_page.handlers,
        *analytics_rows.handlers,
        *analytics_lines.handlers,
        *analytics_money.handlers,
        *analytics_cohorts.handlers,
        *analytics_forecast.handlers,
        *alerts_page.handlers,
        *exports_page.handlers,
        *reports_page.handlers,
        webhooks_page.index,
        *webhook_event_page.handlers,
        audit_page.index,
        *sandbox_page.handlers,
        *sandbox_deeds.handlers,
        *api_docs.handlers,
    ],
    request_class=HTMXRequest,
    include_in_schema=False,
)
handlers: list[ControllerRouterHandler] = [pages, pay_page.router, static_files, admin.mounted]
