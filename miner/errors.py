"""Every error this project raises on purpose, as one tree.

MinerError
├── ConfigError                 the environment is wrong; exit code 4
│   └── NoDatabase
├── UsageError                  the caller asked for something that cannot be; exit code 2, HTTP 422
│   ├── UnknownJob
│   ├── Conflict                something else stands where this should; HTTP 409
│   │   └── SettingsConflict    somebody else changed the same settings meanwhile
│   └── InvalidArguments        `.fields` maps the field's name to what is wrong with it
├── NotFound                    the id names nothing; HTTP 404
├── Refused                     the actor may not do this; HTTP 403
├── LoginRefused                wrong, and nothing says which part; the login page shows it again
├── TooMany                     tried too often; not before `.retry_after` seconds; HTTP 429
├── RunAlreadyActive            a key is held; `.run_id` is the run that holds it; exit code 3, HTTP 409
├── BrokerUnavailable           the row is written, the bell could not be rung; `.run_id` will be rung again
├── StepError                   a step cannot do its work; the run fails unless `retryable`
│   ├── MissingConfiguration    a variable must be set first
│   ├── ImportFailed
│   ├── ModelDamaged            the embedding weights are not the ones that were tested
│   ├── ClaudeTrouble           retryable: Claude is away, overloaded, or the connection broke
│   ├── HelpCenterRefused       a Help Center that cannot be read as it is configured
│   ├── HelpCenterTrouble       retryable: a Help Center is away, or sent what cannot be read
│   └── ZendeskError            Zendesk did not give what was asked for
│       ├── ZendeskAuthentication   the credentials are refused
│       ├── ZendeskForbidden        they are known but may not do this
│       ├── ZendeskGone             this ticket or page is not there (any more)
│       ├── ZendeskRefused          the request itself is wrong; `.detail` is Zendesk's word for it
│       └── ZendeskTrouble          retryable: it may go better later
│           ├── ZendeskLimited          too many calls; not before `.retry_after` seconds
│           ├── ZendeskTooBig           the page took too long; a smaller one may not
│           └── ZendeskBadPayload       an answer that cannot be read is never "no rows"
└── Interruption                not a failure: the run leaves its thread
    ├── RunLost                 another worker holds the run now; nothing of this unit is kept
    ├── RateLimited             another service asks to wait longer than a thread should; `.seconds`
    ├── AttentionNeeded         nothing goes on until somebody acts; looked at again in `.seconds`
    │   ├── ConfigurationNeeded     a key, a model or an address is missing, refused or retired
    │   └── BudgetReached           a limit on money is reached, ours or the account's
    ├── BatchUnderWay           what was sent as a batch is not ready; asked for again in `.seconds`
    ├── KeyHeld                 another run works on what the next step needs
    ├── CancelRequested
    ├── PauseRequested          everything was paused; the run waits until it is resumed
    ├── ShutdownRequested       the process is stopping; the run goes back and resumes elsewhere
    └── YieldDue                the run has worked its share; others get a turn

`retryable` says whether trying the same again can help, `retry_after` when (seconds; None: the job's own backoff).
Only a retryable error costs an attempt. A message names its subject and the remedy: it is shown to people as it is.
"""

from __future__ import annotations


class MinerError(Exception):
    """Base of all errors raised on purpose; `str(error)` is the sentence people read."""

    retryable = False
    retry_after: float | None = None


class ConfigError(MinerError):
    """The environment is wrong or incomplete; `faults` lists all of them at once."""

    def __init__(self, *faults: str) -> None:
        self.faults = faults
        super().__init__("; ".join(faults))


class NoDatabase(ConfigError):
    """No DATABASE_URL is set and no embedded server runs for this MINER_HOME."""

    def __init__(self) -> None:
        super().__init__("no database: run `miner up` or set DATABASE_URL")


class UsageError(MinerError):
    """The caller asked for something that cannot be; nothing was changed."""


class UnknownJob(UsageError):
    def __init__(self, name: str, known: list[str]) -> None:
        self.name = name
        super().__init__(f"unknown job {name!r}: choose one of {', '.join(known)}")


class Conflict(UsageError):
    """What was asked for is well said, but something else stands in its place; the sentence names it."""


class InvalidArguments(UsageError):
    """`fields` maps each refused field to a sentence."""

    def __init__(self, fields: dict[str, str]) -> None:
        self.fields = fields
        super().__init__("; ".join(f"{name}: {reason}" for name, reason in fields.items()))


class SettingsConflict(Conflict):
    """`names` are settings that somebody else changed since; `version` is the one in force now."""

    def __init__(self, version: int, names: list[str]) -> None:
        self.version, self.names = version, names
        super().__init__(
            f"version {version} of the settings came meanwhile and changed {', '.join(names)}: look at it, then save "
            "again"
        )


class NotFound(MinerError):
    def __init__(self, kind: str, key: object) -> None:
        self.kind, self.key = kind, key
        super().__init__(f"no {kind} {key}")


class Refused(MinerError):
    """The actor is known but may not do this."""


