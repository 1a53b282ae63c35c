"""The `miner` command (also `python -m miner`): parse, call a function of `miner/commands/`, turn errors into codes.

Exit codes: 0 ok, 1 failed, 2 usage, 3 already active, 4 configuration.
"""

from __future__ import annotations

import io
import os
import sys
from argparse import ArgumentParser, ArgumentTypeError, BooleanOptionalAction, Namespace
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy.exc import DataError, OperationalError, ProgrammingError

from miner import logs
from miner.commands.judgement import add_judgement
from miner.commands.output import say
from miner.commands.theme_options import add_theme_commands
from miner.config import Config, secret_values
from miner.errors import ConfigError, MinerError, NotFound, RunAlreadyActive, UsageError
from miner.runs.jobs import JOBS, Job
from miner.version import VERSION

FAILED, USAGE, ACTIVE, CONFIGURATION = 1, 2, 3, 4


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; an error is one sentence on standard error."""
    for stream in (sys.stdout, sys.stderr):  # a terminal without UTF-8 shows \\xe4 instead of ending in a traceback
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    options = parser().parse_args(argv)
    try:
        if getattr(options, "checks_environment", True):
            config = Config.from_environment()
            logs.hide(secret_values())
            logs.setup("WARNING" if config.log_level == "INFO" else config.log_level)
        return int(options.run_command(options))
    except RunAlreadyActive as error:
        return _end(error, ACTIVE)
    except ConfigError as error:
        return _end(error, CONFIGURATION)
    except (UsageError, NotFound) as error:
        return _end(error, USAGE)
    except MinerError as error:
        return _end(error, FAILED)
    except OperationalError as error:
        first = (str(error.orig).strip().splitlines() or [type(error.orig).__name__])[0]
        if getattr(error.orig, "sqlstate", None) is None:  # no answer from a server at all
            hint = "check DATABASE_URL and that the server runs"
            return _end(f"the database cannot be reached: {first}; {hint}", CONFIGURATION)
        return _end(f"the database could not do it now: {first}; try again", FAILED)
    except DataError:
        return _end("a text holds a character that cannot be stored (NUL): take it out", USAGE)
    except ProgrammingError as error:
        if "does not exist" in str(error.orig):
            return _end("the database has no schema of this release: run `miner db upgrade`", CONFIGURATION)
        raise
    except KeyboardInterrupt:
        return _end("interrupted", FAILED)
    except BrokenPipeError:  # `miner runs list | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED


def _end(error: object, code: int) -> int:
    say(f"miner: {error}")
    return code


def parser() -> ArgumentParser:
    """The whole command line; commands load what they need when they run."""
    root = ArgumentParser(prog="miner", description="Reads support tickets and says what is wrong with the product.")
    root.add_argument("--version", action="version", version=f"miner {VERSION}")
    commands = root.add_subparsers(required=True, metavar="COMMAND")

    up = _command(commands, "up", "serving:up", "run everything on this machine: database, web, worker, scheduler")
    up.add_argument("--port", type=_whole(1, 65_535), help="the dashboard's port (PORT)")

    demo = _command(commands, "demo", "serving:demo", "run the pipeline on 1,076 real user reports and show the result")
    demo.add_argument("--exit", action="store_true", help="stop after the pipeline")
    demo.add_argument("--remove", action="store_true", help="take the sample out again")
    demo.add_argument("--port", type=_whole(1, 65_535), help="the dashboard's port (PORT)")

    database = _group(commands, "db", "the database")
    _command(database, "upgrade", "database:upgrade", "bring the schema to this release")

    imports = _command(commands, "import", "work:import_files", "read tickets from NDJSON, JSON or CSV files, also .gz")
    imports.add_argument("files", nargs="+", metavar="FILE")
    imports.add_argument("--source", help="the source name; default file:<name>")
    imports.add_argument("--columns", help="what its columns are called: subject=Title,created_at=Opened")
    imports.add_argument("--json", action="store_true", help="print the runs as JSON")

    run = _group(commands, "run", "start a job")
    for job in JOBS.values():
        if job.startable:
            _job_command(run, job)

    runs = _group(commands, "runs", "look at runs, cancel them")
    listing = _command(runs, "list", "history:list_runs", "the newest runs")
    listing.add_argument("--job", choices=sorted(JOBS))
    listing.add_argument("--limit", type=_whole(1, 10_000), default=20)
    listing.add_argument("--json", action="store_true")
    show = _command(runs, "show", "history:show_run", "one run with its steps and log")
    show.add_argument("id", type=int)
    show.add_argument("--json", action="store_true")
    cancel = _command(runs, "cancel", "history:cancel_run", "ask a run to stop")
    cancel.add_argument("id", type=int)
    retry = _command(runs, "retry", "history:retry_run", "repeat a run that is over, with the same arguments")
    retry.add_argument("id", type=int)
    retry.add_argument("--args", help="other arguments, as a JSON object")

    schedules = _group(commands, "schedules", "when jobs start by themselves")
    listing = _command(schedules, "list", "history:list_schedules", "every schedule with its next time")
    listing.add_argument("--json", action="store_true")

    change = _command(schedules, "set", "schedules:change", "edit a schedule, or make one with --job and --cron")
    change.add_argument("id")
    change.add_argument("--cron", help="five fields, or @daily and the like")
    change.add_argument("--timezone", help="IANA zone, for example Europe/Berlin")
    change.add_argument("--job", choices=sorted(name for name, job in JOBS.items() if job.startable))
    change.add_argument("--args", help="the job's arguments, as a JSON object")
    change.add_argument("--title")
    change.add_argument("--grace", type=int, help="seconds a start may be late")
    change.add_argument("--coalesce", action=BooleanOptionalAction, help="several missed times start one run")
    halt = _command(schedules, "pause", "schedules:pause", "let a schedule start nothing for a while")
    halt.add_argument("id")
    halt.add_argument("--note", required=True, help="why, for those who wonder")
    go_on = _command(schedules, "resume", "schedules:resume", "let a schedule start runs again")
    go_on.add_argument("id")

    pause = _command(commands, "pause", "pausing:pause", "stop everything: no run, no schedule, no outside call")
    pause.add_argument("--reason", required=True, help="why, for those who find everything stopped")
    resume = _command(commands, "resume", "pausing:resume", "show what will run, then let everything go on")
    resume.add_argument("--yes", action="store_true", help="do not ask")

    check = _command(commands, "doctor", "doctor:doctor", "check the connection to Zendesk and say what to fix")
    check.add_argument("--json", action="store_true")

    sources = _group(commands, "source", "accounts whose tickets are here")
    listing = _command(sources, "list", "sources:list_sources", "every account, and what becomes of its tickets")
    listing.add_argument("--json", action="store_true")
    for name, sentence in (
        ("keep", "keep an account's tickets, without syncing them any more"),
        ("hide", "take an account's tickets out of every count, without removing them"),
    ):
        _command(sources, name, f"sources:{name}", sentence).add_argument("source", metavar="zendesk:NAME")
    for name, sentence in (
        ("clear", "forget what was synced, so that the next sync fetches it anew"),
        ("remove", "remove an account's tickets and all that was found in them"),
        ("purge", "remove the tickets of brands that are no longer kept"),
    ):
        _confirmed(_command(sources, name, f"sources:{name}", sentence)).add_argument("source", metavar="zendesk:NAME")

    again = _group(commands, "start-over", "begin again, keeping what people did, history and audit")
    _confirmed(_command(again, "themes", "sources:themes", "dissolve the themes nobody touched and group anew"))
    _confirmed(_command(again, "analyses", "sources:analyses", "let every ticket be read again"))
    tickets = _command(again, "tickets", "sources:clear", "fetch an account's tickets anew, as `miner source clear`")
    _confirmed(tickets).add_argument("source", metavar="zendesk:NAME")
    customers = _group(commands, "customers", "who is affected")
    listed = _command(customers, "import", "customers:import_list", "take over plan, revenue and owner from a CSV file")
    listed.add_argument("file", metavar="FILE")

    exports = _group(commands, "export", "lists as files")
    for name in ("issues", "themes", "tickets", "customers"):
        listed = _command(exports, name, "export:export", f"{name} with their filters, as CSV, JSON or Excel file")
        listed.set_defaults(list=name)
        listed.add_argument("--format", choices=["csv", "json", "xlsx"], default="csv")
        listed.add_argument("--filter", action="append", default=[], metavar="NAME=VALUE",
                            help="as in the address of the list, for example type=bug; may be repeated")  # fmt: skip
        listed.add_argument("--output", default="-", metavar="FILE", help="default: standard output")

    people = _group(commands, "users", "people who can log in")
    create = _command(people, "create", "users:create", "make a user and print the link that lets them set a password")
    create.add_argument("email")
    create.add_argument("--name", default="", help="what pages call them")
    create.add_argument("--role", choices=["viewer", "operator", "admin"], default="viewer")
    reset = _command(people, "reset", "users:reset", "take password and second factor away and print a new link")
    reset.add_argument("email")
    shut = _command(people, "disable", "users:disable", "shut a user out, now")
    shut.add_argument("email")
    admit = _command(people, "enable", "users:enable", "let a user in again")
    admit.add_argument("email")
    role = _command(people, "role", "users:role", "change what a user may do")
    role.add_argument("email")
    role.add_argument("role", choices=["viewer", "operator", "admin"])
    listing = _command(people, "list", "users:list_all", "every user")
    listing.add_argument("--json", action="store_true")
    _command(people, "rekey", "users:rekey", "seal what is stored with the first key of SECRET_KEY")

    settled = _command(commands, "config", "configuration:show", "every variable, where it comes from, secrets masked")
    settled.set_defaults(checks_environment=False)
    settled.add_argument("--json", action="store_true")

    tokens = _group(commands, "tokens", "secrets that let programs and people in")
    create = _command(tokens, "create", "tokens:create", "make a token and print it once")
    create.add_argument("name", help="what it is for")
    create.add_argument("--role", choices=["viewer", "operator", "admin"], default="admin")
    create.add_argument("--scope", choices=["read", "run", "admin"], help="the same, as programs call it")
    create.add_argument("--days", type=_whole(1, 3650), help="it ends after this many days; default: never")
    listing = _command(tokens, "list", "tokens:list_all", "every token, without its secret")
    listing.add_argument("--json", action="store_true")
    revoke = _command(tokens, "revoke", "tokens:revoke", "end a token and its sessions")
    revoke.add_argument("id")

    values = _group(commands, "settings", "what operators edit, as a file")
    _command(values, "export", "settings:export", "print the settings as TOML")
    load = _command(values, "import", "settings:import_file", "take settings over from a TOML file; - reads the input")
    load.add_argument("file", metavar="FILE")
    load.add_argument("--reset", action="store_true", help="what the file does not name goes back to its default")
    load.add_argument("--note", help="why, for the list of versions")

    backlog = _group(commands, "backlog", "older tickets that Claude reads once somebody says so")
    listing = _command(backlog, "list", "backlog:list_all", "what waits for an answer or was left, with its price")
    listing.add_argument("--json", action="store_true")
    for name, sentence in (("read", "read them too"), ("leave", "leave them unread")):
        said = _command(backlog, name, "backlog:answer", sentence)
        said.set_defaults(answer=name)
        said.add_argument("id", type=int, nargs="?", help="which; default: all that wait for an answer")

    add_judgement(commands, _group, _command)
    add_theme_commands(_group(commands, "themes", "change themes, decide on a grouping, try a granularity"), _command)

    costs = _command(commands, "costs", "costs:costs", "what reading with Claude has cost, and what waits")
    costs.add_argument("--by", choices=["run", "model", "month", "theme"], default="run", help="what a row is")
    costs.add_argument("--json", action="store_true")
    costs.add_argument("--limit", type=_whole(1, 10_000), default=20, help="how many rows")
    return root


def _confirmed(command: ArgumentParser) -> ArgumentParser:
    """A command that takes something away: without --yes it only says what it would do."""
    command.add_argument("--yes", action="store_true", help="do it")
    return command


def _whole(least: int, most: int) -> Callable[[str], int]:
    """The type of an option that takes a whole number within bounds."""

    def parse(text: str) -> int:
        if not text.isascii() or not text.isdecimal() or not least <= int(text) <= most:
            raise ArgumentTypeError(f"{text!r} is not a whole number from {least} to {most}")
        return int(text)

    return parse


def _group(commands: Any, name: str, sentence: str) -> Any:
    return commands.add_parser(name, help=sentence, description=sentence).add_subparsers(
        required=True, metavar="COMMAND"
    )


def _command(commands: Any, name: str, function: str, sentence: str) -> ArgumentParser:
    command: ArgumentParser = commands.add_parser(name, help=sentence, description=sentence)
    command.set_defaults(run_command=lambda options: _call(function, options))
    return command


def _call(function: str, options: Namespace) -> int:
    from importlib import import_module

    module, _, name = function.partition(":")
    return int(getattr(import_module(f"miner.commands.{module}"), name)(options))


def _job_command(run: Any, job: Job) -> None:
    """`miner run JOB`, with an option for each argument the job declares."""
    command = _command(run, job.name, "work:run", job.sentence)
    command.set_defaults(job=job.name)
    for name, field in job.arguments.model_fields.items():
        option = name.removesuffix("_date").replace("_", "-")
        kind = int if field.annotation in (int, int | None) else str
        command.add_argument(f"--{option}", type=kind, help=field.description, dest=name)
    if any(step.name == "analyze" for step in job.steps):
        command.add_argument("--estimate", action="store_true", help="say what it will cost and start nothing")
    command.add_argument("--wait", action="store_true", help="wait for its end")
    command.add_argument("--here", action="store_true", help="work it in this process")
    command.add_argument("--json", action="store_true", help="print the run as JSON")


if __name__ == "__main__":
    sys.exit(main())
