"""Settings from the environment: read once, frozen, refused when unsafe."""

import os
from collections.abc import Mapping
from email.utils import parseaddr
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from dashboard import smtp_address

DEFAULT_SECRET_KEY = "change-me-this-is-for-the-sandbox-only"
SANDBOX_API_KEY = "sk_test_sandbox"
SANDBOX_WEBHOOK_SECRET = "whsec_sandbox"
STRIPE_API_BASE = "https://api.stripe.com"
ENVIRONMENTS = ("development", "test", "staging", "production")
SHORTEST_TOKEN = 16
EXPIRY_POLICIES = ("capture", "renew", "release", "alert")
LOOPBACK = ("127.0.0.1", "localhost", "::1")
LOCAL_PROXIES = "127.0.0.1,::1"


class SettingsError(Exception):
    """A configuration that must not run; the message is one clear line."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What the environment says. Amounts in minor units, times in hours where named so."""

    environment: str = "development"
    var_dir: Path = Path("var")
    database_url: str = "sqlite:///var/holdfast.sqlite"
    redis_url: str | None = None
    stripe_api_key: str = SANDBOX_API_KEY
    stripe_api_base: str = "http://127.0.0.1:8421"
    stripe_publishable_key: str | None = None
    webhook_secrets: tuple[str, ...] = (SANDBOX_WEBHOOK_SECRET,)
    stripe_rate_per_second: float = 20.0
    sandbox: bool = True
    sandbox_port: int = 8421
    secret_key: str = DEFAULT_SECRET_KEY
    metrics_token: str | None = None
    host: str = "127.0.0.1"
    port: int = 8420
    forwarded_allow_ips: str = LOCAL_PROXIES
    base_url: str = "http://127.0.0.1:8420"
    smtp_url: str | None = None
    mail_from: str = "Lessons <lessons@localhost>"
    alert_email: str | None = None
    rating_url: str | None = None
    time_zone: str = "UTC"
    default_currency: str = "usd"
    expiry_policy: str = "capture"
    cancel_free_hours: int = 6
    cancel_late_percent: int = 50
    support_refund_limit: int = 20_000

    @property
    def production(self) -> bool:
        return self.environment == "production"

    @property
    def key_mode(self) -> str:
        """What the key says of itself: live, test, or unknown."""
        words = self.stripe_api_key.split("_")
        return words[1] if len(words) > 2 and words[1] in ("live", "test") else "unknown"

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    @property
    def clock_file(self) -> Path:
        return self.var_dir / "clock"


def _integer(env: Mapping[str, str], name: str, default: int, low: int, high: int) -> int:
    raw = env.get(name, "")
    if raw == "":
        return default
    try:
        value = int(raw)
    except ValueError:
        raise SettingsError(f"{name} must be a whole number, not {raw!r}.") from None
    if not low <= value <= high:
        raise SettingsError(f"{name} must be between {low} and {high}, not {value}.")
    return value


def _rate(env: Mapping[str, str], default: float) -> float:
    raw = env.get("STRIPE_RATE_PER_SECOND") or str(default)
    try:
        value = float(raw)
    except ValueError:
        value = 0.0
    if not 0 < value <= 10_000:
        raise SettingsError(f"STRIPE_RATE_PER_SECOND must be above 0, not {raw!r}.")
    return value


def _webhook_secrets(env: Mapping[str, str], default: str) -> tuple[str, ...]:
    given = env.get("STRIPE_WEBHOOK_SECRET") or default
    return tuple(part.strip() for part in given.split(",") if part.strip())


def from_env(env: Mapping[str, str]) -> Settings:
    """Read the settings; raises SettingsError for anything that must not run."""
    sandbox = not env.get("STRIPE_API_KEY")
    sandbox_port = _integer(env, "SANDBOX_PORT", 8421, 1, 65535)
    host = env.get("HOST") or "127.0.0.1"
    port = _integer(env, "PORT", 8420, 1, 65535)
    var_dir = Path(env.get("VAR_DIR") or "var")
    base = f"http://127.0.0.1:{sandbox_port}" if sandbox else STRIPE_API_BASE
    settings = Settings(
        environment=(env.get("ENVIRONMENT") or "development").lower(),
        var_dir=var_dir,
        database_url=env.get("DATABASE_URL") or f"sqlite:///{var_dir / 'holdfast.sqlite'}",
        redis_url=env.get("REDIS_URL") or None,
        stripe_api_key=env.get("STRIPE_API_KEY") or SANDBOX_API_KEY,
        stripe_api_base=(env.get("STRIPE_API_BASE") or base).rstrip("/"),
        stripe_publishable_key=env.get("STRIPE_PUBLISHABLE_KEY") or None,
        webhook_secrets=_webhook_secrets(env, SANDBOX_WEBHOOK_SECRET if sandbox else ""),
        # The sandbox has no rate limit of its own, so that a year can be played in a minute.
        stripe_rate_per_second=_rate(env, 400.0 if sandbox else 20.0),
        sandbox=sandbox,
        sandbox_port=sandbox_port,
        secret_key=env.get("SECRET_KEY") or DEFAULT_SECRET_KEY,
        metrics_token=env.get("METRICS_TOKEN") or None,
        host=host,
        port=port,
        forwarded_allow_ips=env.get("FORWARDED_ALLOW_IPS") or LOCAL_PROXIES,
        base_url=(env.get("BASE_URL") or f"http://{host}:{port}").rstrip("/"),
        smtp_url=env.get("SMTP_URL") or None,
        mail_from=env.get("MAIL_FROM") or "Lessons <lessons@localhost>",
        alert_email=env.get("ALERT_EMAIL") or None,
        rating_url=env.get("RATING_URL") or None,
        time_zone=env.get("TIME_ZONE") or "UTC",
        default_currency=(env.get("DEFAULT_CURRENCY") or "usd").lower(),
        expiry_policy=env.get("EXPIRY_POLICY") or "capture",
        cancel_free_hours=_integer(env, "CANCEL_FREE_HOURS", 6, 0, 24 * 30),
        cancel_late_percent=_integer(env, "CANCEL_LATE_PERCENT", 50, 0, 100),
        support_refund_limit=_integer(env, "SUPPORT_REFUND_LIMIT", 20_000, 0, 99_999_999),
    )
    _refuse(settings)
    return settings


