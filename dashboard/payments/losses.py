"""Money that a dispute took for good: finance's word that nobody is to be asked for it."""

from dashboard import clock, db
from dashboard.payments import queries
from dashboard.payments.actors import Actor
from dashboard.payments.errors import NotAllowed
from dashboard.payments.events import write_word
from dashboard.payments.settle import Decision, decide
from dashboard.payments.turning import touch

ACCEPTED = "loss_accepted"


async def accept(purchase_id: int, reason: str, by: Actor) -> int:
    """Owe no more than is kept, since a lost dispute took the rest; answers what is owed now.

    In minor units. Raises NotAllowed: no_loss, where no dispute was lost or nothing is missing.
    """
    async with db.transaction():
        await touch(purchase_id)
        books = await queries.books(purchase_id)
        facts = books.current_facts if books else None
        if books is None or books.current is None or facts is None or not facts.lost:
            raise NotAllowed("no_loss")
        if books.step(clock.now()).why != "underpaid":
            raise NotAllowed("no_loss")
        owed = await decide(purchase_id, Decision(facts.refundable, reason, by.name))
        await write_word(books.current, ACCEPTED, reason, by, amount=facts.lost)
        return owed
