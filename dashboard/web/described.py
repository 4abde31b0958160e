"""Tells the API's description which body an address takes; the handlers read it strictly."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from litestar.openapi.spec import OpenAPIMediaType, Operation, RequestBody


def takes(form: type[Any], *, optional: bool = False) -> type[Operation]:
    """An operation class for `@post` whose request body is `form`."""

    @dataclass
    class Described(Operation):
        def __post_init__(self) -> None:
            media = OpenAPIMediaType(schema=_schema(form))
            self.request_body = RequestBody({"application/json": media}, required=not optional)

    return Described


def _schema(form: type[Any]) -> Any:
    """The form's JSON schema in one piece, without references that nothing would resolve."""
    (root,), parts = msgspec.json.schema_components([form])
    return _inlined(root, parts)


def _inlined(value: Any, parts: dict[str, Any]) -> Any:
    if isinstance(value, dict):
        if "$ref" in value:
            return _inlined(parts[value["$ref"].rpartition("/")[2]], parts)
        return {name: _inlined(inner, parts) for name, inner in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_inlined(inner, parts) for inner in value]
    return value
