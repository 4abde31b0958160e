"""Is a port free? Asked before a start, so that the answer is one line and not a stack trace."""

import socket

from dashboard.commands import BadInput


def require_free(host: str, port: int, name: str) -> None:
    """Raise BadInput, with what to do about it, when something listens at `port` already."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise BadInput(
                f"Port {port} on {host} can't be used ({error.strerror}): "
                f"stop what listens there, or set {name} to another one."
            ) from error
