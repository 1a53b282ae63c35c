"""The processes of one machine: web, worker and scheduler as children, started, restarted and ended in order.

The same three commands as in the Procfile; a platform that runs those needs none of this.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from miner.config import Config
from miner.errors import ConfigError

# Below the 30 s that a PaaS grants; the worker's own drain ends after 25 s.
STOP_SECONDS = 28.0
# periodiq is a package without `__main__`; the script of that name may not be on PATH.
PERIODIQ = "from periodiq import entrypoint; entrypoint()"
RESTART_PAUSES = (0.5, 1, 2, 5, 10, 30)


def commands(config: Config) -> dict[str, list[str]]:
    """The command line of each process, in the order in which they start."""
    python = [sys.executable, "-m"]
    return {
        "worker": [*python, "dramatiq", "actors", "--processes", "1", "--threads", str(config.worker_threads),
                   "--worker-shutdown-timeout", "25000", "--skip-logging"],
        "scheduler": [sys.executable, "-c", PERIODIQ, "actors"],
        "web": [*python, "uvicorn", "--factory", "dashboard.app:create_app", "--host", config.host, "--port",
                str(config.port), "--timeout-graceful-shutdown", "20", "--no-server-header", "--no-access-log",
                "--log-level", "warning"],
    }  # fmt: skip


def check_port(config: Config) -> None:
    """Raise ConfigError when the dashboard's port is taken, before anything is started."""
    family = socket.AF_INET6 if ":" in config.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((config.host, config.port))
        except OSError as error:
            raise ConfigError(
                f"port {config.port} on {config.host} cannot be used ({error.strerror}): "
                "stop what listens there or set PORT to another one"
            ) from None


@dataclass
class _Child:
    name: str
    command: list[str]
    process: subprocess.Popen[bytes]
    started: float = field(default_factory=time.monotonic)
    failures: int = 0
    restart_at: float | None = None


class Supervisor:
    """Starts the children, restarts one that ends by itself, and stops all of them.

    `quiet` keeps their everyday lines off the terminal unless LOG_LEVEL is set.
    """

    def __init__(self, config: Config, *, say: Callable[[str], None], quiet: bool = False) -> None:
        self._config, self._say = config, say
        self._environ = {
            **({"LOG_LEVEL": "WARNING"} if quiet else {}),
            **os.environ,
            "MINER_HOME": str(config.home),
            "HOST": config.host,
            "PORT": str(config.port),
            # A message is a bell: taking more of them than there are threads only keeps them from other workers.
            "dramatiq_queue_prefetch": str(config.worker_threads),
        }
        self._children: list[_Child] = []
        self._checks: list[Callable[[], None]] = []
        self.ending = threading.Event()

    def also_watch(self, check: Callable[[], None]) -> None:
        """Call `check` at each look; it raises when something the children need is gone."""
        self._checks.append(check)

    def start(self) -> None:
        for name, command in commands(self._config).items():
            self._children.append(_Child(name, command, self._spawn(command)))

    def watch(self) -> None:
        """One look: restart what ended by itself, after a pause that grows while it keeps ending."""
        for check in self._checks:
            check()
        now = time.monotonic()
        for child in self._children:
            code = child.process.poll()
            if code is None or self.ending.is_set():
                continue
            if code == 4:  # the configuration is wrong, it has said so, and trying again cannot help
                raise ConfigError(f"the {child.name} process refused to start: see its message above")
            if child.restart_at is None:
                child.failures = 0 if now - child.started > 60 else child.failures + 1
                pause = RESTART_PAUSES[min(child.failures, len(RESTART_PAUSES) - 1)]
                child.restart_at = now + pause
                self._say(f"The {child.name} process ended ({code}); it is started again in {pause:g} s")
            elif now >= child.restart_at:
                child.process, child.started, child.restart_at = self._spawn(child.command), now, None

    def stop(self) -> None:
        """SIGTERM to all, SIGKILL to what is left after STOP_SECONDS."""
        self.ending.set()
        for child in reversed(self._children):
            if child.process.poll() is None:
                child.process.send_signal(signal.SIGTERM)
        give_up = time.monotonic() + STOP_SECONDS
        for child in self._children:
            try:
                child.process.wait(max(0.1, give_up - time.monotonic()))
            except subprocess.TimeoutExpired:
                self._say(f"The {child.name} process did not end in time and is killed; its runs are rescued")
                child.process.kill()
                child.process.wait()

    def _spawn(self, command: list[str]) -> subprocess.Popen[bytes]:
        # Own session: Ctrl-C reaches this process alone, which then ends the children in order.
        return subprocess.Popen(_bound_to_us(command), env=self._environ, start_new_session=True)


def _bound_to_us(command: list[str]) -> list[str]:
    """On Linux the kernel ends a child whose supervisor was killed: a process nobody knows would keep the port.

    A few lines of Python set that and become the command; doing it between fork and exec is unsafe beside threads.
    """
    if not sys.platform.startswith("linux"):
        return command
    return [sys.executable, "-c", _BIND, str(os.getpid()), *command]


_BIND = """
import ctypes, os, signal, sys
ctypes.CDLL(None).prctl(1, signal.SIGTERM)
if os.getppid() != int(sys.argv[1]):
    sys.exit(1)
os.execv(sys.argv[2], sys.argv[2:])
"""
