"""Why a ticket could not be changed. Nothing was stored when one of these is raised."""


class NoSuchTicket(LookupError):
    """There is no ticket of that number."""


class Stale(Exception):
    """The ticket was changed since the page was made that asks for this change."""
