"""What a look at a payment, or at an intent that no payment holds, has come to."""

from collections.abc import Sequence
from dataclasses import dataclass

from dashboard.payments.reconcile.causes import SENTENCES, Kind
from dashboard.payments.reconcile.comparison import Field


@dataclass(frozen=True, slots=True)
class Finding:
    """One difference: of a payment, or of an intent that none of ours holds."""

    kind: Kind
    fields: Sequence[Field]
    payment: int | None = None
    intent_id: str | None = None
    operation: str | None = None
    currency: str = ""
    converged: bool = False
    hint: str = ""

    @property
    def key(self) -> str:
        """The same in every run, as long as it is the same difference."""
        return f"{self.intent_id or f'payment:{self.payment}'}:{self.kind}"

    @property
    def cause(self) -> str:
        return f"{SENTENCES[self.kind]} {self.hint}".strip()


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of a look. `under_way`: it moves at this moment, so that nothing can be said."""

    findings: Sequence[Finding] = ()
    under_way: bool = False
