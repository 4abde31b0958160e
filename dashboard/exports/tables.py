"""Exports that the worker makes: rows are its queue, and the files stand outside the database."""

from enum import StrEnum

from piccolo.columns import BigInt, Integer, Text, Varchar
from piccolo.table import Table

from dashboard.columns import Instant, OneOf, SerialId


class State(StrEnum):
    """How far an export has come. The file of one that is `ready` is whole."""

    WAITING = "waiting"
    READY = "ready"
    FAILED = "failed"
    REMOVED = "removed"


class Export(Table, tablename="export"):
    """One table that somebody asked for, under its filters, as of an instant."""

    id = SerialId()
    sheet = Varchar(length=40)
    # The filters as an address has them.
    query = Text(default="")
    asked_by = Varchar(length=255)
    asked_by_staff = BigInt(index=True)
    # Filters that speak of "now" mean this instant, however late the worker comes.
    asked_at = Instant()
    state = OneOf(State, default=State.WAITING)
    # Who asked and what for, until it is made; unique, so that two clicks make one file.
    open_for = Varchar(length=64, null=True, default=None, unique=True)
    # When a worker may take it up: at once, or once the trouble has had time to pass.
    due_at = Instant(null=True, index=True)
    lease = Varchar(length=36, null=True, default=None)
    lease_until = Instant(null=True)
    tries = Integer(default=0)
    error = Varchar(length=500, default="")
    # The key of the last row that is in the file, how many rows there are, of how many; bytes.
    cursor = Varchar(length=255, default="")
    rows = Integer(default=0)
    rows_expected = Integer(default=0)
    size = BigInt(default=0)
    # The file's name in VAR_DIR/exports, which nobody can guess.
    file = Varchar(length=80, default="")
    # The name that a browser saves it under.
    file_name = Varchar(length=255)
    ready_at = Instant(null=True)
    remove_at = Instant(null=True, index=True)
