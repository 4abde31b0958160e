"""What can be said about a configuration by looking at it alone.

What must not run at all was refused when the settings were read; this is about the rest.
"""

import os
from collections.abc import Iterator
from urllib.parse import urlsplit

from dashboard import clock
from dashboard.commands.findings import Finding, Level, note, ok, wrong
from dashboard.settings import DEFAULT_SECRET_KEY, LOOPBACK, Settings

SECRET_LENGTH = 32
# Fewer different characters than this is a word, or a key that was leant upon.
SECRET_VARIETY = 12
NEW_SECRET = "python -c 'import secrets; print(secrets.token_urlsafe(48))'"  # noqa: S105 - how to make one


def findings(settings: Settings) -> list[Finding]:
    """All that the settings themselves show, in the order in which one would mend them."""
    return [
        _environment(settings),
        _secret_key(settings),
        *_addresses(settings),
        _folder(settings),
        *_key(settings),
        _webhook_secret(settings),
        *_mail(settings),
        _time_zone(settings),
    ]


def _environment(settings: Settings) -> Finding:
    name, mode = settings.environment, settings.key_mode
    if settings.production and mode == "test":
        return wrong(
            "environment",
            "production, with a test key: no real money would move",
            "set STRIPE_API_KEY to a live key, or ENVIRONMENT to staging",
        )
    if not settings.production and mode == "live":
        return wrong(
            "environment",
            f"{name}, with a live key: real cards would be charged",
            "set ENVIRONMENT=production, or STRIPE_API_KEY to a test key",
        )
    return ok("environment", f"{name}, {'sandbox' if settings.sandbox else f'{mode} key'}")


def _secret_key(settings: Settings) -> Finding:
    key = settings.secret_key
    do = f"make one: {NEW_SECRET}"
    if key == DEFAULT_SECRET_KEY:
        if settings.sandbox and settings.host in LOOPBACK:
            return ok("secret key", "the default one, which is good enough on this machine")
        return wrong("secret key", "SECRET_KEY is the default one, which everybody knows", do)
    if len(key) < SECRET_LENGTH or len(set(key)) < SECRET_VARIETY:
        level = Level.WRONG if settings.production else Level.WARNING
        said = f"SECRET_KEY can be guessed: {len(key)} characters, {len(set(key))} different ones"
        return Finding("secret key", level, said, do)
    return ok("secret key", "long and varied")


def _addresses(settings: Settings) -> Iterator[Finding]:
    base = urlsplit(settings.base_url)
    if settings.production and base.scheme != "https":
        yield wrong(
            "address",
            "BASE_URL is not https: cookies and passwords could be read on their way",
            "put a proxy with a certificate in front, and set BASE_URL to its https address",
        )
    elif settings.production and base.hostname in LOOPBACK:
        yield wrong(
            "address", "BASE_URL names this machine", "set it to where people reach the desk"
        )
    else:
        yield ok("address", settings.base_url)
    if settings.sandbox and settings.host not in LOOPBACK:
        yield note(
            "listening",
            f"HOST is {settings.host}, and the sandbox's sign-ins are known to everybody",
            "set HOST=127.0.0.1, or keep this machine off untrusted networks",
        )
    elif settings.host not in LOOPBACK and not settings.metrics_token:
        yield note(
            "metrics",
            "only this machine may read /metrics",
            "set METRICS_TOKEN if Prometheus runs elsewhere",
        )


def _folder(settings: Settings) -> Finding:
    folder = settings.var_dir
    there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not os.access(there, os.W_OK | os.X_OK) or not there.is_dir():
        return wrong(
            "folder",
            f"{folder}/ can't be written to",
            "set VAR_DIR to a folder of this user's own, or give this one to the user",
        )
    return ok("folder", f"{folder}/ can be written to")


def _key(settings: Settings) -> Iterator[Finding]:
    shown = settings.stripe_publishable_key
    if shown is None:
        return
    if not shown.startswith("pk_"):
        yield wrong(
            "publishable key",
            "STRIPE_PUBLISHABLE_KEY does not begin with pk_, and students' browsers would get it",
            "copy the publishable key from Stripe; if this was a secret one, roll it",
        )
    elif shown.split("_")[1:2] != [settings.key_mode]:
        yield wrong(
            "publishable key",
            f"STRIPE_PUBLISHABLE_KEY is not for the {settings.key_mode} mode of STRIPE_API_KEY",
            "take both keys from the same page at Stripe",
        )
    else:
        yield ok("publishable key", f"for {settings.key_mode} mode, as the secret one")


def _webhook_secret(settings: Settings) -> Finding:
    odd = [secret for secret in settings.webhook_secrets if not secret.startswith("whsec_")]
    count = len(settings.webhook_secrets)
    if odd:
        return wrong(
            "webhook secret",
            f"{len(odd)} of {count} does not begin with whsec_: its webhooks would be refused",
            "copy the signing secret of the endpoint into STRIPE_WEBHOOK_SECRET",
        )
    if count > 1:
        return note(
            "webhook secret",
            f"{count} are accepted",
            "remove the old one once the new one is in use",
        )
    return ok("webhook secret", "one")


def _mail(settings: Settings) -> Iterator[Finding]:
    if settings.production and not settings.smtp_url:
        yield wrong(
            "mail",
            "without SMTP_URL e-mails are files, and students hear nothing",
            "set SMTP_URL to your mail server",
        )
    if settings.smtp_url and "@localhost" in settings.mail_from:
        yield wrong(
            "mail sender",
            "MAIL_FROM is at localhost: mail servers refuse it, and nobody can answer",
            "set MAIL_FROM, such as Lessons <lessons@example.com>",
        )
    if settings.production and not settings.alert_email:
        yield note(
            "alert e-mail",
            "nobody is written to when money is at risk",
            "set ALERT_EMAIL to whoever is to know",
        )


def _time_zone(settings: Settings) -> Finding:
    here = clock.now().astimezone(settings.zone)
    return ok("time zone", f"{settings.time_zone}: it is {here:%H:%M} there")
