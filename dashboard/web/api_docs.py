"""The API's description: OpenAPI 3.1 for programs and a page for people, at `/schema`."""

import json
from http import HTTPStatus
from typing import Any

from litestar import Response, get
from litestar_htmx import HTMXRequest
from markupsafe import Markup, escape

from dashboard import __version__
from dashboard.web import api_examples as examples
from dashboard.web import security
from dashboard.web.api_operations import OPERATIONS, Endpoint
from dashboard.web.described import schemas
from dashboard.web.pages import page
from dashboard.web.problems import MEDIA_TYPE

ABOUT = """Bookings and their payments. Amounts are integers in the currency's minor unit; instants
carry an offset. Errors are `application/problem+json` (RFC 9457). There are no lists, so there is
no pagination. A program sends its token as `Authorization: Bearer hf_…`; the desk's own pages send
their session cookie and, where something may change, the header X-CSRF-Token."""
KEY = """1 to 255 printable ASCII characters. A request that is repeated under the same key, within
the same student, booking or program, is carried out once; the repeat tells how things stand now. A
202 means that Stripe has not answered yet: repeat the request under its key to ask again. The same
key with another request is refused with 422."""
LIMITED = {
    "RateLimit-Policy": ("string", "The limit and its window in seconds, as `120;w=60`."),
    "RateLimit-Limit": ("integer", "Requests that one address may send in a window."),
    "RateLimit-Remaining": ("integer", "What is left of them."),
    "RateLimit-Reset": ("integer", "Seconds until the window ends."),
}
RETRY = {"Retry-After": ("integer", "Seconds to wait before the request is worth repeating.")}
Headers = dict[str, tuple[str, str]]


def document() -> dict[str, Any]:
    """The whole description."""
    paths: dict[str, Any] = {}
    for one in OPERATIONS:
        paths.setdefault(one.path, {})[one.method] = _operation(one)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Holdfast", "version": __version__, "description": _line(ABOUT)},
        "servers": [{"url": "/"}],
        "tags": [
            {"name": "Bookings", "description": "Lessons and packages, and how they end."},
            {"name": "Payments", "description": "Money at a program's word."},
            {"name": "Tickets", "description": "Questions that a person answers."},
            {"name": "Webhook", "description": "What Stripe tells."},
        ],
        "paths": paths,
        "components": {"schemas": schemas(), "securitySchemes": _schemes()},
    }


def _schemes() -> dict[str, Any]:
    return {
        "token": {
            "type": "http",
            "scheme": "bearer",
            "description": "A program's token, with the scopes bookings, payments, tickets.",
        },
        "session": {
            "type": "apiKey",
            "in": "cookie",
            "name": security.session_cookie_name(),
            "description": "A person who is signed in at the desk.",
        },
        "proof": {
            "type": "apiKey",
            "in": "header",
            "name": security.CSRF_HEADER,
            "description": "What proves that one of the desk's own pages made the request.",
        },
    }


def _operation(one: Endpoint) -> dict[str, Any]:
    told: dict[str, Any] = {
        "operationId": one.name,
        "tags": [one.tag],
        "summary": one.summary,
        "description": _line(one.description),
        "parameters": _parameters(one),
        "responses": _responses(one),
    }
    if rights := _security(one):
        told["security"] = rights
    if one.body is not None:
        media: dict[str, Any] = {"schema": _shape(one.body)}
        media["examples"] = {name: {"value": value} for name, value in one.sent.items()}
        content = {"application/json": media}
        told["requestBody"] = {"content": content, "required": not one.optional}
    return told


def _security(one: Endpoint) -> list[dict[str, list[str]]]:
    session: dict[str, list[str]] = {"session": []}
    if one.method != "get":
        session["proof"] = []
    rights = [{"token": [one.scope]}, session] if one.scope else []
    return [{}, *rights] if one.open else rights


