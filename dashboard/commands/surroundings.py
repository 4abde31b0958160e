"""What can only be said by asking: the database, Stripe, the queue, the worker, the mail server."""

import asyncio
import smtplib
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from email.utils import parsedate_to_datetime

import httpx

from dashboard import clock, db, schema, stripe_gateway
from dashboard.alerts import machinery, queries, wording
from dashboard.alerts.kinds import ABOUT, Severity
from dashboard.commands.findings import Finding, note, ok, wrong
from dashboard.mail import outboxes
from dashboard.metrics.tables import Heartbeat
from dashboard.observability import readiness
from dashboard.payments.tables import StripeEvent
from dashboard.settings import Settings
from dashboard.stripe_gateway import API_VERSION
from jobs.queue import open_queue

WITHIN = 10.0
# A webhook is refused when its signature is five minutes old by our clock.
SKEW_NOTED = 5.0
SKEW_WRONG = 60.0
MIGRATE = "run: python -m dashboard migrate"
WORKER = "run: python -m dashboard worker"
Asked = AsyncIterator[Finding]


async def findings(settings: Settings) -> list[Finding]:
    """What every part answers. One that fails in a way that nobody foresaw is told by its name."""
    asked: tuple[Callable[[Settings], Asked], ...] = (
        _database,
        _stripe,
        _clock,
        _webhooks,
        _queue,
        _worker,
        _mail,
        _alerts,
    )
    return [finding for ask in asked async for finding in _safely(ask, settings)]


async def _safely(ask: Callable[[Settings], Asked], settings: Settings) -> Asked:
    try:
        async with asyncio.timeout(WITHIN * 2):
            async for finding in ask(settings):
                yield finding
    except Exception as error:  # noqa: BLE001 - the doctor looks at what is broken, in every way
        part = ask.__name__.removeprefix("_")
        yield wrong(part, f"can't be examined ({type(error).__name__})", "mend what is above first")


async def _database(settings: Settings) -> Asked:
    kind = settings.database_url.split(":", 1)[0]
    try:
        await db.engine().run_ddl("SELECT 1")
    except db.CONNECTION_ERRORS as error:
        do = "start it, or correct DATABASE_URL"
        yield wrong("database", f"{kind} can't be reached: {error}", do)
        return
    yield ok("database", f"{kind} answers")
    try:
        missing = await readiness.missing_migrations()
    except Exception:  # noqa: BLE001 - there is no table of migrations, in whichever words
        yield wrong("migrations", "never run", MIGRATE)
        return
    if missing:
        yield wrong("migrations", f"{missing} still to run", MIGRATE)
        return
    yield ok("migrations", "all run")
    if found := await schema.differences():
        said = f"{len(found)} differences from what the code expects: {'; '.join(found[:3])}"
        yield wrong("schema", said, "was it changed by hand? Restore it, or compare with a new one")
    else:
        yield ok("schema", "as the code expects it")


async def _stripe(settings: Settings) -> Asked:
    part = "sandbox" if settings.sandbox else "stripe"
    base = settings.stripe_api_base
    gateway = stripe_gateway.StripeGateway(settings)
    try:
        await gateway.fetch("pi_doctor")
    except stripe_gateway.NotThere:
        yield ok(part, f"answers at {base} and takes the key, API version {API_VERSION}")
    except stripe_gateway.Unreachable as error:
        if "Authentication" in str(error) or "Permission" in str(error):
            do = (
                "copy it again from Stripe; a restricted key needs PaymentIntents, Refunds, Charges"
            )
            yield wrong(part, "refuses the key of STRIPE_API_KEY", do)
        else:
            start = "run: python -m dashboard sandbox"
            do = start if settings.sandbox else "check the network, and STRIPE_API_BASE"
            yield wrong(part, f"can't be reached at {base} ({error})", do)
    finally:
        await gateway.close()


async def _clock(settings: Settings) -> Asked:
    """Against the Date of Stripe's own answer, which a caller's signature is compared with."""
    try:
        answer = await readiness.reach(settings, WITHIN)
    except (httpx.HTTPError, TimeoutError, OSError):
        return
    told = answer.headers.get("Date")
    if told is None:
        return
    # A Date has whole seconds: half of one is its own.
    skew = abs((clock.wall() - _instant(told)).total_seconds() - 0.5)
    do = "have the clock of this machine kept by NTP"
    if skew > SKEW_WRONG:
        yield wrong("clock", f"{skew:.0f} s away from Stripe's: webhooks will be refused", do)
    elif skew > SKEW_NOTED:
        yield note("clock", f"{skew:.0f} s away from Stripe's", do)
    else:
        yield ok("clock", "agrees with Stripe's")


