"""When the recurring work last ran, so that a page can say how fresh it is."""

from piccolo.columns import Integer, Varchar
from piccolo.table import Table

from dashboard.columns import Instant, SerialId


class Heartbeat(Table, tablename="heartbeat"):
    """One row per sweep."""

    id = SerialId()
    name = Varchar(length=80, unique=True)
    last_started_at = Instant()
    last_finished_at = Instant(null=True)
    last_error = Varchar(length=500, default="")
    # Since when every run has ended with an error; null after one that did not.
    failing_since = Instant(null=True)
    handled = Integer(default=0)
