"""What must not run does not start: one line, exit code 2, and nothing is left behind."""

import subprocess
from pathlib import Path

import pytest

from dashboard import settings
from dashboard.settings import SettingsError, from_env
from tests.jobs.processes import environment, spawn

STRONG_KEY = "Zq3_0vT9rK7bX2mW8nL5cD1fG6hJ4pAeUySoI"
LIVE = {
    "ENVIRONMENT": "production",
    "STRIPE_API_KEY": "sk_live_1",
    "STRIPE_WEBHOOK_SECRET": "whsec_1",
    "SECRET_KEY": STRONG_KEY,
    "BASE_URL": "https://desk.example.com",
    "SMTP_URL": "smtps://mail.example.com",
    "MAIL_FROM": "Lessons <lessons@example.com>",
}

UNSAFE = [
    ({"ENVIRONMENT": "production", "STRIPE_API_KEY": ""}, "needs STRIPE_API_KEY"),
    ({"SECRET_KEY": ""}, "needs a SECRET_KEY"),
    ({"SECRET_KEY": settings.DEFAULT_SECRET_KEY}, "needs a SECRET_KEY"),
    ({"ENVIRONMENT": "staging", "SECRET_KEY": ""}, "needs a SECRET_KEY"),
    ({"STRIPE_WEBHOOK_SECRET": ""}, "STRIPE_WEBHOOK_SECRET is missing"),
    ({"STRIPE_WEBHOOK_SECRET": " , "}, "STRIPE_WEBHOOK_SECRET is missing"),
    ({"STRIPE_API_BASE": "http://127.0.0.1:8421"}, "A live STRIPE_API_KEY"),
    ({"ENVIRONMENT": "prod"}, "ENVIRONMENT must be one of"),
    ({"METRICS_TOKEN": "short"}, "METRICS_TOKEN must have"),
    ({"STRIPE_API_KEY": "pk_live_1"}, "this one is publishable"),
]


@pytest.mark.parametrize(("changes", "line"), UNSAFE)
def test_an_unsafe_combination_is_refused(changes: dict[str, str], line: str):
    assert from_env(LIVE).production
    with pytest.raises(SettingsError, match=line) as caught:
        from_env(LIVE | changes)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("command", ["web", "worker", "run", "migrate"])
def test_no_process_starts_with_an_unsafe_combination(command: str, tmp_path: Path):
    for changes, line in (UNSAFE[0], UNSAFE[1], UNSAFE[4], UNSAFE[6]):
        env = environment(tmp_path, **(LIVE | changes))
        with spawn([command], env, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            out, err = process.communicate(timeout=60)
        assert (process.returncode, out) == (2, "")
        assert line in err and err.count("\n") == 1
    assert not list(tmp_path.iterdir())
