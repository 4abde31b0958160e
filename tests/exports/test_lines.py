"""Lines of CSV: numbers stay numbers, texts stay texts, and instants say when."""

import csv
import io
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.exports import lines
from dashboard.exports.lines import Column
from dashboard.exports.sheets import Sheet, Wanted
from dashboard.money import Money

NEW_YORK = ZoneInfo("America/New_York")
AT = datetime(2026, 11, 24, 7, 0, 5, 123456, tzinfo=UTC)


def line(kind: Any, value: Any) -> str:
    return lines.body([Column("x", kind)], [[value]], NEW_YORK).removesuffix("\r\n")


@pytest.mark.parametrize(
    ("amount", "currency", "said"),
    [
        (9600, "usd", "9600,96.00"),
        (-4000, "usd", "-4000,-40.00"),
        (9600, "jpy", "9600,9600"),
        (9600, "kwd", "9600,9.600"),
        (0, "eur", "0,0.00"),
        (10**17 + 1, "usd", "100000000000000001,1000000000000000.01"),
    ],
)
def test_an_amount_is_told_in_minor_and_in_major_units_exactly(
    amount: int, currency: str, said: str
):
    assert line("money", Money(amount, currency)) == said


def test_an_instant_is_told_in_utc_and_in_the_reporting_zone():
    assert line("instant", AT) == "2026-11-24T07:00:05Z,2026-11-24T02:00:05-05:00"
    there = AT.astimezone(timezone(timedelta(hours=9)))
    assert line("instant", there) == line("instant", AT)


def test_nothing_is_told_as_nothing():
    assert line("money", None) == "," and line("instant", None) == ","
    assert lines.body([Column("a"), Column("b", "number")], [[None, None]], NEW_YORK) == ",\r\n"


@pytest.mark.parametrize("first", "=+-@\t\r\n＝＋－＠")
def test_a_text_is_never_a_formula(first: str):
    (cell,) = next(csv.reader(io.StringIO(line("text", f"{first}1+1"), newline="")))
    assert cell == f"'{first}1+1"


def test_a_number_stays_a_number_though_it_is_below_nothing():
    assert line("number", -3) == "-3"


def test_what_does_not_fit_its_column_is_an_error_and_no_wrong_cell():
    for kind, value in (("number", "3"), ("money", 9600), ("instant", "now"), ("text", 1.5)):
        with pytest.raises(TypeError):
            line(kind, value)


@given(st.lists(st.text(st.characters(codec="utf-8")), min_size=2, max_size=2))
def test_whatever_people_type_comes_back_as_one_cell(typed: list[str]):
    text = lines.body([Column("a"), Column("b")], [typed], NEW_YORK)
    (row,) = csv.reader(io.StringIO(text, newline=""))
    assert row == [lines.safe(one) for one in typed]


def wanted(**filters: str) -> Wanted:
    none: Any = None
    return Wanted(Sheet("holds", "Holds", "/holds", (), none, none, none), filters, AT)


def test_a_file_is_named_after_its_table_its_filters_and_its_moment():
    assert wanted().file_name == "holdfast-holds-20261124T070005Z.csv"
    name = wanted(view="open", q='../../Zoë "x"; rm\r\n').file_name
    assert name == "holdfast-holds-view-open-q-zo-x-rm-20261124T070005Z.csv"
    assert len(wanted(q="x" * 500).file_name) < 180


def test_the_line_above_the_columns_can_be_skipped_whatever_was_searched_for():
    text = lines.remark(wanted(view="all", q='a,"b"\r\n=1').remark)
    assert text == (
        "# Holdfast: holds?view=all&q=a%2C%22b%22%0D%0A%3D1 as of 2026-11-24T07:00:05Z\r\n"
    )
