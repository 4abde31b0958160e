"""How far batches have come: read from the rows, and from the operations where those know more."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from dashboard import money
from dashboard.batches import record
from dashboard.batches.tables import OPEN, RETRIED, Batch, BatchRow, RowState


@dataclass(frozen=True, slots=True)
class Line:
    """One hold of a batch; a declined one that was found at Stripe later counts as done."""

    row: BatchRow
    state: RowState


@dataclass(frozen=True, slots=True)
class Progress:
    """A batch with all its lines, in the order in which they were reviewed."""

    batch: Batch
    lines: list[Line] = field(default_factory=list)

    def count(self, *states: RowState) -> int:
        return sum(line.state in states for line in self.lines)

    def worth(self, *states: RowState) -> dict[str, int]:
        """The amounts of the lines in these states, per currency."""
        rows = [line.row for line in self.lines if line.state in states]
        return money.sums((row.currency, row.amount) for row in rows)

    @property
    def open(self) -> int:
        return self.count(*OPEN)

    @property
    def retried(self) -> int:
        """How many another try may help."""
        return self.count(*RETRIED)


async def progress(batch_id: int) -> Progress | None:
    """One batch; None if there is none."""
    found = await _with_lines(await Batch.objects().where(Batch.id == batch_id))
    return found[0] if found else None


async def newest(limit: int, before: int = 0) -> list[Progress]:
    """The newest batches, or those before one of them."""
    query = Batch.objects().order_by(Batch.id, ascending=False).limit(limit)
    return await _with_lines(await (query.where(Batch.id < before) if before else query))


async def _with_lines(batches: Sequence[Batch]) -> list[Progress]:
    if not batches:
        return []
    rows = (
        await BatchRow.objects()
        .where(BatchRow.batch.is_in([batch.id for batch in batches]))
        .order_by(BatchRow.id)
    )
    done = await record.believed(rows)
    lines: dict[int, list[Line]] = {}
    for row in rows:
        state = RowState.DONE if row.operation in done else RowState(row.state)
        lines.setdefault(row.batch, []).append(Line(row, state))
    return [Progress(batch, lines.get(batch.id, [])) for batch in batches]
