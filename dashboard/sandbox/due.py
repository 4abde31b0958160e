"""What falls due on the movable clock: expiries, settlements, refunds that are decided late."""

from dashboard.sandbox import charging, intents, refunds
from dashboard.sandbox.turn import Turn


def apply(turn: Turn) -> int:
    """Do everything that is due, in the order of its instants; answers how much that was.

    Each thing happens at its own instant, not at the instant to which the clock was moved, so that
    a jump over a month leaves the same dates behind as a month of waiting.
    """
    done = 0
    while True:
        row = turn.store.run(
            "SELECT seq, at, action, target FROM due WHERE at <= ? ORDER BY at, seq LIMIT 1",
            turn.now,
        ).fetchone()
        if row is None:
            return done
        turn.store.run("DELETE FROM due WHERE seq = ?", row["seq"])
        perform(turn.at(row["at"]), row["action"], row["target"])
        done += 1


def perform(turn: Turn, action: str, target: str) -> None:
    """Do what was arranged by `later`; the turn stands at the instant when it falls due."""
    _ACTIONS[action](turn, target)


def _expire(turn: Turn, name: str) -> None:
    """The authorization ends by itself. Whatever was captured or released is left alone."""
    intent = turn.get("payment_intent", name)
    if intent["status"] != "requires_capture":
        return
    turn.emit("charge.expired", turn.get("charge", intent["latest_charge"]))
    intents.close(turn, intent, "expired")


def _settle(turn: Turn, name: str) -> None:
    """An automatic capture gets its balance transaction."""
    charge = turn.get("charge", name)
    charging.book(turn.at(charge["created"]), charge)
    turn.store.save(charge)
    turn.emit("charge.updated", charge, {"balance_transaction": None})


_ACTIONS = {
    "expire": _expire,
    "settle": _settle,
    "refund_succeed": refunds.succeed,
    "refund_fail": refunds.fail,
}
