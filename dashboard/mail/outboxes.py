"""Where e-mails go: a mail server, or files. These block: they are called in a thread."""

import contextlib
import os
import smtplib
import ssl
from pathlib import Path
from typing import Protocol

from dashboard import smtp_address
from dashboard.mail.parcels import Parcel, Refused
from dashboard.settings import LOOPBACK, Settings
from dashboard.smtp_address import SmtpAddress

# For each step of the conversation; a server that is silent for longer is taken for gone.
PATIENCE = 20.0
PERMANENT = 500


class NotNow(Exception):
    """This message was not taken, but may be later."""


class Away(Exception):
    """The server takes no message of ours at present, whatever is in it."""


class Outbox(Protocol):
    """Takes e-mails one by one. Raises Refused, NotNow or Away where it does not."""

    def open(self) -> None: ...

    def send(self, parcel: Parcel) -> None: ...

    def close(self) -> None: ...


def outbox(settings: Settings) -> Outbox:
    """The mail server of SMTP_URL; without one, a folder of files."""
    if settings.smtp_url:
        return Server(smtp_address.parse(settings.smtp_url))
    return Folder(settings.var_dir / "mail")


class Folder:
    """An e-mail a file, there as a whole or not at all; one that is sent again replaces itself."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def open(self) -> None:
        """Make the folder."""
        self._path.mkdir(parents=True, exist_ok=True)

    def send(self, parcel: Parcel) -> None:
        """Write the file; NotNow when the disk does not take it."""
        fresh = self._path / f".{parcel.name}.{os.getpid()}"
        try:
            with fresh.open("wb") as file:
                file.write(parcel.data)
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(self._path / parcel.name)
        except OSError as error:
            raise NotNow(f"{type(error).__name__}: {error}") from error

    def close(self) -> None:
        """Nothing is held open."""


class Server:
    """A mail server, over one connection for as long as it lasts."""

    def __init__(self, address: SmtpAddress) -> None:
        self._address = address
        self._smtp: smtplib.SMTP | None = None

    def open(self) -> None:
        """Connect, unless a connection stands; Away when the server can't be used."""
        if self._smtp is not None and self._answers(self._smtp):
            return
        self.close()
        try:
            self._smtp = self._connect()
        except (OSError, smtplib.SMTPException) as error:
            raise Away(_said(error)) from error

    def _connect(self) -> smtplib.SMTP:
        address = self._address
        if address.security == "implicit":
            smtp: smtplib.SMTP = smtplib.SMTP_SSL(
                address.host, address.port, timeout=PATIENCE, context=ssl.create_default_context()
            )
        else:
            smtp = smtplib.SMTP(address.host, address.port, timeout=PATIENCE)
        try:
            self._introduce(smtp)
        except BaseException:
            smtp.close()
            raise
        return smtp

    def _introduce(self, smtp: smtplib.SMTP) -> None:
        """Say hello, speak TLS as agreed, sign in."""
        address = self._address
        smtp.ehlo_or_helo_if_needed()
        secured = address.security == "implicit"
        if not secured and (address.security == "required" or smtp.has_extn("starttls")):
            smtp.starttls(context=ssl.create_default_context())
            smtp.ehlo()
            secured = True
        if not address.user:
            return
        if not secured and address.host not in LOOPBACK:
            raise smtplib.SMTPException("the server offers no TLS: the password stays with us")
        smtp.login(address.user, address.password)

    def _answers(self, smtp: smtplib.SMTP) -> bool:
        """Whether the connection still stands: servers hang up after some messages, or minutes."""
        try:
            return smtp.noop()[0] == 250
        except (OSError, smtplib.SMTPException):
            return False

    def send(self, parcel: Parcel) -> None:
        """Hand one message over. If the answer to its last dot is lost, it may come twice."""
        self.open()
        assert self._smtp is not None
        try:
            self._smtp.sendmail(parcel.sender, [parcel.recipient], parcel.data)
        except smtplib.SMTPRecipientsRefused as error:
            code, said = error.recipients[parcel.recipient]
            raise _not_taken(code, said) from error
        except smtplib.SMTPSenderRefused as error:
            raise Away(_said(error)) from error
        except smtplib.SMTPDataError as error:
            raise _not_taken(error.smtp_code, error.smtp_error) from error
        except (OSError, smtplib.SMTPException) as error:
            self._drop()
            raise NotNow(_said(error)) from error

    def close(self) -> None:
        """Say goodbye and hang up."""
        if self._smtp is not None:
            with contextlib.suppress(OSError, smtplib.SMTPException):
                self._smtp.quit()
        self._drop()

    def _drop(self) -> None:
        if self._smtp is not None:
            self._smtp.close()
        self._smtp = None


def _not_taken(code: int, said: bytes | str) -> Refused | NotNow:
    text = said.decode(errors="replace") if isinstance(said, bytes) else said
    kind = Refused if code >= PERMANENT else NotNow
    return kind(f"{code} {text}")


def _said(error: Exception) -> str:
    """What went wrong, without what we had sent: it may hold the password."""
    if isinstance(error, smtplib.SMTPResponseException):
        said = error.smtp_error
        text = said.decode(errors="replace") if isinstance(said, bytes) else said
        return f"{error.smtp_code} {text}"
    return f"{type(error).__name__}: {error}"
