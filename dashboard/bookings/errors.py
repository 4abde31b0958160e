"""Why a booking could not be made or changed. Nothing was stored when one of these is raised."""


class BadOrder(ValueError):
    """An order that can't be taken; `faults` are pairs of a field and what is wrong with it."""

    def __init__(self, *faults: tuple[str, str]) -> None:
        super().__init__("; ".join(f"{field}: {message}" for field, message in faults))
        self.faults = faults


class Conflict(Exception):
    """What was asked contradicts how things stand. `booking_id` is the booking in the way."""

    def __init__(self, message: str, booking_id: int | None = None) -> None:
        super().__init__(message)
        self.booking_id = booking_id


class NoSuchBooking(LookupError):
    """There is no booking of that number."""


class KeyReused(Exception):
    """The Idempotency-Key was used for another request before."""