class LoginRefused(MinerError):
    """A password, code or token that lets nobody in; the sentence is the same for every reason."""


class TooMany(MinerError):
    """Somebody tried too often; the same may be tried again after `retry_after` seconds."""

    def __init__(self, what: str, seconds: int) -> None:
        self.retry_after = seconds
        super().__init__(f"{what}: try again in {seconds} s")


class RunAlreadyActive(MinerError):
    """A key this run needs is held by `run_id`, a run of `job_name` in `state`."""

    def __init__(self, run_id: int, job_name: str, state: str) -> None:
        self.run_id, self.job_name, self.state = run_id, job_name, state
        super().__init__(f"{job_name} is already active: run {run_id} is {state}; wait for it or cancel it")


class BrokerUnavailable(MinerError):
    """The run is written and will be rung again; only the bell failed now."""

    def __init__(self, run_id: int, cause: str) -> None:
        self.run_id = run_id
        super().__init__(
            f"run {run_id} is queued, but the broker cannot be reached ({cause}); it starts when it is back"
        )


class StepError(MinerError):
    """A step cannot do its work."""


class TransientStepError(StepError):
    """Trying again later can help."""

    retryable = True

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class MissingConfiguration(StepError):
    def __init__(self, what: str, variables: list[str]) -> None:
        self.variables = variables
        super().__init__(f"{what} is not configured: set {', '.join(variables)}")


class ImportFailed(StepError):
    """A file cannot be read as tickets; names the file, the line and the remedy."""


class ModelDamaged(StepError):
    """The embedding weights or tokenizer are not the ones that were tested."""


class ClaudeTrouble(StepError):
    """An outage, an overload, a cut connection; `sent`: the call may have been worked and billed all the same."""

    retryable = True

    def __init__(self, message: str, *, sent: bool = False) -> None:
        self.sent = sent
        super().__init__(message)


class HelpCenterRefused(StepError):
    """A Help Center that is not public, not there, or not where the settings say."""


class HelpCenterTrouble(StepError):
    """A Help Center that is away, limits its calls, or sent what cannot be read."""

    retryable = True

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class ZendeskError(StepError):
    """Zendesk did not give what was asked for."""


class ZendeskAuthentication(ZendeskError):
    """The credentials are refused; somebody must renew them."""


class ZendeskForbidden(ZendeskError):
    """The credentials are known but may not do this; somebody must give them the right."""


class ZendeskGone(ZendeskError):
    """What was asked for is not there: for a ticket, it was deleted meanwhile."""


class ZendeskRefused(ZendeskError):
    """The request itself is refused; `detail` is Zendesk's own word for the reason, one line."""

    def __init__(self, message: str, detail: str) -> None:
        self.detail = detail
        super().__init__(message)


class ZendeskTrouble(ZendeskError):
    """An outage, a cut connection, a timeout: trying again later can help."""

    retryable = True

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class ZendeskLimited(ZendeskTrouble):
    """Too many calls; no call before `retry_after` seconds from now (None: it did not say)."""


class ZendeskTooBig(ZendeskTrouble):
    """Zendesk or we gave up on the page: it is too much at once; a smaller one may work."""


class ZendeskBadPayload(ZendeskTrouble):
    """HTML, cut JSON or a missing envelope where data was promised."""


class Interruption(MinerError):
    """Not a failure: the run leaves its thread at a unit's edge."""


class RunLost(Interruption):
    """Another worker holds the run now; the open unit is rolled back and nothing of it is kept."""


class RateLimited(Interruption):
    """Another service asks to wait; the run waits `seconds` without holding a thread, and costs no attempt."""

    def __init__(self, message: str, seconds: float) -> None:
        self.seconds = seconds
        super().__init__(message)


class AttentionNeeded(Interruption):
    """Nothing goes on until somebody acts; the run waits for `reason` and looks again in `seconds`."""

    reason = "configuration"
    seconds = 600.0


class ConfigurationNeeded(AttentionNeeded):
    """The environment must be changed; the message says what is wrong and what to set."""


class BudgetReached(AttentionNeeded):
    """A limit on money is reached; the message says which one and where it is raised."""

    reason = "budget"
    seconds = 3_600.0


class BatchUnderWay(Interruption):
    """Claude works on a batch; the run waits without holding a thread and asks again in `seconds`."""

    reason = "batch"

    def __init__(self, message: str, seconds: float) -> None:
        self.seconds = seconds
        super().__init__(message)


class KeyHeld(Interruption):
    """Another run holds a key that the next step needs; looked at again in `seconds`."""

    reason, seconds = "key", 10.0


class CancelRequested(Interruption):
    """Somebody asked for the run to stop."""


class PauseRequested(Interruption):
    """Everything was paused; the run waits until somebody resumes."""


class ShutdownRequested(Interruption):
    """The process is stopping; the run resumes elsewhere from its checkpoint."""


class YieldDue(Interruption):
    """The run has worked its share; it rings itself and goes on after others had a turn."""
