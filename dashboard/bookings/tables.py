"""Students, instructors, lessons and packages. A booking or a package points to its purchase."""

from piccolo.columns import Boolean, Integer, Varchar
from piccolo.table import Table

from dashboard.columns import Instant, Minor, OneOf, Reference, SerialId
from dashboard.payments.tables import Purchase

BOOKING_STATUSES = ("pending", "confirmed", "completed", "cancelled", "no_show")


class Student(Table, tablename="student"):
    """Who takes lessons and pays for them."""

    id = SerialId()
    name = Varchar(length=200)
    email = Varchar(length=254, unique=True)
    time_zone = Varchar(length=64, default="UTC")
    stripe_customer_id = Varchar(length=255, null=True, default=None)
    # The idempotency key under which the Customer is made at Stripe.
    customer_key = Varchar(length=36)
    created_at = Instant()


class Instructor(Table, tablename="instructor"):
    """Who teaches. `rate` is the price of an hour in minor units of `currency`."""

    id = SerialId()
    name = Varchar(length=200)
    email = Varchar(length=254, unique=True)
    subject = Varchar(length=80, default="")
    rate = Minor(check="rate > 0")
    currency = Varchar(length=3)
    time_zone = Varchar(length=64, default="UTC")
    active = Boolean(default=True)
    created_at = Instant()


class PackageOffer(Table, tablename="package_offer"):
    """A package in the catalogue: so many lessons for one price."""

    id = SerialId()
    name = Varchar(length=200)
    lessons_count = Integer(default=5)
    price = Minor(check="price > 0")
    currency = Varchar(length=3)
    active = Boolean(default=True)
    created_at = Instant()


class Package(Table, tablename="package"):
    """A package that a student bought."""

    id = SerialId()
    student = Reference(Student, index=True)
    offer = Reference(PackageOffer)
    purchase = Reference(Purchase, unique=True)
    lessons_count = Integer(default=5)
    created_at = Instant()


class Booking(Table, tablename="booking"):
    """One lesson at one time. A lesson of a package shares the package's purchase."""

    id = SerialId()
    student = Reference(Student, index=True)
    instructor = Reference(Instructor, index=True)
    purchase = Reference(Purchase, index=True)
    package = Reference(Package, null=True, default=None, index=True)
    status = OneOf(BOOKING_STATUSES, default="pending", index=True)
    starts_at = Instant(index=True)
    ends_at = Instant()
    minutes = Integer(default=60)
    # When the cancellation was received, stored once: the policy is decided by it.
    received_at = Instant(null=True)
    ended_by = Varchar(length=40, default="")
    end_reason = Varchar(length=500, default="")
    clause = Varchar(length=40, default="")
    completed_at = Instant(null=True)
    created_at = Instant()
    # Student, instructor and start while the booking is alive, else null: no double booking.
    slot = Varchar(length=80, null=True, default=None, unique=True)


class Redemption(Table, tablename="redemption"):
    """One lesson of a package, used or reserved: numbered, so that two can't take the same one."""

    id = SerialId()
    package = Reference(Package, index=True)
    number = Integer(default=1)
    booking = Reference(Booking, null=True, default=None, index=True)
    kind = OneOf(("lesson", "refund"), default="lesson")
    # `{package}:{number}` while it stands, else null, so that a freed lesson can be taken again.
    seat = Varchar(length=40, null=True, default=None, unique=True)
    created_at = Instant()
    freed_at = Instant(null=True)


class IdempotencyKey(Table, tablename="idempotency_key"):
    """An `Idempotency-Key` that a caller has used, committed together with what it made."""

    id = SerialId()
    # Route, caller and key, hashed: keys of two callers can't meet.
    scope = Varchar(length=64, unique=True)
    body_hash = Varchar(length=64)
    booking = Reference(Booking)
    created_at = Instant(index=True)
