"""The environment is read once, and what must not run stops with one clear line."""

import pytest

from dashboard.settings import DEFAULT_SECRET_KEY, SettingsError, from_env

LIVE = {
    "STRIPE_API_KEY": "sk_live_1",
    "STRIPE_WEBHOOK_SECRET": "whsec_1",
    "SECRET_KEY": "Zq3_0vT9rK7bX2mW8nL5cD1fG6hJ4pAeUySoI",
}


def test_without_any_setting_the_product_runs_on_the_sandbox():
    settings = from_env({})
    assert settings.sandbox
    assert settings.stripe_api_base == "http://127.0.0.1:8421"
    assert settings.database_url == "sqlite:///var/holdfast.sqlite"


def test_a_key_takes_the_product_to_stripe_at_stripes_pace():
    settings = from_env(LIVE | {"STRIPE_WEBHOOK_SECRET": "whsec_1, whsec_2"})
    assert not settings.sandbox
    assert settings.stripe_api_base == "https://api.stripe.com"
    assert settings.webhook_secrets == ("whsec_1", "whsec_2")
    assert settings.stripe_rate_per_second == 20


@pytest.mark.parametrize(
    ("env", "line"),
    [
        ({"ENVIRONMENT": "production"}, "needs STRIPE_API_KEY"),
        (LIVE | {"SECRET_KEY": ""}, "SECRET_KEY"),
        (LIVE | {"SECRET_KEY": DEFAULT_SECRET_KEY}, "SECRET_KEY"),
        (LIVE | {"STRIPE_API_BASE": "http://127.0.0.1:8421"}, "live STRIPE_API_KEY"),
        ({"STRIPE_API_KEY": "sk_test_1"}, "STRIPE_WEBHOOK_SECRET is missing"),
        (
            {
                "STRIPE_API_KEY": "sk_test_1",
                "STRIPE_WEBHOOK_SECRET": "whsec_1",
                "STRIPE_API_BASE": "http://stripe.example",
            },
            "https",
        ),
        ({"DATABASE_URL": "mysql://x"}, "DATABASE_URL"),
        ({"TIME_ZONE": "Mars/Base"}, "TIME_ZONE"),
        ({"EXPIRY_POLICY": "hope"}, "EXPIRY_POLICY must be one of"),
        ({"PORT": "no"}, "PORT must be a whole number"),
        ({"PORT": "70000"}, "PORT must be between"),
        ({"CANCEL_LATE_PERCENT": "101"}, "CANCEL_LATE_PERCENT must be between"),
        ({"STRIPE_RATE_PER_SECOND": "0"}, "STRIPE_RATE_PER_SECOND"),
        ({"ALERT_EMAIL": "ops@example.com, me@example.com"}, "ALERT_EMAIL must be one address"),
        ({"ALERT_EMAIL": "ops"}, "ALERT_EMAIL must be one address"),
    ],
)
def test_an_unsafe_configuration_stops_with_one_line(env: dict[str, str], line: str):
    with pytest.raises(SettingsError, match=line) as caught:
        from_env(env)
    assert "\n" not in str(caught.value)
