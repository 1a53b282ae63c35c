"""Every job, declared once. The actor, the command, the API operation, the form and the card all come from here.

A step is named by a dotted function, loaded when it runs, so that the web process never loads what only work needs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from pydantic import ValidationError

from miner.errors import InvalidArguments, UnknownJob
from miner.runs.arguments import (
    AnalyzeArguments,
    Arguments,
    ImportArguments,
    NoArguments,
    PipelineArguments,
    PreviewArguments,
    SyncArguments,
    TrialArguments,
)
from miner.settings import field_faults


@dataclass(frozen=True)
class Step:
    """One stage of a job: its name, its function as `module:name`, what it counts, and what it says it does.

    `key` is the one of the job's keys that this step works under; a run that waits long keeps no other.
    """

    name: str
    function: str
    unit: str
    saying: str
    key: str | None = None

    def load(self) -> Callable[..., Any]:
        module, _, name = self.function.partition(":")
        function: Callable[..., Any] = getattr(import_module(module), name)
        return function


@dataclass(frozen=True)
class Job:
    """A named kind of work.

    `keys` are what a run needs for itself alone; `deadline_seconds` is working time, waits do not count;
    `startable` is False for a job that must not be started from a page or over the network.
    """

    name: str
    title: str
    button: str
    sentence: str
    steps: tuple[Step, ...]
    arguments: type[Arguments] = NoArguments
    keys: tuple[str, ...] = ()
    max_attempts: int = 3
    max_rescues: int = 2
    deadline_seconds: int = 6 * 3600
    startable: bool = True

    def parse(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Validated arguments as plain JSON; raises InvalidArguments naming each refused field."""
        try:
            return self.arguments.model_validate(dict(arguments)).model_dump(mode="json", exclude_none=True)
        except ValidationError as error:
            raise InvalidArguments(field_faults(error)) from None


SYNC = Step("sync", "miner.tickets.sync:run", "tickets", "Syncing tickets", key="sync")
ANALYZE = Step("analyze", "miner.issues.analyze:run", "tickets", "Analyzing tickets", key="analyze")
CLUSTER = Step("cluster", "miner.themes.cluster:run", "issues", "Grouping issues into themes", key="themes")
TRENDS = Step("trends", "miner.trends.refresh:run", "themes", "Updating trends", key="themes")
WEEKS = Step("weeks", "miner.trends.closing:run", "weeks", "Keeping the weeks that are over", key="themes")
IMPORT = Step("import", "miner.tickets.importer:run", "tickets", "Importing tickets")
SAMPLE = Step("sample", "miner.tickets.importer:run_sample", "tickets", "Importing the sample", key="sync")
RECONCILE = Step("reconcile", "miner.tickets.reconcile:run", "tickets", "Comparing the mirror with the account")
SETTLE = Step("settle", "miner.issues.batch:settle", "tickets", "Bringing open batches to their end", key="analyze")
HELP_CENTER = Step("help_center", "miner.help_center.refresh:run", "help centers", "Reading the Help Center")
TRIAL = Step("trial", "miner.issues.trial:run", "tickets", "Reading a sample apart")
PREVIEW = Step("preview", "miner.themes.previewing:run", "groupings", "Counting the themes there would be")
RETENTION = Step("retention", "miner.runs.retention:run", "runs", "Removing old runs")

JOBS: dict[str, Job] = {}


def register(job: Job) -> Job:
    """Add a job; `actors.jobs.declare(job)` then gives it its actor."""
    if job.name in JOBS:
        raise ValueError(f"a job named {job.name!r} is registered already")
    JOBS[job.name] = job
    return job