def _refuse(settings: Settings) -> None:
    for broken, message in (*_unsafe(settings), *_unsafe_with_stripe(settings)):
        if broken:
            raise SettingsError(message)
    _refuse_wrong_mail(settings)


def _refuse_wrong_mail(settings: Settings) -> None:
    if settings.smtp_url:
        try:
            smtp_address.parse(settings.smtp_url)
        except ValueError as error:
            raise SettingsError(str(error)) from None
    if not parseaddr(settings.mail_from)[1].rpartition("@")[0] or "\n" in settings.mail_from:
        raise SettingsError("MAIL_FROM must look like Lessons <lessons@example.com>.")
    told = settings.alert_email
    if told and (parseaddr(told)[1] != told or not all(told.rpartition("@"))):
        raise SettingsError("ALERT_EMAIL must be one address, such as ops@example.com.")
    if settings.rating_url and urlsplit(settings.rating_url).scheme not in ("http", "https"):
        raise SettingsError("RATING_URL must start with https://.")


def _unsafe(settings: Settings) -> list[tuple[bool, str]]:
    known_url = settings.database_url.startswith(("sqlite:///", "postgresql://", "postgres://"))
    environments, policies = ", ".join(ENVIRONMENTS), ", ".join(EXPIRY_POLICIES)
    return [
        (
            # A "prod" that was taken for development would run without a single refusal.
            settings.environment not in ENVIRONMENTS,
            f"ENVIRONMENT must be one of {environments}, not {settings.environment!r}.",
        ),
        (not known_url, "DATABASE_URL must start with sqlite:/// or postgresql://."),
        (
            settings.metrics_token is not None and len(settings.metrics_token) < SHORTEST_TOKEN,
            f"METRICS_TOKEN must have at least {SHORTEST_TOKEN} characters.",
        ),
        (not _zone_exists(settings.time_zone), f"TIME_ZONE {settings.time_zone!r} is unknown."),
        (
            settings.expiry_policy not in EXPIRY_POLICIES,
            f"EXPIRY_POLICY must be one of {policies}, not {settings.expiry_policy!r}.",
        ),
    ]


def _unsafe_with_stripe(settings: Settings) -> list[tuple[bool, str]]:
    base = urlsplit(settings.stripe_api_base)
    live = "_live_" in settings.stripe_api_key
    return [
        (
            settings.stripe_api_key.startswith("pk_"),
            "STRIPE_API_KEY must be a secret key: this one is publishable.",
        ),
        (
            live and base.hostname != urlsplit(STRIPE_API_BASE).hostname,
            "A live STRIPE_API_KEY may only be used with Stripe's own address: "
            "unset STRIPE_API_BASE.",
        ),
        (
            not settings.sandbox and base.hostname not in LOOPBACK and base.scheme != "https",
            "STRIPE_API_BASE must use https.",
        ),
        (
            not settings.sandbox and not settings.webhook_secrets,
            "STRIPE_WEBHOOK_SECRET is missing: without it no webhook can be trusted.",
        ),
        (
            settings.production and settings.sandbox,
            "ENVIRONMENT=production needs STRIPE_API_KEY: the sandbox moves no real money.",
        ),
        (
            not settings.sandbox and settings.secret_key == DEFAULT_SECRET_KEY,
            "Stripe needs a SECRET_KEY of your own: everybody knows the sandbox's.",
        ),
    ]


def _zone_exists(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return False
    return True


_current: Settings | None = None


def use(settings: Settings) -> None:
    """Make `settings` the ones of this process."""
    global _current
    _current = settings


def current() -> Settings:
    """The settings of this process: the ones given to `use`, else the environment's."""
    global _current
    if _current is None:
        _current = from_env(os.environ)
    return _current
