"""The log of the requests that may have changed something, for tests and for the playground."""

from dataclasses import astuple, dataclass

from dashboard.sandbox.store import Store


@dataclass(frozen=True, slots=True)
class LogLine:
    """What the log keeps of a request that may change something, in the order of the columns."""

    method: str
    path: str
    idempotency_key: str | None
    status: int | None
    executed: bool
    replayed: bool
    fault: str | None
    at: float


def log(store: Store, line: LogLine) -> None:
    store.run(
        "INSERT INTO requests"
        " (method, path, idempotency_key, status, executed, replayed, fault, at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        *astuple(line),
    )
