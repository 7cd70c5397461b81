"""Commanders Act events from Kafka to Meta's Conversions API."""

from importlib.metadata import version

__version__ = version("capi-consumer")
