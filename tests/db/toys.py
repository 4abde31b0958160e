"""Tables that stand for the product's in the tests of the database itself."""

from piccolo.columns import Integer, Varchar
from piccolo.table import Table, create_db_tables, drop_db_tables

from dashboard.columns import Instant, Minor, OneOf, Reference, SerialId


class Box(Table, tablename="chest"):
    id = SerialId()
    name = Varchar(length=40, unique=True)


class Toy(Table, tablename="toy"):
    id = SerialId()
    box = Reference(Box, null=True, default=None, index=True)
    tally = Integer(default=0)
    price = Minor(default=100, check="price >= 0")
    paid = Minor(default=0, check="paid >= 0 AND paid <= price")
    colour = OneOf(("red", "blue's"), default="red")
    made_at = Instant(null=True)


TOYS = (Box, Toy)


async def create() -> None:
    await create_db_tables(*TOYS)


async def drop() -> None:
    await drop_db_tables(*TOYS)
