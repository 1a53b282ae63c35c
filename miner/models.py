"""Every table: the data dictionary, one file per noun in `miner/tables/`. Import models from here.

Foreign keys cross the nouns, so all files are loaded together. `doc` is the sentence behind a column; the migrations
are written by hand and a test compares what they make with what stands here.

Rules that hold everywhere: ids are bigint identities and are never used again; times are timestamptz by the
database's clock; states are text with a CHECK, since enum types cannot lose a value; "unknown" is NULL.
"""

from miner.tables.access import ApiToken, AuditEntry, SettingsVersion, Throttle, User, UserLink, WebSession
from miner.tables.base import (
    ACTIVE_STATES,
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
from miner.tables.help_center import HelpArticle, HelpCenterState
from miner.tables.issues import Analysis, Embedding, Issue, ModelCall
from miner.tables.money import BACKLOG_ANSWERS, BACKLOG_REASONS, Backlog
from miner.tables.runs import (
    Beat,
    JobRun,
    JobRunAttempt,
    JobRunEvent,
    JobRunKey,
    JobRunStep,
    JobWake,
    Schedule,
    ScheduleTick,
    Switch,
    Worker,
)
from miner.tables.themes import Theme, ThemeDay, ThemeEpisode, ThemeEvent, TrendLook
from miner.tables.theming import ThemeEdit, ThemeGrouping, ThemeLikeness, ThemeProposal
from miner.tables.tickets import Customer, Person, SyncCursor, Ticket, TicketComment
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
)

__all__ = [
    "ACTIVE_STATES",
    "BACKLOG_ANSWERS",
    "BACKLOG_REASONS",
    "ISSUE_TYPES",
    "RUN_STATES",
    "SEVERITIES",
    "STEP_STATES",
    "TERMINAL_STATES",
    "THEME_STATUSES",
    "TICK_OUTCOMES",
    "TREND_FLAGS",
    "TRIGGERS",
    "WAIT_REASONS",
    "AccessToken",
    "Analysis",
    "ApiToken",
    "AuditEntry",
    "Backlog",
    "Base",
    "Beat",
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
    "ModelCall",
    "Person",
    "RateBudget",
    "Schedule",
    "ScheduleTick",
    "SettingsVersion",
    "StagedComment",
    "Switch",
    "SyncCursor",
    "Theme",
    "ThemeDay",
    "ThemeEdit",
    "ThemeEpisode",
    "ThemeEvent",
    "ThemeGrouping",
    "ThemeLikeness",
    "ThemeProposal",
    "Throttle",
    "Ticket",
    "TicketComment",
    "TicketMerge",
    "TrendLook",
    "User",
    "UserLink",
    "WebSession",
    "WebhookCall",
    "Worker",
    "ZendeskAccount",
]