def _parameters(one: Endpoint) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for number in ("booking_id", "package_id"):
        if f"{{{number}}}" in one.path:
            schema = {"type": "integer", "minimum": 1, "maximum": 2**63 - 1}
            found.append({"name": number, "in": "path", "required": True, "schema": schema})
    if one.keyed:
        schema = {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[ -~]+$"}
        key = {"name": "Idempotency-Key", "in": "header", "schema": schema}
        found.append({**key, "description": _line(KEY), "example": "order-1841"})
    if one.signed:
        name = {"name": "Stripe-Signature", "in": "header", "required": True}
        told = "Stripe's signature over the raw body: `t=…,v1=…`."
        found.append({**name, "schema": {"type": "string"}, "description": told})
    return found


def _responses(one: Endpoint) -> dict[str, Any]:
    found: dict[str, Any] = {}
    headers = LIMITED if one.limited else {}
    for status, (name, told, example) in one.answers.items():
        media = {"application/json": {"schema": _shape(name), "example": example}}
        more = RETRY if status == 202 else {}
        found[str(status)] = _response(told, media, {**headers, **more})
    for status in one.problems:
        told, example = examples.PROBLEMS[status]
        if status == 402 and one.tag == "Bookings":
            example = {**example, **examples.DECLINED}
        media = {MEDIA_TYPE: {"schema": _shape("Problem"), "example": example}}
        more = RETRY if status in (429, 503) else {}
        found[str(status)] = _response(told, media, {**headers, **more})
    return dict(sorted(found.items()))


def _response(told: str, content: dict[str, Any], headers: Headers) -> dict[str, Any]:
    described = {
        name: {"schema": {"type": kind}, "description": text}
        for name, (kind, text) in headers.items()
    }
    return {"description": told, "content": content, "headers": described}


def _shape(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def _line(text: str) -> str:
    return " ".join(text.split())


@get("/schema")
async def schema(request: HTMXRequest) -> Response[Any]:
    """A page for browsers, the document for programs."""
    if "text/html" not in request.headers.get("Accept", ""):
        return _document()
    answer = await page(request, "schema/index.html", {**_shown(), "staff": None})
    answer.headers["Vary"] = "Accept, HX-Request"
    return answer


@get("/schema/openapi.json")
async def openapi_json() -> Response[Any]:
    """The document alone."""
    return _document()


def _shown() -> dict[str, Any]:
    told = document()
    return {
        "api": told,
        "endpoints": [(one, told["paths"][one.path][one.method]) for one in OPERATIONS],
        "shapes": told["components"]["schemas"],
        "pretty": lambda value: json.dumps(value, indent=2, ensure_ascii=False),
        "kind": _kind,
        "coded": _coded,
        "phrase": lambda status: HTTPStatus(int(status)).phrase,
    }


def _coded(text: str) -> Markup:
    """A text whose words between backquotes are code."""
    parts = text.split("`")
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if place % 2 else escape(part)
        for place, part in enumerate(parts)
    )


def _kind(schema: dict[str, Any]) -> str:
    """A shape in few words: "integer, 15 to 480", "student | staff", or the name of another."""
    if "$ref" in schema:
        return str(schema["$ref"].rpartition("/")[2])
    if "anyOf" in schema:
        return " or ".join(_kind(part) for part in schema["anyOf"])
    if "enum" in schema:
        return " | ".join(str(value) for value in schema["enum"])
    words = [str(schema.get("type", "anything"))]
    if "items" in schema:
        words = [f"list of {_kind(schema['items'])}"]
    if "minimum" in schema or "maximum" in schema:
        words.append(f"{schema.get('minimum', '')} to {schema.get('maximum', '')}".strip())
    if "maxLength" in schema:
        words.append(f"up to {schema['maxLength']} characters")
    words += [str(schema[name]) for name in ("format", "pattern") if name in schema]
    return ", ".join(words)


def _document() -> Response[Any]:
    return Response(document(), media_type="application/json", headers={"Vary": "Accept"})


handlers = [schema, openapi_json]
