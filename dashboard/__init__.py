"""Holdfast: the payments desk of a lesson marketplace."""

__version__ = "0.1.0"
