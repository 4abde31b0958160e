"""What SMTP_URL, MAIL_FROM and RATING_URL may say, and what stops the start with one line."""

import pytest

from dashboard.settings import SettingsError, from_env
from dashboard.smtp_address import SmtpAddress, parse


@pytest.mark.parametrize(
    ("url", "meant"),
    [
        ("smtp://mail.test", SmtpAddress("mail.test", 587, "offered")),
        ("smtp://mail.test:25/", SmtpAddress("mail.test", 25, "offered")),
        ("smtp+starttls://mail.test", SmtpAddress("mail.test", 587, "required")),
        ("smtps://mail.test", SmtpAddress("mail.test", 465, "implicit")),
        (
            "smtps://ana%40x.test:p%3Aw%2F%40@mail.test:4650",
            SmtpAddress("mail.test", 4650, "implicit", "ana@x.test", "p:w/@"),
        ),
        ("smtp://[::1]:2525", SmtpAddress("::1", 2525, "offered")),
    ],
)
def test_an_address_says_server_security_and_who_we_are(url: str, meant: SmtpAddress):
    assert parse(url) == meant


@pytest.mark.parametrize(
    "url",
    [
        "mail.test:25",
        "http://mail.test",
        "smtp://",
        "smtp://mail.test:99999",
        "smtp://mail.test:port",
        "smtp://ana:se/cret@mail.test",
        "smtp://mail.test/folder",
        "smtp://mail.test?tls=1",
    ],
)
def test_what_names_no_server_stops_the_start_and_keeps_the_password(url: str):
    with pytest.raises(SettingsError) as told:
        from_env({"SMTP_URL": url})
    assert "SMTP_URL" in str(told.value) and "cret" not in str(told.value)


def test_the_password_is_in_no_print():
    assert "secret" not in repr(parse("smtp://ana:secret@mail.test"))


@pytest.mark.parametrize("sender", ["nobody", "Lessons <>", "Lessons <a@b.test>\nBcc: x@y.test"])
def test_a_sender_that_is_none_stops_the_start(sender: str):
    with pytest.raises(SettingsError, match="MAIL_FROM"):
        from_env({"MAIL_FROM": sender})


@pytest.mark.parametrize("url", ["javascript:alert(1)", "shop.test/rate"])
def test_a_rating_address_is_a_web_address(url: str):
    with pytest.raises(SettingsError, match="RATING_URL"):
        from_env({"RATING_URL": url})
    assert from_env({"RATING_URL": "https://shop.test/{booking}"}).rating_url
