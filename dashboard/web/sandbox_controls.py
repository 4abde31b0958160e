"""What the `/sandbox` page says to the sandbox: its HTTP controls, and Stripe's own dashboard.

This is the one module of the web that speaks to it. Nothing here goes through an operation: it is
what somebody else does, a bank, a network or a person in Stripe's dashboard, and the product has to
notice by itself.
"""

from collections.abc import Mapping
from typing import Any

import httpx

from dashboard import settings
from jobs.advance import Controls

Json = dict[str, Any]


class Away(Exception):
    """The sandbox does not answer. Whether it did what was asked is not known."""


class Refused(Exception):
    """The sandbox would not do it; `str()` is its reason."""


async def order(method: str, path: str, body: Any = None) -> Any:
    """The answer of one control under `/_sandbox/`; raises Away and Refused."""
    return (await orders((method, path, body)))[0]


async def orders(*asked: tuple[str, str, Any]) -> list[Any]:
    """The answers of several controls, one after the other; raises Away and Refused."""
    try:
        async with Controls(settings.current()) as controls:
            return [await controls.order(*one) for one in asked]
    except httpx.HTTPStatusError as error:
        raise Refused(_reason(error.response)) from error
    except httpx.HTTPError as error:
        raise Away from error


async def in_stripes_dashboard(path: str, fields: Mapping[str, Any]) -> Json:
    """POST to Stripe's own API as somebody in Stripe's dashboard would; raises Away and Refused.

    The sandbox's alone: against Stripe this page does not exist.
    """
    chosen = settings.current()
    if not chosen.sandbox:
        raise Refused("Only the sandbox is played with.")
    headers = {"Authorization": f"Bearer {chosen.stripe_api_key}"}
    try:
        # Proxies of the environment have no business between two local processes.
        async with httpx.AsyncClient(timeout=20.0, trust_env=False) as http:
            given = await http.post(
                f"{chosen.stripe_api_base}{path}", data=dict(fields), headers=headers
            )
            given.raise_for_status()
    except httpx.HTTPStatusError as error:
        raise Refused(_reason(error.response)) from error
    except httpx.HTTPError as error:
        raise Away from error
    answered: Json = given.json()
    return answered


def _reason(response: httpx.Response) -> str:
    """The sandbox's own sentence: plain from a control, in Stripe's envelope from its API."""
    try:
        said = response.json()["error"]
    except (ValueError, KeyError, TypeError):
        return f"The sandbox answered {response.status_code}."
    return str(said.get("message", "")) if isinstance(said, dict) else str(said)
