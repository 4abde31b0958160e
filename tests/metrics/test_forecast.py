"""What ends by itself, who has to act, what was foreseen, and what became of a week's holds."""

from datetime import timedelta

from dashboard import clock
from dashboard.bookings import outlook
from dashboard.metrics import behind, cohorts, forecast, queries
from dashboard.metrics.cohorts import Pile
from dashboard.metrics.days import day_of
from dashboard.metrics.tables import Forecast
from dashboard.payments import settle
from dashboard.payments.facts import Verb
from dashboard.payments.tables import Payment, Purchase
from dashboard.settings import Settings
from jobs.metrics import keep_metrics
from tests.payments.conftest import Desk

DAY = timedelta(days=1)
ZONE = Settings().zone


async def ends_on(desk: Desk, purchase: int) -> object:
    at = (await desk.payment(purchase)).authorization_expires_at
    assert at is not None
    return day_of(at, ZONE)


async def test_the_forecast_splits_by_what_the_queue_calls_a_persons_matter(desk: Desk):
    resolves = await desk.buy(due_in=2 * DAY)
    person = await desk.buy(price=5000, due_in=2 * DAY)
    soon = await _ends_within_a_day(desk)
    await Purchase.update({Purchase.attention: "keeps_failing"}).where(
        Purchase.id.is_in([person, soon])
    )
    found = await forecast.ahead(clock.now())
    seven = await ends_on(desk, resolves)
    assert [(one.day, one.currency, one.resolves, one.person) for one in found] == [
        (await ends_on(desk, soon), "usd", Pile(), Pile(1, 700)),
        (seven, "usd", Pile(1, 9600), Pile(1, 5000)),
    ]
    ending = await outlook.ending(clock.now())
    assert [(one.amount, one.person) for one in ending] == [(700, True)]
    await keep_metrics()
    today = (await queries.period(queries.today(), queries.today(), "usd")).total.money
    assert (today.person, today.at_risk) == (5700, 5700)


async def _ends_within_a_day(desk: Desk) -> int:
    desk.sandbox.next_authorization(10 * 3600)
    return await desk.buy(price=700, due_in=30 * DAY)


async def test_the_first_look_of_each_day_is_kept_and_compared_with_what_happened(desk: Desk):
    gone, kept = [await desk.buy(due_in=30 * DAY) for _ in range(2)]
    await keep_metrics()
    made_on = queries.today()
    # What comes later on the day changes nothing in what was foreseen in the morning.
    await desk.buy(price=100)
    await keep_metrics()
    day = await ends_on(desk, gone)
    (foreseen,) = await forecast.kept(made_on, "usd") or []
    assert (foreseen.day, foreseen.resolves, foreseen.expired) == (day, Pile(2, 19200), None)
    await desk.ask(Verb.CAPTURE, kept)
    await desk.advance(8 * DAY)
    await desk.deliver()
    await keep_metrics()
    (foreseen,) = await forecast.kept(made_on, "usd") or []
    assert foreseen.expired == Pile(2, 9700)
    assert await forecast.kept(made_on - DAY, "usd") is None
    assert await forecast.kept(made_on, "jpy") == []
    assert await Forecast.count().where(Forecast.made_on == queries.today()) == 1


async def test_a_hold_that_outlives_its_estimate_belongs_to_the_first_day(desk: Desk):
    await desk.buy()
    await Payment.update({Payment.authorization_expires_at: clock.now() - 3 * DAY}, force=True)
    (found,) = await forecast.ahead(clock.now())
    assert (found.day, found.resolves) == (queries.today(), Pile(1, 9600))


async def test_nothing_is_foreseen_where_nothing_is_held(desk: Desk):
    assert await forecast.ahead(clock.now()) == []
    await keep_metrics()
    assert await forecast.kept(queries.today(), "usd") == []


async def test_a_weeks_holds_have_each_one_fate(desk: Desk):
    purchases = [await desk.buy(due_in=30 * DAY) for _ in range(5)]
    captured, refunded, part, released, _ = purchases
    for purchase in (captured, refunded, part):
        await desk.ask(Verb.CAPTURE, purchase)
    await desk.ask(Verb.REFUND, refunded, 9600, reason="lesson_went_wrong")
    await desk.ask(Verb.REFUND, part, 100, reason="lesson_went_wrong")
    await desk.decide(released, 0)
    await settle.settle(released)
    await keep_metrics()
    placed_on = queries.today()
    (week,) = await cohorts.cohorts(placed_on, placed_on, "usd")
    assert week.week.weekday() == 0 and week.week <= placed_on < week.week + 7 * DAY
    assert (week.placed, week.captured, week.refunded) == (
        Pile(5, 48000),
        Pile(2, 19200),
        Pile(1, 9600),
    )
    assert (week.released, week.expired, week.still_open) == (
        Pile(1, 9600),
        Pile(),
        Pile(1, 9600),
    )
    await desk.advance(8 * DAY)
    await desk.deliver()
    await keep_metrics()
    (week,) = await cohorts.cohorts(placed_on, placed_on, "usd")
    assert (week.expired, week.still_open) == (Pile(1, 9600), Pile())
    for fate in ("captured", "refunded", "released", "expired", "open"):
        found = behind.of_cohort(fate, placed_on, placed_on, "usd")
        rows = await found.all()
        assert await found.come_to() == (len(rows), sum(row.amount for row in rows))
        pile = week.still_open if fate == "open" else getattr(week, fate)
        assert Pile(len(rows), sum(row.amount for row in rows)) == pile, fate
