"""HTTP/1.1 over plain sockets: one thread a connection, because half answers and resets must be possible."""

from __future__ import annotations

import contextlib
import gzip
import socket
import struct
import threading
import time
from collections.abc import Callable
from http import HTTPStatus
from io import BufferedReader

from tests.standins.zendesk.http import Answer, Request

App = Callable[[Request], Answer]
MAX_LINE = 65_536
GZIP_FROM = 1024  # bytes; shorter bodies are sent as they are
GZIP_HEADER = 10  # bytes
SLICES = 20  # parts of a dripping body


class Reset(Exception):
    """The connection is to be reset, not closed."""


class Listener:
    """Serves `app` on 127.0.0.1; `close` ends every connection and thread."""

    def __init__(self, app: App, *, port: int = 0, gzip: Callable[[], bool] = lambda: True) -> None:
        self._app, self._gzip = app, gzip
        self._socket = socket.create_server(("127.0.0.1", port), backlog=256)
        self.port: int = self._socket.getsockname()[1]
        self._open: set[socket.socket] = set()
        self._threads: set[threading.Thread] = set()
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._acceptor = threading.Thread(target=self._accept, name=f"standin-{self.port}", daemon=True)
        self._acceptor.start()

    def close(self) -> None:
        self._closing.set()
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        with self._lock:
            connections, threads = list(self._open), list(self._threads)
        for one in connections:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        for thread in (*threads, self._acceptor):
            thread.join(5)

    def drop_connections(self) -> None:
        """Close every idle or busy connection, as a load balancer does now and then."""
        with self._lock:
            connections = list(self._open)
        for one in connections:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        while not self._closing.is_set():
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            thread = threading.Thread(target=self._converse, args=(connection,), daemon=True)
            with self._lock:
                self._open.add(connection)
                self._threads.add(thread)
            thread.start()

    def _converse(self, connection: socket.socket) -> None:
        reader = connection.makefile("rb")
        try:
            while not self._closing.is_set():
                request = read_request(reader)
                if request is None:
                    break
                self._send(connection, request, self._app(request))
                if request.headers.get("connection", "").lower() == "close":
                    break
        except Reset:
            with contextlib.suppress(OSError):
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        except (OSError, ValueError):
            pass  # the client went away, or does not speak HTTP
        finally:
            reader.close()
            connection.close()
            with self._lock:
                self._open.discard(connection)
                self._threads.discard(threading.current_thread())

    def _send(self, connection: socket.socket, request: Request, answer: Answer) -> None:
        plan = answer.delivery
        if plan.stall and self._closing.wait(plan.stall):
            raise Reset
        if plan.reset_before:
            raise Reset
        body = answer.body()
        if plan.truncate_at is not None:
            body = body[: int(len(body) * plan.truncate_at)]
        headers = {"Content-Type": answer.content_type, **answer.headers}
        wants_gzip = "gzip" in request.headers.get("accept-encoding", "") and self._gzip()
        if plan.broken_gzip or (wants_gzip and len(body) >= GZIP_FROM):
            body = gzip.compress(body, 1)
            headers["Content-Encoding"] = "gzip"
            if plan.broken_gzip:
                body = body[:GZIP_HEADER] + b"\xff" * (len(body) - GZIP_HEADER)  # a block of the reserved type
        headers["Content-Length"] = str(len(body))
        head = f"HTTP/1.1 {answer.status} {_reason(answer.status)}\r\n"
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        start = (head + lines + "\r\n").encode("latin-1")
        if request.method == "HEAD":
            body = b""
        if plan.cut_at is not None:
            connection.sendall(start + body[: int(len(body) * plan.cut_at)])
            time.sleep(0.02)  # what was sent is delivered before the reset overtakes it
            raise Reset
        if plan.drip:
            connection.sendall(start)
            self._drip(connection, body, plan.drip)
        else:
            connection.sendall(start + body)

    def _drip(self, connection: socket.socket, body: bytes, seconds: float) -> None:
        step = max(1, len(body) // SLICES)
        for offset in range(0, len(body), step):
            if self._closing.wait(seconds / SLICES):
                raise Reset
            connection.sendall(body[offset : offset + step])


def read_request(reader: BufferedReader) -> Request | None:
    """The next request of a connection; None at its end. Raises ValueError for what is not HTTP."""
    line = reader.readline(MAX_LINE)
    if not line:
        return None
    method, target, _ = line.decode("latin-1").split(" ", 2)
    headers: dict[str, str] = {}
    while (line := reader.readline(MAX_LINE)) not in (b"\r\n", b"\n"):
        if not line:
            return None
        name, _, value = line.decode("latin-1").partition(":")
        headers[name.strip().lower()] = value.strip()
    size = int(headers.get("content-length", "0"))
    return Request(method, target, headers, reader.read(size) if size else b"")


def _reason(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"
