"""A receiver of OTLP over HTTP, on a free port: what comes is parsed by OpenTelemetry's own protocol."""

from __future__ import annotations

import gzip
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

PATHS = ("/v1/traces", "/v1/metrics")


class OtlpReceiver:
    """Use as a context manager. `url` is for OTEL_EXPORTER_OTLP_ENDPOINT."""

    def __init__(self) -> None:
        self.bodies: dict[str, list[bytes]] = {path: [] for path in PATHS}
        self.resources: list[dict[str, str]] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                receiver.bodies[self.path].append(body)
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> OtlpReceiver:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def spans(self) -> list[Any]:
        """All spans that have come."""
        requests = [ExportTraceServiceRequest.FromString(body) for body in self.bodies["/v1/traces"]]
        scopes = [scope for r in requests for resource in r.resource_spans for scope in resource.scope_spans]
        return [span for scope in scopes for span in scope.spans]

    def metrics(self) -> dict[str, Any]:
        """The last of each metric that has come, by name."""
        requests = [ExportMetricsServiceRequest.FromString(body) for body in self.bodies["/v1/metrics"]]
        resources = [resource for request in requests for resource in request.resource_metrics]
        self.resources = [attributes(one.resource.attributes) for one in resources]
        every = [metric for one in resources for scope in one.scope_metrics for metric in scope.metrics]
        return {metric.name: metric for metric in every}


def attributes(pairs: Any) -> dict[str, Any]:
    """OTLP's attributes as a dict."""
    return {pair.key: getattr(pair.value, pair.value.WhichOneof("value")) for pair in pairs}