def _instant(date: str) -> datetime:
    return parsedate_to_datetime(date)


async def _webhooks(settings: Settings) -> Asked:
    """What the newest event shows of the endpoint: its API version and its mode."""
    event = (
        await StripeEvent.select(
            StripeEvent.received_at, StripeEvent.api_version, StripeEvent.livemode
        )
        .order_by(StripeEvent.received_at, ascending=False)
        .first()
    )
    if event is None:
        if not settings.sandbox:
            do = f"add an endpoint at Stripe for {settings.base_url}/webhooks/stripe"
            yield note("webhooks", "none has come yet", do)
        return
    version = event["api_version"]
    if event["livemode"] != (settings.key_mode == "live"):
        do = "take the endpoint, its secret and the key from the same mode"
        yield wrong("webhooks", "the newest is of the other mode than STRIPE_API_KEY", do)
    elif version and version != API_VERSION:
        do = f"set the endpoint's version to {API_VERSION}"
        yield note("webhooks", f"they come in API version {version}", do)
    else:
        yield ok("webhooks", f"the newest came at {event['received_at']:%Y-%m-%d %H:%M} UTC")
    if (waiting := await machinery.oldest_waiting()) and clock.now() - waiting > readiness.LATE:
        yield wrong("webhooks", f"one has waited since {waiting:%Y-%m-%d %H:%M} UTC", WORKER)


async def _queue(settings: Settings) -> Asked:
    where = "Redis" if settings.redis_url else "SQLite"
    try:
        waiting = await asyncio.to_thread(_waiting, settings)
    except Exception as error:  # noqa: BLE001 - Redis and SQLite have no error in common
        do = "start Redis, or correct REDIS_URL" if settings.redis_url else "correct VAR_DIR"
        yield wrong("queue", f"{where} can't be reached ({type(error).__name__})", do)
        return
    yield ok("queue", f"{where}, {waiting} waiting")


def _waiting(settings: Settings) -> int:
    return int(open_queue(settings).huey.pending_count())


async def _worker(settings: Settings) -> Asked:
    now = clock.now()
    beats = await Heartbeat.select().order_by(Heartbeat.last_started_at, ascending=False)
    if not beats:
        yield wrong("worker", "has never run", WORKER)
        return
    if late := await readiness.late_sweeps(now):
        silent = int((now - beats[0]["last_started_at"]).total_seconds())
        said = f"was last at work {silent // 60} minutes ago; late: {', '.join(late)}"
        yield wrong("worker", said, WORKER)
    else:
        yield ok("worker", "every sweep is on time")
    for beat in beats:
        if beat["last_error"]:
            # The first word is the kind of error; the rest may quote what it was about.
            kind = beat["last_error"].partition(":")[0]
            yield note("worker", f"{beat['name']} ended with {kind}", "look at the worker's log")


async def _mail(settings: Settings) -> Asked:
    if settings.smtp_url is None:
        yield ok("mail", f"files in {settings.var_dir / 'mail'}/")
        return
    try:
        async with asyncio.timeout(WITHIN):
            await asyncio.to_thread(_greet, settings)
    except (outboxes.Away, smtplib.SMTPException, OSError, TimeoutError) as error:
        said = f"the server of SMTP_URL can't be used: {error or 'no answer in time'}"
        yield wrong("mail", said, "check its address, port, user and password")
        return
    yield ok("mail", "the server answers and lets us in")


async def _alerts(settings: Settings) -> Asked:
    """What the desk and the e-mails tell, too. Critical ones make the doctor fail."""
    troubles = await queries.standing(clock.now())
    if not troubles:
        yield ok("alerts", "none is open")
    for kind, some in wording.by_kind(troubles).items():
        said = (
            f"{wording.together(some)}, since {min(one.since for one in some):%Y-%m-%d %H:%M} UTC"
        )
        do = f"docs/runbook.md#{kind}: {ABOUT[kind].press}"
        critical = any(one.severity is Severity.CRITICAL for one in some)
        yield wrong("alerts", said, do) if critical else note("alerts", said, do)


def _greet(settings: Settings) -> None:
    outbox = outboxes.outbox(settings)
    outbox.open()
    outbox.close()
