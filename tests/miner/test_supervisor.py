"""The processes of one machine, with small programs in the place of the real ones."""

from __future__ import annotations

import os
import socket
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from miner import supervisor
from miner.config import Config
from miner.errors import ConfigError
from miner.supervisor import Supervisor, check_port, commands

SLEEP = "import time; time.sleep(600)"


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return replace(Config.from_environment(), home=tmp_path, port=8123, worker_threads=2)


@pytest.fixture
def supervise(config: Config, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., tuple[Supervisor, list[str]]]]:
    """`supervise(web=program)`: a started supervisor of these programs, and what it says."""
    started: list[Supervisor] = []

    def start(**programs: str) -> tuple[Supervisor, list[str]]:
        lines = {name: [sys.executable, "-c", program] for name, program in programs.items()}
        monkeypatch.setattr(supervisor, "commands", lambda config: lines)
        said: list[str] = []
        one = Supervisor(config, say=said.append)
        started.append(one)
        one.start()
        return one, said

    yield start
    for one in started:
        one.stop()


def until(condition: Callable[[], bool], look: Callable[[], None] = lambda: None) -> None:
    give_up = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < give_up
        look()
        time.sleep(0.02)


def test_the_three_processes_are_those_of_the_procfile_with_the_configured_numbers(config: Config) -> None:
    found = {name: " ".join(line) for name, line in commands(config).items()}
    assert list(found) == ["worker", "scheduler", "web"]
    assert "dramatiq actors --processes 1 --threads 2" in found["worker"]
    assert "--port 8123" in found["web"]
    assert "dashboard.app:create_app" in found["web"]


def test_a_taken_port_is_named_before_anything_starts(config: Config) -> None:
    with socket.socket() as taken:
        taken.bind((config.host, 0))
        taken.listen()
        with pytest.raises(ConfigError, match="set PORT"):
            check_port(replace(config, port=taken.getsockname()[1]))
        number = taken.getsockname()[1]
    check_port(replace(config, port=number))


def test_children_learn_where_they_live_and_how_many_messages_to_take(
    supervise: Callable[..., tuple[Supervisor, list[str]]], tmp_path: Path
) -> None:
    out = tmp_path / "environ"
    names = ("MINER_HOME", "PORT", "dramatiq_queue_prefetch")
    program = (
        f"import os; text = '|'.join(os.environ[n] for n in {names}); open({str(out) + '.new'!r}, 'w').write(text);"
        f"os.rename({str(out) + '.new'!r}, {str(out)!r}); {SLEEP}"
    )
    supervise(web=program)
    until(out.exists)
    assert out.read_text() == f"{tmp_path}|8123|2"


def test_one_that_ends_by_itself_is_started_again_and_said_so(
    supervise: Callable[..., tuple[Supervisor, list[str]]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "RESTART_PAUSES", (0.01, 0.01))
    log = tmp_path / "starts"
    program = (
        f"import os, time; open({str(log)!r}, 'a').write('x'); os.path.getsize({str(log)!r}) > 1 and time.sleep(600)"
    )
    one, said = supervise(worker=program)
    until(lambda: log.exists() and log.stat().st_size == 2, one.watch)
    assert said == ["The worker process ended (0); it is started again in 0.01 s"]


def test_one_that_refuses_its_configuration_is_not_tried_again(
    supervise: Callable[..., tuple[Supervisor, list[str]]],
) -> None:
    one, _ = supervise(web="raise SystemExit(4)")
    with pytest.raises(ConfigError, match="the web process refused to start"):
        until(lambda: False, one.watch)


def test_a_check_that_fails_is_raised_at_the_next_look(
    supervise: Callable[..., tuple[Supervisor, list[str]]],
) -> None:
    one, _ = supervise(web=SLEEP)

    def gone() -> None:
        raise ConfigError("the database is gone")

    one.also_watch(gone)
    with pytest.raises(ConfigError, match="the database is gone"):
        one.watch()


def test_stopping_ends_all_and_kills_what_does_not_listen(
    supervise: Callable[..., tuple[Supervisor, list[str]]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "STOP_SECONDS", 0.5)
    ready = tmp_path / "pid"
    new = f"{ready}.new"
    deaf = (
        "import os, signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        f"open({new!r}, 'w').write(str(os.getpid())); os.rename({new!r}, {str(ready)!r});"
        "time.sleep(600)"
    )
    one, said = supervise(worker=deaf, web=SLEEP)
    until(ready.exists)
    one.stop()
    assert said == ["The worker process did not end in time and is killed; its runs are rescued"]
    with pytest.raises(ProcessLookupError):
        os.kill(int(ready.read_text()), 0)
    one.watch()  # nothing is started again
    assert len(said) == 1