register(
    Job(
        name="sync",
        title="Sync tickets",
        button="Sync now",
        sentence="Fetches new and changed tickets from Zendesk.",
        steps=(SYNC,),
        arguments=SyncArguments,
        keys=("sync",),
    )
)
register(
    Job(
        name="analyze",
        title="Analyze tickets",
        button="Analyze now",
        sentence="Reads tickets that were not read yet and extracts the product issues in them.",
        steps=(ANALYZE,),
        arguments=AnalyzeArguments,
        keys=("analyze",),
    )
)
register(
    Job(
        name="cluster",
        title="Group issues",
        button="Cluster",
        sentence="Groups the issues into themes; themes that are known keep their id.",
        steps=(CLUSTER,),
        keys=("themes",),
    )
)
register(
    Job(
        name="trends",
        title="Update trends",
        button="Update trends",
        sentence="Counts reports by day, says which themes are new, rising or fading, and keeps weeks that are over.",
        steps=(TRENDS, WEEKS),
        keys=("themes",),
    )
)
register(
    Job(
        name="pipeline",
        title="Full pipeline",
        button="Run pipeline",
        sentence="Sync, analyze, cluster and trends, one after the other.",
        steps=(SYNC, ANALYZE, CLUSTER, TRENDS),
        arguments=PipelineArguments,
        keys=("analyze", "sync", "themes"),
    )
)
register(
    Job(
        name="import",
        title="Import a file",
        button="Import",
        sentence="Reads tickets from a file on this machine.",
        steps=(IMPORT,),
        arguments=ImportArguments,
        keys=("sync",),
        max_attempts=1,
        startable=False,  # its path names a file of the machine, so it must not come over the network
    )
)
register(
    Job(
        name="sample",
        title="Load the sample",
        button="Load the sample",
        sentence="Imports 1,076 real bug reports that come along, reads them and groups them, to look around.",
        steps=(SAMPLE, ANALYZE, CLUSTER, TRENDS),
        keys=("analyze", "sync", "themes"),
    )
)


register(
    Job(
        name="reconcile",
        title="Compare with Zendesk",
        button="Compare now",
        sentence="Compares every stored ticket with the Zendesk account, repairs what differs, and says how complete "
        "the mirror is.",
        steps=(RECONCILE,),
        keys=("sync",),
    )
)
register(
    Job(
        name="batches",
        title="Settle batches",
        button="Settle",
        sentence="Cancels the open batches of cancelled runs at Claude and stores what was finished; starts by itself.",
        steps=(SETTLE,),
        keys=("analyze",),
        startable=False,
    )
)
register(
    Job(
        name="regroup",
        title="Group what is read",
        button="Group",
        sentence="Groups issues and updates trends while a pipeline waits to read the rest; starts by itself.",
        steps=(CLUSTER, TRENDS),
        keys=("themes",),
        startable=False,
    )
)
register(
    Job(
        name="help_center",
        title="Read the Help Center",
        button="Read it now",
        sentence="Fetches the public articles of the Help Centers that the settings name.",
        steps=(HELP_CENTER,),
        keys=("help_center",),
        deadline_seconds=3600,
    )
)
register(
    Job(
        name="trial",
        title="Try on a sample",
        button="Try on a sample",
        sentence="Reads some tickets once more as everything is configured now, and stores what it finds apart.",
        steps=(TRIAL,),
        arguments=TrialArguments,
        keys=("trial",),
    )
)
register(
    Job(
        name="preview",
        title="Preview a granularity",
        button="Count the themes",
        sentence="Groups what is stored as another granularity would, and says how many themes that gives. Nothing "
        "changes.",
        steps=(PREVIEW,),
        arguments=PreviewArguments,
        keys=("preview",),
        deadline_seconds=3600,
    )
)
register(
    Job(
        name="retention",
        title="Cut the history",
        button="Cut the history",
        sentence="Removes finished runs older than the settings say; the last success and failure of each job stay.",
        steps=(RETENTION,),
        keys=("retention",),
    )
)


def get_job(name: str) -> Job:
    """The job of that name; raises UnknownJob with the names there are."""
    if name not in JOBS:
        raise UnknownJob(name, sorted(JOBS))
    return JOBS[name]
