"""How a table is presented in the administration, and under which heading."""

from dataclasses import dataclass

from piccolo.columns.base import Column
from piccolo.table import Table
from piccolo_admin.endpoints import TableConfig
from piccolo_api.crud.endpoints import OrderBy


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

    @property
    def config(self) -> TableConfig:
        """The same as piccolo-admin takes it."""
        visible = self._named(self.columns)
        order = self.order.removeprefix("-")
        return TableConfig(
            self.table,
            visible_columns=visible,
            visible_filters=self._named(self.filters),
            link_column=visible[0],
            menu_group=self.group,
            order_by=[OrderBy(self._named(order)[0], ascending=order == self.order)],
        )

    def _named(self, names: str) -> list[Column]:
        return [self.table._meta.get_column_by_name(name) for name in names.split()]


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
