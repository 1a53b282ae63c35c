"""The stand-in in a process of its own: benchmarks must not share an interpreter with it."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any, Self

ROOT = Path(__file__).parents[3]


class Process:
    """`with Process(tickets=250_000, no_limits=True) as zendesk: zendesk.base_url; zendesk.ctl("state")`.

    Arguments are the options of `python -m tests.standins.zendesk`.
    """

    def __init__(self, **options: int | float | bool | str) -> None:
        arguments: list[str] = []
        for name, value in options.items():
            flag = f"--{name.replace('_', '-')}"
            arguments += [flag] if value is True else [flag, str(value)]
        command = [sys.executable, "-m", "tests.standins.zendesk", *arguments]
        self._process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the stand-in did not start: exit code {self._process.wait()}")
        self.base_url = line.strip().partition("=")[2]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    @property
    def pid(self) -> int:
        return self._process.pid

    def ctl(self, name: str, data: Any = None) -> Any:
        """GET /_ctl/`name`, or POST `data` to it."""
        body = None if data is None else json.dumps(data).encode()
        request = urllib.request.Request(f"{self.base_url}/_ctl/{name}", data=body)
        with urllib.request.urlopen(request, timeout=120) as answer:
            return json.load(answer)

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(10)
        if self._process.stdout is not None:
            self._process.stdout.close()
