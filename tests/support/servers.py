"""Redis and RabbitMQ on loopback, started for a test in a folder of its own and killed or restarted at will.

A machine without them skips these tests visibly; in CI they must be there.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

RABBITMQ = "/usr/lib/rabbitmq/bin/rabbitmq-server"  # the script in PATH changes the account, this one does not


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def need(program: str) -> None:
    """Skip where the program is missing, but fail in CI."""
    if shutil.which(program) or Path(program).exists():
        return
    if os.environ.get("CI"):
        pytest.fail(f"{program} is missing, and CI must have it")
    pytest.skip(f"{program} is not installed")


class BrokerServer:
    """A server process of its own; `url` stays the same over restarts."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        raise NotImplementedError

    def command(self) -> tuple[list[str], dict[str, str]]:
        raise NotImplementedError

    def start(self) -> None:
        arguments, environ = self.command()
        with (self.folder / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                arguments, env={**os.environ, **environ}, stdout=log, stderr=log, start_new_session=True
            )
        give_up = time.monotonic() + 60
        while not self.answers():
            assert time.monotonic() < give_up, (self.folder / "server.log").read_text(errors="replace")
            time.sleep(0.1)

    def answers(self) -> bool:
        raise NotImplementedError

    def stop(self, number: int = signal.SIGTERM) -> None:
        if self.process is not None:
            try:
                os.killpg(self.process.pid, number)
            except ProcessLookupError:
                pass
            self.process.wait(30)
            self.process = None


class RedisServer(BrokerServer):
    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def command(self) -> tuple[list[str], dict[str, str]]:
        need("redis-server")
        return [
            "redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder),
            "--appendonly", "yes", "--appendfsync", "everysec", "--save", "",
        ], {}  # fmt: skip

    def answers(self) -> bool:
        from redis import Redis
        from redis.exceptions import RedisError

        client = Redis.from_url(self.url)
        try:
            return bool(client.ping())
        except RedisError:
            return False
        finally:
            client.close()


class RabbitServer(BrokerServer):
    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.epmd, self.distribution = free_port(), free_port()

    @property
    def url(self) -> str:
        return f"amqp://guest:guest@127.0.0.1:{self.port}/%2F"

    def command(self) -> tuple[list[str], dict[str, str]]:
        need(RABBITMQ)
        return [RABBITMQ], {
            "HOME": str(self.folder),
            "RABBITMQ_NODENAME": f"test{self.port}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(self.distribution),
            "ERL_EPMD_PORT": str(self.epmd),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_MNESIA_BASE": str(self.folder / "mnesia"),
            "RABBITMQ_LOG_BASE": str(self.folder / "log"),
            "RABBITMQ_PID_FILE": str(self.folder / "pid"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.folder / "plugins"),
        }

    def answers(self) -> bool:
        import pika
        from pika.exceptions import AMQPError

        try:
            pika.BlockingConnection(pika.URLParameters(self.url + "?connection_attempts=1&socket_timeout=2")).close()
        except (AMQPError, OSError):
            return False
        return True
