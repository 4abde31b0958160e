"""What a student finds under a pay link: decided by how the booking and its payment stand now."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Literal

import structlog

from dashboard import clock
from dashboard.bookings import paying, queries, settling
from dashboard.bookings.tables import Booking, Instructor, Package, PackageOffer, Student
from dashboard.payments import checks
from dashboard.payments import queries as payments
from dashboard.payments.actors import Actor
from dashboard.payments.case import ASKS_THE_STUDENT
from dashboard.payments.errors import Busy, Mismatch, NotAllowed
from dashboard.payments.facts import CREATES, CardState, State, Status, Verb
from dashboard.payments.queries import Books
from dashboard.payments.tables import Operation, PaymentEvent

log = structlog.get_logger()
# A link is no place to test cards that are somebody else's.
MOST_ATTEMPTS = 10
ATTEMPTS_WITHIN = timedelta(hours=1)
# What is told of a card that is only saved: no operation tells of it, for it moves no money.
CARD_TOLD = ("card_saved", "card_refused", "card_waiting")
# Stripe is asked about an unclear attempt no more often than this, however often the page is seen.
ASK_EVERY = timedelta(seconds=15)


class Stage(StrEnum):
    """What there is for the student to do."""

    CARD = "card"
    CONFIRM = "confirm"
    UNKNOWN = "unknown"
    SET = "set"
    OVER = "over"


class TooManyCards(Exception):
    """So many cards were tried in the last hour that no other one is taken now."""


@dataclass(frozen=True, slots=True)
class Question:
    """What the bank wants to be confirmed, and the id of Stripe's object that it is about."""

    about: Literal["payment", "renewal", "card"]
    stripe_id: str


@dataclass(frozen=True, slots=True)
class Till:
    """A booking as its student sees it; a package with its first lesson. Amounts in minor units."""

    booking: Booking
    student: Student
    title: str
    lessons: int
    books: Books

    @property
    def stage(self) -> Stage:
        return stage(self.books)

    @property
    def question(self) -> Question | None:
        return question(self.books)

    @property
    def amount(self) -> int:
        """What is to be paid, or what was decided to be."""
        return int(self.books.purchase.owed or self.books.purchase.price)

    @property
    def far(self) -> bool:
        """Whether the card is only saved now, for a hold that is placed later."""
        due = self.books.purchase.hold_due_at
        return due is not None and due > clock.now() and self.books.purchase.owed is None

    @property
    def renewing(self) -> bool:
        """Whether a hold stands that only the student's help can replace before it ends."""
        facts = self.books.current_facts
        return facts is not None and facts.held and self.stage in (Stage.CARD, Stage.CONFIRM)

    @property
    def bank_asks(self) -> bool:
        """Whether the bank wants the student to be there when the saved card is used."""
        return self.books.purchase.attempt_refused_code == ASKS_THE_STUDENT

    @property
    def given_to_a_person(self) -> bool:
        """Whether it could not be found out how an attempt ended."""
        operation = self.books.operation
        return operation is not None and operation.state == State.STALLED


async def find(booking_id: int) -> Till:
    """The booking of a link; raises NoSuchBooking."""
    booking = await queries.booking(booking_id)
    books = await payments.books(booking.purchase)
    student = await Student.objects().get(Student.id == booking.student)
    instructor = await Instructor.objects().get(Instructor.id == booking.instructor)
    assert books is not None and student is not None and instructor is not None
    if booking.package is None:
        lesson = f"{instructor.subject.capitalize()} lesson" if instructor.subject else "Lesson"
        return Till(booking, student, f"{lesson} with {instructor.name}", 0, books)
    package = await Package.objects().get(Package.id == booking.package)
    offer = await PackageOffer.objects().get(PackageOffer.id == package.offer) if package else None
    assert package is not None and offer is not None
    return Till(booking, student, offer.name, package.lessons_count, books)


def stage(books: Books) -> Stage:
    """What there is to do for these books; the first that fits."""
    purchase, current = books.purchase, books.current_facts
    if purchase.owed == 0 or current is None:
        return Stage.OVER
    if books.operation is not None and Verb(books.operation.asked_verb) in CREATES:
        return Stage.UNKNOWN
    if question(books):
        return Stage.CONFIRM
    card = CardState(purchase.card_state)
    if current.planned and card in _SAVING:
        return _SAVING[card]
    if current.held and not _renewal_failed(books):
        return Stage.SET
    if checks.refusal(Verb.AUTHORIZE, 0, books.purchase_facts, current, clock.now()) is None:
        return Stage.CARD
    over = Stage.SET if current.kept > 0 else Stage.OVER
    return Stage.UNKNOWN if current.status is Status.PENDING else over


# A far lesson, of which no hold is asked yet.
_SAVING = {CardState.WANTED: Stage.UNKNOWN, CardState.SAVED: Stage.SET}


def question(books: Books) -> Question | None:
    """What the bank wants the student to confirm, if anything."""
    purchase, current = books.purchase, books.current
    if current is None or purchase.owed == 0:
        return None
    for payment in reversed(books.payments):
        ours = payment.id == current.id or payment.renews == current.id
        asks = payment.intent_status == "requires_action" and payment.payment_status == "pending"
        if ours and asks and payment.stripe_intent_id:
            renews = payment.id != current.id
            return Question("renewal" if renews else "payment", payment.stripe_intent_id)
    if purchase.card_state == CardState.NEEDS_CUSTOMER and purchase.setup_intent_id:
        return Question("card", purchase.setup_intent_id)
    return None


def _renewal_failed(books: Books) -> bool:
    """A new hold is wanted in the place of the present one, and the card alone does not do it."""
    current = books.current_facts
    if current is None or not checks.to_be_renewed(books.purchase_facts, current):
        return False
    ended = (Status.FAILED, Status.RELEASED)
    tried = any(one.renews == current.id and one.status in ended for one in books.payment_facts)
    return tried or books.purchase.attempts_refused > 0


async def pay(till: Till, payment_method: str | None, key: str) -> None:
    """One attempt with this card, the saved one for None; how it went is in the rows.

    The same key is the same attempt. Where nothing is to be paid (any more) nothing is done. Raises
    TooManyCards.
    """
    purchase_id = till.books.purchase.id
    if await _tried(purchase_id) >= MOST_ATTEMPTS:
        raise TooManyCards
    actor = Actor(till.student.name, "student")
    try:
        await paying.pay(till.booking.id, actor, payment_method, key)
    except (NotAllowed, Busy, Mismatch) as error:
        # The page that follows shows what stood in the way.
        log.info("pay_link.nothing_done", purchase=purchase_id, why=type(error).__name__)


async def _tried(purchase_id: int) -> int:
    """How many cards the student has tried of late, to pay with or only to be saved."""
    since = clock.now() - ATTEMPTS_WITHIN
    paid = (Operation.purchase == purchase_id) & (Operation.cause == "student")
    saved = (PaymentEvent.purchase == purchase_id) & PaymentEvent.kind.is_in(list(CARD_TOLD))
    tried: int = await Operation.count().where(paid & (Operation.asked_at > since))
    return tried + int(await PaymentEvent.count().where(saved & (PaymentEvent.recorded_at > since)))


async def ask(till: Till) -> None:
    """Ask Stripe how an unfinished attempt stands, unless that was asked a moment ago."""
    purchase_id, operation = till.books.purchase.id, till.books.operation
    sent = operation.last_sent_at if operation else None
    if sent is None or not timedelta() <= clock.now() - sent < ASK_EVERY:
        await settling.ask_again(purchase_id)
    await settling.read_waiting(purchase_id)
