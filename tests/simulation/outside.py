"""What happens outside our walls: the post brings events, banks and the dashboard move money."""

import json
from functools import partial
from typing import Any

from dashboard.payments import inbox
from jobs import sweeps
from tests.simulation.play import DAY, HOUR, MINUTE, Play

Json = dict[str, Any]
# Events of what only Stripe knows of may come late, but must come: Stripe tries for three days,
# and whoever is away for longer has to look them up.
NEWS = ("charge.dispute", "refund.", "charge.refund", "charge.updated")


class Outside:
    """The post office, the customer's bank, and somebody at Stripe's own dashboard."""

    def __init__(self, play: Play, losing: float, slow: float) -> None:
        self.play, self.wire, self.chance = play, play.wire, play.chance
        self._losing, self._slow = losing, slow
        self._seen = 0
        # When what is under way will arrive.
        self.arrivals: list[float] = []

    def collect(self) -> None:
        """Send off what Stripe has told since the last look."""
        rows = self.wire.sandbox.store.run(
            "SELECT id, body FROM deliveries WHERE id > ? ORDER BY id", self._seen
        ).fetchall()
        for row in rows:
            self._seen = row["id"]
            event = json.loads(row["body"])
            if event["type"].startswith(inbox.PREFIXES):
                self._send_off(event)

    def _send_off(self, event: Json) -> None:
        chance = self.chance
        lost = chance.random() < self._losing
        if lost and not event["type"].startswith(NEWS):
            self.play.tell(f"the post loses {event['type']}")
            return
        for copy in range(1 if chance.random() > 0.1 else chance.choice((2, 5))):
            slow = chance.random() < self._slow or copy
            wait = chance.choice((MINUTE, HOUR, DAY, 3 * DAY)) if slow else 0.3
            self._arrives_at(self.play.loop.now + chance.random() * wait, event)

    def _arrives_at(self, at: float, event: Json) -> None:
        self.arrivals.append(at)
        self.play.loop.call_at(at, self._arrive, at, event)

    def _arrive(self, at: float, event: Json) -> None:
        # A timer of the harness: what it starts is a process of its own.
        work = self.play.act(f"webhook {event['type']}", received(event))
        task = self.play.loop.create_task(work)
        task.add_done_callback(partial(self._landed, at, event))

    def _landed(self, at: float, event: Json, _task: Any) -> None:
        self.arrivals.remove(at)
        kept = self.play.rows(f"SELECT 1 FROM stripe_event WHERE id = '{event['id']}'")  # noqa: S608
        if not kept:
            # It was not answered with 200: Stripe tries again.
            self._arrives_at(self.play.loop.now + MINUTE, event)

    # At Stripe.

    def authenticate(self, result: str) -> None:
        """The student answers the bank's question, for every intent that asks one."""
        asking = [("intents", one) for one in self.wire.objects("payment_intent")]
        asking += [("setup_intents", one) for one in self.wire.objects("setup_intent")]
        for kind, intent in asking:
            if intent["status"] in ("requires_action", "processing"):
                where = f"/_sandbox/{kind}/{intent['id']}/authenticate"
                self.wire.ask("POST", where, result=result)
                self.play.tell(f"the bank: {intent['id'][-4:]} -> {result}")
        self.collect()

    def refund(self, amount: int) -> None:
        """Somebody refunds in Stripe's own dashboard."""
        taken = [i for i in self.wire.objects("payment_intent") if i["status"] == "succeeded"]
        for intent in taken[:1]:
            said = self.wire.ask("POST", "/v1/refunds", payment_intent=intent["id"], amount=amount)
            self.play.tell(f"the dashboard refunds {amount} -> {said.get('id', 'refused')}")
        self.collect()

    def dispute(self, inquiry: bool) -> None:
        """The cardholder's bank disputes a charge."""
        for charge in self.wire.objects("charge"):
            if charge["captured"] and not charge["disputed"]:
                self.wire.ask("POST", f"/_sandbox/charges/{charge['id']}/dispute", inquiry=inquiry)
                self.play.tell("the bank disputes" + (" (an inquiry)" if inquiry else ""))
                break
        self.collect()

    def close_disputes(self) -> None:
        """Every dispute comes to its end."""
        for dispute in self.wire.objects("dispute"):
            if dispute["status"] not in ("won", "lost", "warning_closed"):
                asked = dispute["status"].startswith("warning_")
                end = "warning_closed" if asked else self.chance.choice(("won", "lost"))
                self.wire.ask("POST", f"/_sandbox/disputes/{dispute['id']}", status=end)
                self.play.tell(f"the dispute is {end}")
        self.collect()


async def received(event: Json) -> None:
    """What the webhook's address does, and the nudge that follows."""
    notice = inbox.notice(event)
    await inbox.keep(notice)
    await sweeps.handle_one(notice.id)
