"""How a table is presented in the administration, and under which heading."""

from dataclasses import dataclass

from piccolo.table import Table


@dataclass(frozen=True, slots=True)
class Shown:
    """One table: under which heading, what of it a list shows, and in which order.

    `editable` names what may be typed; a table without such columns is only read.
    """

    table: type[Table]
    group: str
    columns: str
    filters: str
    order: str = "-id"
    editable: str = ""

    @property
    def name(self) -> str:
        """As it is called in addresses."""
        return str(self.table._meta.tablename)

    @property
    def fields(self) -> tuple[str, ...]:
        """What may be typed."""
        return tuple(self.editable.split())


# The headings are sorted by name: people first, then the story, then what keeps it running.
CATALOGUE, FIGURES, LESSONS, MONEY, STORY, DOORS, WORK = (
    "Catalogue and people",
    "Figures (read only)",
    "Lessons (read only)",
    "Money (read only)",
    "Records (read only)",
    "Sign-ins and tokens (read only)",
    "Work (read only)",
)
