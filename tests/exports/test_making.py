"""Large exports: made by the worker, in pages, whole or not at all, whoever dies meanwhile."""

import csv
import io
import shutil
from datetime import timedelta
from typing import Any

import pytest

from dashboard import clock
from dashboard.exports import catalog, files, holds, making, shelf
from dashboard.exports.sheets import Filters, Page
from dashboard.exports.tables import Export, State
from dashboard.payments.actors import Actor
from jobs import exports
from tests.world import World

FAY = Actor("Fay", "staff", 7)
HOUR = timedelta(hours=1)


class Died(BaseException):
    """As when the worker is killed: nothing is caught and nothing is tidied up."""


@pytest.fixture(autouse=True)
def small(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two rows are a page, and three are too many to wait for. Nothing is on the shelf."""
    shutil.rmtree(files.folder())
    monkeypatch.setattr(holds, "AT_ONCE", 2)
    monkeypatch.setattr(making, "MOST_AT_ONCE", 3)


async def booked(world: World, count: int) -> None:
    for number in range(count):
        await world.book(starts_in=(30 + number) * HOUR)


async def ask(query: str = "view=all") -> Export:
    return await making.ask(catalog.wanted("holds", query, clock.now()), FAY)


async def fresh(row: Export) -> Export:
    found = await shelf.one(row.id)
    assert found is not None
    return found


async def told(row: Export) -> list[list[str]]:
    """The rows of the finished file, without the two lines above them."""
    path = await shelf.file_of(await fresh(row))
    assert path is not None
    return list(csv.reader(io.StringIO(path.read_text("utf-8-sig"), newline="")))[2:]


def dying(monkeypatch: pytest.MonkeyPatch, at: int, error: BaseException) -> list[str]:
    """The cursors of the pages that are read; the one of that number raises."""
    read: list[str] = []
    sheet = catalog.SHEETS["holds"]

    async def page(filters: Filters, instant: Any, cursor: str) -> Page:
        read.append(cursor)
        if len(read) == at:
            raise error
        return await holds._page(filters, instant, cursor)

    changed = {"holds": type(sheet)(**{**_fields(sheet), "page": page})}
    monkeypatch.setattr(catalog, "SHEETS", {**catalog.SHEETS, **changed})
    return read


def _fields(sheet: Any) -> dict[str, Any]:
    return {name: getattr(sheet, name) for name in sheet.__dataclass_fields__}


async def test_a_large_table_becomes_a_file_with_every_row_once(world: World):
    await booked(world, 5)
    asked = catalog.wanted("holds", "view=all", clock.now())
    assert await making.at_once(asked) is None
    row = await ask()
    assert await shelf.file_of(row) is None
    assert await exports.make_exports() == 1
    done = await fresh(row)
    assert (done.state, done.rows, done.rows_expected, done.open_for) == (State.READY, 5, 5, None)
    assert [line[0] for line in await told(row)] == ["1", "2", "3", "4", "5"]
    assert done.size == files.path_of(done.file).stat().st_size


async def test_a_file_by_the_worker_and_one_at_once_are_the_same(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    await booked(world, 4)
    asked = catalog.wanted("holds", "view=open", clock.now())
    row = await making.ask(asked, FAY)
    await making.make(60)
    monkeypatch.setattr(making, "MOST_AT_ONCE", 100)
    text = await making.at_once(asked)
    assert text is not None
    assert list(csv.reader(io.StringIO(text, newline="")))[2:] == await told(row)


async def test_a_killed_worker_is_followed_by_one_that_goes_on(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    await booked(world, 7)
    row = await ask()
    with monkeypatch.context() as until:
        dying(until, 3, Died())
        with pytest.raises(Died):
            await making.make(60)
    half = await fresh(row)
    assert (half.state, half.rows) == (State.WAITING, 4)
    assert await shelf.file_of(half) is None
    # What was written after the last commit must not come twice.
    files.append(half.file, "half a ro")
    assert await making.make(60) == 0, "the dead worker's lease still stands"
    await world.advance(making.LEASE)
    read = dying(monkeypatch, 99, Died())
    assert await making.make(60) == 1
    assert read[0] == half.cursor, "the pages that were done are not read again"
    assert [line[0] for line in await told(row)] == [str(number) for number in range(1, 8)]


async def test_a_lost_part_is_made_anew(world: World, monkeypatch: pytest.MonkeyPatch):
    await booked(world, 5)
    row = await ask()
    with monkeypatch.context() as until:
        dying(until, 2, Died())
        with pytest.raises(Died):
            await making.make(60)
    files.remove((await fresh(row)).file)
    await world.advance(making.LEASE)
    assert await making.make(60) == 1
    assert [line[0] for line in await told(row)] == ["1", "2", "3", "4", "5"]


async def test_a_worker_that_lost_its_lease_spoils_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    await booked(world, 5)
    row = await ask()
    sheet = catalog.SHEETS["holds"]
    overtaken: list[bool] = []

    async def page(filters: Filters, instant: Any, cursor: str) -> Page:
        if cursor and not overtaken:
            # The first one sleeps here for longer than its lease; a second one does it all.
            overtaken.append(True)
            await world.advance(making.LEASE)
            assert await making.make(60) == 1
        return await holds._page(filters, instant, cursor)

    changed = {"holds": type(sheet)(**{**_fields(sheet), "page": page})}
    monkeypatch.setattr(catalog, "SHEETS", {**catalog.SHEETS, **changed})
    assert await making.make(60) == 0
    assert overtaken and (await fresh(row)).state == State.READY
    assert [line[0] for line in await told(row)] == ["1", "2", "3", "4", "5"]


async def test_an_export_goes_on_when_its_minute_was_over(world: World):
    await booked(world, 3)
    row = await ask()
    assert await making.make(0) == 0
    claimed = await making._claim()
    assert claimed is not None
    assert await making._one(claimed, 0.0) is False
    assert (await fresh(row)).lease is None
    assert await making.make(60) == 1
    assert len(await told(row)) == 3


async def test_trouble_is_waited_out_and_a_table_that_stays_unreadable_is_given_up(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    await booked(world, 3)
    row = await ask()
    other = await ask("view=open")
    with monkeypatch.context() as until:
        dying(until, 1, OSError("No space left on device"))
        assert await making.make(60) == 1, "the export behind it is made all the same"
    waiting = await fresh(row)
    assert (waiting.state, waiting.tries) == (State.WAITING, 1)
    assert "No space left" in waiting.error
    assert len(await told(other)) == 3
    for tries in range(1, making.PATIENCE):
        await world.advance(making.FIRST_RETRY * 2**tries)
        with monkeypatch.context() as until:
            dying(until, 1, ValueError("unreadable"))
            await making.make(60)
    failed = await fresh(row)
    assert (failed.state, failed.open_for) == (State.FAILED, None)
    assert (await ask()).id != row.id, "it can be asked for again"


async def test_two_clicks_make_one_file_and_two_people_two(world: World):
    first, second = await ask(), await ask()
    assert first.id == second.id
    theirs = await making.ask(
        catalog.wanted("holds", "view=all", clock.now()), Actor("Ana", "staff", 8)
    )
    assert theirs.id != first.id


async def test_a_file_is_removed_after_a_week_and_its_row_says_so(world: World):
    await booked(world, 3)
    row = await ask()
    await making.make(60)
    path = await shelf.file_of(await fresh(row))
    assert path is not None and path.stat().st_mode & 0o077 == 0
    await world.advance(making.KEEP_FOR - HOUR)
    assert await shelf.tidy() == 0 and path.exists()
    await world.advance(HOUR)
    assert await shelf.tidy() == 1 and not path.exists()
    gone = await fresh(row)
    assert (gone.state, gone.file) == (State.REMOVED, "")
    assert await shelf.file_of(gone) is None


async def test_a_file_that_nobody_speaks_of_is_removed_when_it_is_old(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    await booked(world, 3)
    row = await ask()
    await making.make(60)
    lost, _ = files.begin("", 0)
    assert await shelf.tidy() == 0, "it may be one in the making"
    monkeypatch.setattr(shelf, "LOST_AFTER", -HOUR)
    assert await shelf.tidy() == 1
    assert not files.path_of(lost).exists()
    assert await shelf.file_of(await fresh(row)) is not None


@pytest.mark.parametrize("name", ["", "..", "../huey.sqlite", "a" * 47, "/etc/passwd", "A" * 48])
def test_no_name_leads_out_of_the_folder(name: str):
    with pytest.raises(ValueError, match="no export"):
        files.path_of(name)
