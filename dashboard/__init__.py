"""Holdfast: the payments desk of a lesson marketplace."""

__version__ = "0.1.0"

# At the first import of anything of ours: also a process that configures no log shows no secrets.
from dashboard.observability import logs

logs.configure_default()
