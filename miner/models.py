"""Every table: the data dictionary, one file per noun in `miner/tables/`. Import models from here.

Foreign keys cross the nouns, so all files are loaded together. `doc` is the sentence behind a column; the migrations
are written by hand and a test compares what they make with what stands here.

Rules that hold everywhere: ids are bigint identities and are never used again; times are timestamptz by the
database's clock; states are text with a CHECK, since enum types cannot lose a value; "unknown" is NULL.
"""

from miner.tables.access import ApiToken, AuditEntry, SettingsVersion, Throttle, User, UserLink, WebSession
from miner.tables.base import (
    ACTIVE_STATES,
    BATCH_STATES,
    ISSUE_TYPES,
    RUN_STATES,
    SEVERITIES,
    STEP_STATES,
    TERMINAL_STATES,
    THEME_STATUSES,
    TICK_OUTCOMES,
    TREND_FLAGS,
    TRIGGERS,
    WAIT_REASONS,
    Base,
)
from miner.tables.batches import ModelBatch, ModelBatchRequest
from miner.tables.following import CONTACT_STATES, LOG_KINDS, ThemeContact, ThemeLink, ThemeLogLine
from miner.tables.help_center import HelpArticle, HelpCenterState
from miner.tables.issues import Analysis, Embedding, Issue, ModelCall
from miner.tables.judgement import (
    CORRECTION_KINDS,
    SCOPES,
    VERDICTS,
    Check,
    CheckItem,
    Correction,
    Rereading,
    RereadIssue,
    RereadTicket,
    Trial,
    TrialReading,
)
from miner.tables.money import BACKLOG_ANSWERS, BACKLOG_REASONS, Backlog
from miner.tables.runs import JobRun, JobRunAttempt, JobRunEvent, JobRunKey, JobRunStep
from miner.tables.schedules import Beat, JobWake, Schedule, ScheduleTick, Switch, Worker
from miner.tables.setup import SETUP_STEPS, SetupCheck
from miner.tables.themes import Theme, ThemeDay, ThemeEpisode, ThemeEvent, TrendLook
from miner.tables.theming import ThemeEdit, ThemeGrouping, ThemeLikeness, ThemeProposal
from miner.tables.tickets import Customer, Person, SyncCursor, Ticket, TicketComment
from miner.tables.views import LISTS, SavedView
from miner.tables.weeks import ClosedWeek, WeekVisit
from miner.tables.zendesk import (
    AccessToken,
    CustomerFact,
    DueConversation,
    MirrorCheck,
    RateBudget,
    StagedComment,
    TicketMerge,
    WebhookCall,
    ZendeskAccount,
    ZendeskTitle,
)

__all__ = [
    "ACTIVE_STATES",
    "BACKLOG_ANSWERS",
    "BACKLOG_REASONS",
    "BATCH_STATES",
    "CONTACT_STATES",
    "CORRECTION_KINDS",
    "ISSUE_TYPES",
    "LISTS",
    "LOG_KINDS",
    "RUN_STATES",
    "SCOPES",
    "SETUP_STEPS",
    "SEVERITIES",
    "STEP_STATES",
    "TERMINAL_STATES",
    "THEME_STATUSES",
    "TICK_OUTCOMES",
    "TREND_FLAGS",
    "TRIGGERS",
    "VERDICTS",
    "WAIT_REASONS",
    "AccessToken",
    "Analysis",
    "ApiToken",
    "AuditEntry",
    "Backlog",
    "Base",
    "Beat",
    "Check",
    "CheckItem",
    "ClosedWeek",
    "Correction",
    "Customer",
    "CustomerFact",
    "DueConversation",
    "Embedding",
    "HelpArticle",
    "HelpCenterState",
    "Issue",
    "JobRun",
    "JobRunAttempt",
    "JobRunEvent",
    "JobRunKey",
    "JobRunStep",
    "JobWake",
    "MirrorCheck",
    "ModelBatch",
    "ModelBatchRequest",
    "ModelCall",
    "Person",
    "RateBudget",
    "RereadIssue",
    "RereadTicket",
    "Rereading",
    "SavedView",
    "Schedule",
    "ScheduleTick",
    "SettingsVersion",
    "SetupCheck",
    "StagedComment",
    "Switch",
    "SyncCursor",
    "Theme",
    "ThemeContact",
    "ThemeDay",
    "ThemeEdit",
    "ThemeEpisode",
    "ThemeEvent",
    "ThemeGrouping",
    "ThemeLikeness",
    "ThemeLink",
    "ThemeLogLine",
    "ThemeProposal",
    "Throttle",
    "Ticket",
    "TicketComment",
    "TicketMerge",
    "TrendLook",
    "Trial",
    "TrialReading",
    "User",
    "UserLink",
    "WebSession",
    "WebhookCall",
    "WeekVisit",
    "Worker",
    "ZendeskAccount",
    "ZendeskTitle",
]
