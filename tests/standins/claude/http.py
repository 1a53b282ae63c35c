"""HTTP/1.1 over plain sockets, a thread a connection: half answers, resets and dead keep-alives must be possible."""

from __future__ import annotations

import contextlib
import json
import socket
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from io import BufferedReader
from typing import Any
from urllib.parse import parse_qsl


@dataclass(frozen=True)
class Request:
    """What came in; `headers` have lower-case names."""

    method: str
    path: str
    headers: dict[str, str]
    raw: bytes
    query: dict[str, str] = field(default_factory=dict)

    def json(self) -> dict[str, Any]:
        """The body as an object; raises ValueError."""
        found = json.loads(self.raw)
        if not isinstance(found, dict):
            raise ValueError("not an object")
        return found


@dataclass
class Answer:
    """What goes out. `reset`: "before" the first byte or in the middle of the "body"; `delay` in real seconds."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = "application/json"
    reset: str | None = None
    delay: float = 0.0
    close: bool = False  # close the connection afterwards without having said so


class Listener:
    """Serves `app` on 127.0.0.1; `close` ends every connection and thread."""

    def __init__(self, app: Callable[[Request], Answer]) -> None:
        self._app = app
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port: int = self._socket.getsockname()[1]
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._threads: list[threading.Thread] = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def close(self) -> None:
        self._closing.set()
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        with self._lock:
            connections = list(self._open)
        for one in connections:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)

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
            self._threads.append(thread)
            thread.start()

    def _converse(self, connection: socket.socket) -> None:
        reader = connection.makefile("rb")
        try:
            while not self._closing.is_set() and (request := read_request(reader)) is not None:
                if not self._send(connection, self._app(request)):
                    break
        except (OSError, ValueError):
            pass  # the client went away, or does not speak HTTP
        finally:
            reader.close()
            connection.close()
            with self._lock:
                self._open.discard(connection)

    def _send(self, connection: socket.socket, answer: Answer) -> bool:
        """Send `answer`; False: the connection is over."""
        if answer.delay and self._closing.wait(answer.delay):
            return False
        headers = {"content-type": answer.content_type, **answer.headers, "content-length": str(len(answer.body))}
        try:
            phrase = HTTPStatus(answer.status).phrase
        except ValueError:
            phrase = "Unknown"
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        head = f"HTTP/1.1 {answer.status} {phrase}\r\n{lines}\r\n".encode("latin-1")
        if answer.reset == "body":
            connection.sendall(head + answer.body[: len(answer.body) // 2])
            time.sleep(0.02)  # what was sent is delivered before the reset overtakes it
        elif answer.reset is None:
            connection.sendall(head + answer.body)
            return not answer.close
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return False


def read_request(reader: BufferedReader) -> Request | None:
    """The next request of a connection; None at its end. Raises ValueError for what is not HTTP."""
    line = reader.readline(65_536)
    if not line:
        return None
    method, target, _ = line.decode("latin-1").split(" ", 2)
    headers: dict[str, str] = {}
    while (line := reader.readline(65_536)) not in (b"\r\n", b"\n"):
        if not line:
            return None
        name, _, value = line.decode("latin-1").partition(":")
        headers[name.strip().lower()] = value.strip()
    size = int(headers.get("content-length", "0"))
    path, _, query = target.partition("?")
    return Request(method, path, headers, reader.read(size) if size else b"", dict(parse_qsl(query)))
