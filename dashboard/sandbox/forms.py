"""Stripe's form encoding: brackets become nested hashes."""

from urllib.parse import parse_qsl

from dashboard.sandbox.answers import Json, invalid


def decode(encoded: str) -> Json:
    """`a[b]=1&c[0]=2&d[]=3` as {"a": {"b": "1"}, "c": {"0": "2"}, "d": {"0": "3"}}.

    Values stay text, and arrays stay hashes of their numbers: only the parameter's own reader knows
    an array from metadata whose keys happen to be numbers.
    """
    tree: Json = {}
    for name, value in parse_qsl(encoded, keep_blank_values=True):
        _put(tree, _path(name), value)
    return tree


def _path(name: str) -> list[str]:
    head, bracket, rest = name.partition("[")
    if not bracket:
        return [head]
    if not head or not rest.endswith("]"):
        raise invalid(f"Invalid parameter name: {name}", param=name)
    return [head, *rest[:-1].split("][")]


def _put(tree: Json, path: list[str], value: str) -> None:
    for step in path[:-1]:
        below = tree.setdefault(step, {})
        if not isinstance(below, dict):
            raise invalid(f"Invalid {path[0]}: it is given both as a value and as a hash", path[0])
        tree = below
    # Every `a[]` is one more element, so each one takes the next free number.
    last = path[-1] or str(len(tree))
    tree[last] = value
