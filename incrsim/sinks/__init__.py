"""Other systems that are told what changes in the catalog (C-12).

`mutation` is what a sink gets, `courier` brings it there, `files` and `http` are two sinks to use or to start from.
"""

from __future__ import annotations

from incrsim.sinks.courier import Courier, DeliveryReport
from incrsim.sinks.files import JsonLinesSink
from incrsim.sinks.http import HttpSink
from incrsim.sinks.mutation import Mutation, Sink, SinkEntity
from incrsim.store.outbox import SinkState, Span

__all__ = [
    "Courier",
    "DeliveryReport",
    "HttpSink",
    "JsonLinesSink",
    "Mutation",
    "Sink",
    "SinkEntity",
    "SinkState",
    "Span",
]
