"""A Pub/Sub server that holds a few messages: what Google's own client asks, over a real connection."""

from __future__ import annotations

import datetime as dt
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING

import grpc
from google.protobuf.empty_pb2 import Empty
from google.pubsub_v1.types import AcknowledgeRequest, PubsubMessage, PullRequest, PullResponse, ReceivedMessage

if TYPE_CHECKING:
    from collections.abc import Iterator

SERVICE = "google.pubsub.v1.Subscriber"


class FakeSubscription:
    """One subscription: messages are given out until they are acknowledged."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: dict[str, bytes] = {}
        self.given = 0
        self.address = ""

    def publish(self, *bodies: bytes) -> None:
        """Add messages."""
        with self._lock:
            for body in bodies:
                self.given += 1
                self._waiting[f"ack-{self.given}"] = body

    @property
    def waiting(self) -> int:
        """Return how many messages nobody has acknowledged."""
        with self._lock:
            return len(self._waiting)

    def pull(self, request: PullRequest, _: grpc.ServicerContext) -> PullResponse:
        """Give out what waits, as the service does."""
        now = dt.datetime.now(dt.UTC)
        with self._lock:
            chosen = list(self._waiting.items())[: request.max_messages]
        received = [
            ReceivedMessage(ack_id=ack, message=PubsubMessage(data=body, message_id=ack, publish_time=now))
            for ack, body in chosen
        ]
        return PullResponse(received_messages=received)

    def acknowledge(self, request: AcknowledgeRequest, _: grpc.ServicerContext) -> Empty:
        """Forget what was acknowledged."""
        with self._lock:
            for ack in request.ack_ids:
                self._waiting.pop(ack, None)
        return Empty()


@contextmanager
def serving() -> Iterator[FakeSubscription]:
    """Give a subscription that is served on 127.0.0.1, at `address`."""
    subscription = FakeSubscription()
    methods = {
        "Pull": grpc.unary_unary_rpc_method_handler(
            subscription.pull,
            request_deserializer=PullRequest.deserialize,
            response_serializer=PullResponse.serialize,
        ),
        "Acknowledge": grpc.unary_unary_rpc_method_handler(
            subscription.acknowledge,
            request_deserializer=AcknowledgeRequest.deserialize,
            response_serializer=Empty.SerializeToString,
        ),
    }
    server = grpc.server(ThreadPoolExecutor(4))
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, methods),))
    subscription.address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    try:
        yield subscription
    finally:
        server.stop(None)
