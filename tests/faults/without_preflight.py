"""
`capi-consumer run` without its look at the topics, as a process of its own.

librdkafka's mock brokers know none of the admin requests of that look.
"""

from __future__ import annotations

import asyncio
import signal

import uvloop

from consumer.config.loading import load_settings
from consumer.observability import logs
from consumer.observability.telemetry import Telemetry
from consumer.runtime.app import consume


async def _until_signalled() -> None:
    settings = load_settings(file=None, sends=True)
    logs.configure(settings.log_format, settings.log_level)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await consume(settings, Telemetry(), stop)


if __name__ == "__main__":
    uvloop.run(_until_signalled())
