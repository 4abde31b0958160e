"""What the pages would have shown meanwhile: each view of a payment is one that Stripe had, and no
older one than was shown before.

At rest the books are right also where they went back for a moment, for the next post heals them.
Whoever looked in between was told what is not so, and may have acted on it.
"""

from typing import Any

from tests.simulation.accounts import Account, accounts
from tests.simulation.play import Play

# What Stripe keeps in several objects is read by several requests, and may change between them.
View = dict[str, Any]
UNTOLD = {"hold": ("pending", 0, 0), "refunds": (0, 0)}
SHOWN = (
    "SELECT id, stripe_intent_id, payment_status, authorized_amount, captured_amount,"
    " refunded_amount, refund_pending_amount FROM payment WHERE stripe_intent_id IS NOT NULL"
)


class Views:
    """Both sides of every payment since the schedule began."""

    def __init__(self, play: Play) -> None:
        self.play = play
        self._told = 0
        self._stripes: dict[str, dict[str, list[Any]]] = {}
        # Up to where Stripe's story has been shown, by intent and part.
        self._shown: dict[tuple[str, str], int] = {}
        self._last: list[Any] = []

    def note_stripe(self) -> None:
        """Keep what Stripe has made of its objects, if anything has changed there."""
        store = self.play.wire.sandbox.store
        told = store.run("SELECT max(id) AS told FROM deliveries").fetchone()["told"]
        if told == self._told:
            return
        self._told = told
        for name, account in accounts(self.play.wire).items():
            story = self._stripes.setdefault(name, {part: [view] for part, view in UNTOLD.items()})
            for part, view in _at_stripe(account).items():
                if story[part][-1] != view:
                    story[part].append(view)

    def compare(self) -> None:
        """After a commit: find what is shown now in what Stripe has had since the last look."""
        shown = self.play.rows(SHOWN)
        if shown == self._last:
            return
        self._last = shown
        for row in shown:
            name = row["stripe_intent_id"]
            for part, view in _here(row).items():
                story = self._stripes.get(name, {}).get(part, [UNTOLD[part]])
                before = self._shown.get((name, part), 0)
                later = [at for at in range(before, len(story)) if story[at] == view]
                if later:
                    self._shown[name, part] = later[0]
                    continue
                self._say(f"I5: payment {row['id']} went back from {story[before]} to {view}")

    def _say(self, wrong: str) -> None:
        if not any(said.startswith("I5") for said in self.play.errors):
            self.play.tell(wrong)
            self.play.errors.append(wrong)


def _at_stripe(account: Account) -> View:
    status = "captured" if account.status == "refunded" else account.status
    return {
        "hold": (status, account.held, account.taken),
        "refunds": (
            account.refunded("succeeded"),
            account.refunded("pending", "requires_action"),
        ),
    }


def _here(row: dict[str, Any]) -> View:
    status = "captured" if row["payment_status"] == "refunded" else row["payment_status"]
    return {
        "hold": (status, row["authorized_amount"], row["captured_amount"]),
        "refunds": (row["refunded_amount"], row["refund_pending_amount"]),
    }
