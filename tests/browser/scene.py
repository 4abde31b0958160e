"""A working day at the desk: one payment in every state, made through the real paths."""

import uuid
from datetime import timedelta

from dashboard import clock
from dashboard.payments import actions
from dashboard.payments.actions import Wish
from dashboard.payments.actors import Actor
from dashboard.payments.errors import Declined, NotAllowed, OutcomeUnknown
from dashboard.payments.facts import Verb
from dashboard.payments.tables import Payment, Purchase
from tests.browser.served import Served

HOUR = timedelta(hours=1)
ANA = Actor("Ana", "staff", 1)


def paint(desk: Served) -> dict[str, int]:
    """Fill the desk; the payments by what they show."""
    found = {
        "expired": desk.book("Noor Haddad", 3 * HOUR * 24, hold_for=20 * HOUR),
        "partial": desk.book("Leo Brandt", 2 * HOUR, teacher="Ines Prado"),
        "captured": desk.book("Ada Okafor", 2 * HOUR),
        "refunded": desk.book("Sam Rivers", 3 * HOUR),
        "part refunded": desk.book("Jun Park", 4 * HOUR, teacher="Ines Prado"),
        "released": desk.book("Ola Nyberg", 5 * HOUR),
        "package": desk.book("Priya Nair", 30 * HOUR, is_package=True, package_id=desk.package),
        "failing": desk.book("Maya Chen", 22 * HOUR, hold_for=timedelta(hours=27, minutes=30)),
    }
    desk.run(_pause(found["failing"]))
    move(desk, Verb.CAPTURE, found["partial"], 6000)
    move(desk, Verb.CAPTURE, found["captured"])
    move(desk, Verb.CAPTURE, found["refunded"])
    move(desk, Verb.CAPTURE, found["part refunded"])
    move(desk, Verb.RELEASE, found["released"], reason="requested_by_customer")
    desk.advance(21 * HOUR)
    move(desk, Verb.REFUND, found["refunded"], reason="instructor_cancelled", note="Ben was ill.")
    move(desk, Verb.REFUND, found["part refunded"], 4000, reason="lesson_went_wrong")
    desk.tick()
    found |= {
        "today": desk.book("Theo Lindqvist", 5 * HOUR, hold_for=9 * HOUR),
        "tonight": desk.book("Amélie Roux", 4 * HOUR, hold_for=17 * HOUR, teacher="Ines Prado"),
        "yen": desk.book("Haruka Sato", 6 * HOUR, hold_for=12 * HOUR, teacher="Tomo Abe"),
        "week": desk.book("Kofi Mensah", 50 * HOUR),
        "early": desk.book("Rosa Delgado", 24 * 12 * HOUR),
        "declined": desk.book("Wei Zhang", 26 * HOUR, card="pm_card_chargeDeclined"),
    }
    for number in range(6):
        name = ("Nils Berg", "Eva Sol", "Max Ito", "Lea Fox", "Tim Ray", "Zoe Kim")[number]
        desk.book(name, (60 + 9 * number) * HOUR)
    desk.advance(5 * HOUR + timedelta(minutes=17))
    desk.tick()
    desk.run(_refuse(found["failing"]))
    found["pending"] = desk.book("Iris Novak", 30 * HOUR, card="pm_card_authenticationRequired")
    found["waiting"] = desk.book("Mira Holm", 60 * HOUR)
    desk.sandbox.fault("before", "drop", "/v1/payment_intents/*/capture")
    desk.run(_move(Verb.CAPTURE, found["waiting"], None, clear=False))
    desk.sandbox.drain()
    return found


def move(desk: Served, verb: Verb, payment_id: int, amount: int | None = None, **more: str) -> None:
    desk.run(_move(verb, payment_id, amount, **more))


async def _move(
    verb: Verb, payment_id: int, amount: int | None, clear: bool = True, **more: str
) -> None:
    payment = await Payment.objects().get(Payment.id == payment_id)
    assert payment is not None
    wish = Wish(verb, payment.purchase, str(uuid.uuid4()), ANA, payment_id, amount, **more)
    try:
        await actions.perform(wish)
    except OutcomeUnknown:
        assert not clear
    except (Declined, NotAllowed) as error:
        raise AssertionError(repr(error)) from error


async def _pause(payment_id: int) -> None:
    payment = await Payment.objects().get(Payment.id == payment_id)
    assert payment is not None
    far = clock.now() + timedelta(days=3)
    await Purchase.update({"paused_until": far, "due_at": far, "policy_override": None}).where(
        Purchase.id == payment.purchase
    )


async def _refuse(payment_id: int) -> None:
    """Seven automatic captures that the bank refused, as the sweeps would have left them."""
    payment = await Payment.objects().get(Payment.id == payment_id)
    assert payment is not None
    now = clock.now()
    await Purchase.update(
        {
            "paused_until": None,
            "refused_count": 7,
            "refused_since": now - 2 * HOUR,
            "refused_last_at": now - timedelta(minutes=6),
            "refused_error": "processing error",
            "capture_due_at": now - 2 * HOUR,
            "owed": payment.authorized_amount,
            "attention": "keeps_failing",
            "attention_since": now - HOUR,
            "due_at": now + HOUR,
        }
    ).where(Purchase.id == payment.purchase)


def pages(found: dict[str, int]) -> list[tuple[str, str, str]]:
    """Name, address, and what to press for a dialog."""
    failing = found["failing"]
    return [
        ("sign-in", "/sign-in", ""),
        ("queue", "/holds", ""),
        ("expiring", "/holds?view=expiring", ""),
        ("everything", "/holds?view=all", ""),
        ("nothing", "/holds?q=nobody", ""),
        ("person", "/holds?view=person", ""),
        ("hold", f"/holds/{failing}", ""),
        ("captured", f"/holds/{found['part refunded']}", ""),
        ("released", f"/holds/{found['released']}", ""),
        ("declined", f"/holds/{found['declined']}", ""),
        ("capture", f"/holds/{failing}/capture", ""),
        ("refund", f"/holds/{found['captured']}/refund", ""),
        ("waiting", f"/holds/{found['waiting']}", ""),
        ("dialog", "/holds", f"#capture-{failing}"),
        ("refund-dialog", f"/holds/{found['captured']}", f"#refund-{found['captured']}"),
        ("not-found", "/holds/999999", ""),
    ]
