"""The few ways in which a movement of money can fail to happen, each with one meaning."""

from typing import Any

from dashboard.payments.tables import Operation
from dashboard.snapshots import Refusal


class NotAllowed(Exception):
    """Our own rules refuse it; nothing was sent. `code` names the sentence, `values` fill it."""

    def __init__(self, code: str, **values: Any) -> None:
        super().__init__(code)
        self.code = code
        self.values = values


class Busy(Exception):
    """Another operation of the same purchase is unfinished. Nothing was sent."""

    def __init__(self, operation: Operation) -> None:
        super().__init__(f"operation {operation.id} is under way")
        self.operation = operation


class Mismatch(Exception):
    """An operation id that was already used for something else. Nothing was sent."""


class Declined(Exception):
    """Stripe, or the customer's bank, said no. Nothing was moved."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.code)
        self.refusal = refusal


class OutcomeUnknown(Exception):
    """Stripe was asked and has not answered clearly. It must not be asked under a new key."""

    def __init__(self, operation_id: str) -> None:
        super().__init__(operation_id)
        self.operation_id = operation_id
