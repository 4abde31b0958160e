"""The addresses under which students pay: nobody guesses one, and no other key makes one."""

import pytest

from dashboard import settings
from dashboard.bookings import pay_links
from dashboard.settings import Settings


@pytest.fixture(autouse=True)
def shop(monkeypatch: pytest.MonkeyPatch) -> None:
    """A shop with an address and a key of its own."""
    chosen = Settings(base_url="https://lessons.test/", secret_key="a key of its own, long enough")
    monkeypatch.setattr(settings, "_current", chosen)


def test_an_address_leads_back_to_its_booking():
    address = pay_links.address(41)
    assert address.startswith("https://lessons.test/pay/41-")
    assert pay_links.read(address.rpartition("/")[2]) == 41


def test_an_address_says_nothing_of_a_person_and_stays_the_same():
    assert pay_links.token(41) == pay_links.token(41)
    number, _, proof = pay_links.token(41).partition("-")
    assert number == "41" and len(proof) == 32
    assert set(proof) <= set("0123456789abcdef")


@pytest.mark.parametrize(
    "change",
    [
        lambda token: "",
        lambda token: "41",
        lambda token: "41-",
        lambda token: "-" + token,
        lambda token: "42-" + token.partition("-")[2],
        lambda token: "041-" + token.partition("-")[2],
        lambda token: "٤١-" + token.partition("-")[2],
        lambda token: token[:-1],
        lambda token: token + "0",
        lambda token: token.upper(),
        lambda token: token[:-1] + ("0" if token[-1] != "0" else "1"),
        lambda token: "9" * 40 + "-" + token.partition("-")[2],
        lambda token: "41-\udcff\x00",
    ],
)
def test_a_token_that_we_did_not_make_opens_nothing(change):
    assert pay_links.read(change(pay_links.token(41))) is None


def test_a_token_of_another_key_opens_nothing(monkeypatch: pytest.MonkeyPatch):
    token = pay_links.token(41)
    other = Settings(secret_key="another key, of another shop")
    monkeypatch.setattr(settings, "_current", other)
    assert pay_links.read(token) is None
