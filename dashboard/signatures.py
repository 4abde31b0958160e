"""Whose signature a webhook bears, and why it is refused when it bears none of ours."""

from collections.abc import Callable, Sequence

# As old as a signature may be, in seconds.
WITHIN = 300
# (signature, secret, as old as it may be or any age) -> whether the secret made it.
Check = Callable[[str, str, int | None], bool]


class ForgedWebhook(Exception):
    """A webhook whose signature, age or encoding is wrong.

    `reason` is unsigned, stale (signed with a secret of ours, too long ago), or signature.
    """

    def __init__(self, reason: str) -> None:
        super().__init__("The signature does not match.")
        self.reason = reason


def signed_by(secrets: Sequence[str], signature: str | None, check: Check) -> int:
    """The place of the secret that made the signature, 1 being the first.

    Raises ForgedWebhook if none of them did, or did so too long ago.
    """
    if not signature:
        raise ForgedWebhook("unsigned")
    for place, secret in enumerate(secrets, 1):
        if check(signature, secret, WITHIN):
            return place
    stale = any(check(signature, secret, None) for secret in secrets)
    raise ForgedWebhook("stale" if stale else "signature")
