"""A sandbox per test, and a watch over every answer that any of them gives."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import stripe

from dashboard.sandbox.answers import Response
from dashboard.sandbox.core import Sandbox
from tests.sandbox.direct import Direct, direct_sandbox
from tests.sandbox.sdk_types import problems
from tests.sandbox.server import RunningSandbox, running_sandbox


@pytest.fixture(autouse=True)
def _every_answer_fits_the_sdk(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Whatever a test is about, each answer and each event it caused is held against the SDK."""
    found: list[str] = []
    handle: Callable[..., Response] = Sandbox.handle

    def watched(self: Sandbox, method: str, target: str, *rest: Any) -> Response:
        response = handle(self, method, target, *rest)
        if target.startswith("/v1/") and response.broken is None:
            found.extend(f"{method} {target}: {text}" for text in problems(response.json()))
        return response

    monkeypatch.setattr(Sandbox, "handle", watched)
    yield
    assert found == []


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[RunningSandbox]:
    with running_sandbox(tmp_path) as running:
        yield running


@pytest.fixture
def client(sandbox: RunningSandbox) -> stripe.StripeClient:
    return sandbox.stripe()


@pytest.fixture
def core(tmp_path: Path) -> Iterator[Direct]:
    with direct_sandbox(tmp_path) as direct:
        yield direct
