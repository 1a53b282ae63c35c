"""The account's rows as the API prints them (shapes of the reference, section 1.8)."""

from __future__ import annotations

from typing import Any

from tests.standins.zendesk.clock import iso
from tests.standins.zendesk.model import DELETED, SCRUBBED, Comment, Message, Organization, Ticket, User
from tests.standins.zendesk.store import BRANDS, GROUPS, STATUSES, Store

FIELDS = {
    11001: ("tagger", "Area"), 11002: ("text", "Device"), 11003: ("multiselect", "Platforms"),
    11004: ("checkbox", "Paying"), 11005: ("integer", "Seats"), 11006: ("decimal", "Version"), 11007: ("date", "Since"),
    11008: ("regexp", "Serial"), 11009: ("lookup", "Related"), 11010: ("textarea", "Steps"),
    11011: ("partialcreditcard", "Card"),
}  # fmt: skip
SYSTEM_FIELDS = ("subject", "description", "status", "tickettype", "priority", "group", "assignee", "custom_status")
CATEGORY = {name: number for number, name in STATUSES.items()}
BARE = ("id", "status", "generated_timestamp", "created_at", "updated_at")
MESSAGING = ("native_messaging", "whatsapp", "facebook")


class Shapes:
    """`base` is the address printed in urls; `subdomain` the one printed in attachments."""

    def __init__(self, base: str) -> None:
        self.base = base

    def ticket(self, ticket: Ticket, *, exported: bool, bare_deleted: bool = False) -> dict[str, Any]:
        """`exported` adds generated_timestamp, which show and list endpoints do not have."""
        scrubbed = ticket.state == SCRUBBED
        custom = [{"id": number, "value": ticket.custom.get(number)} for number in FIELDS]
        row: dict[str, Any] = {
            "url": f"{self.base}/api/v2/tickets/{ticket.id}.json", "id": ticket.id, "external_id": None,
            "via": via(ticket.channel, ticket.follows), "created_at": iso(ticket.created_at),
            "updated_at": iso(ticket.updated_at), "type": ticket.type, "subject": ticket.subject,
            "raw_subject": ticket.subject, "description": "SCRUBBED" if scrubbed else ticket.description,
            "priority": ticket.priority, "status": ticket.status, "custom_status_id": CATEGORY.get(ticket.status),
            "recipient": "help@acme.invalid" if ticket.channel == "email" else None,
            "requester_id": ticket.requester_id, "submitter_id": ticket.requester_id,
            "assignee_id": ticket.assignee_id, "organization_id": ticket.organization_id, "group_id": ticket.group_id,
            "collaborator_ids": [], "follower_ids": [], "email_cc_ids": [], "forum_topic_id": None,
            "problem_id": ticket.problem_id, "has_incidents": False, "due_at": None,
            "is_public": not ticket.comments or any(one.public for one in ticket.comments),
            "tags": list(ticket.tags), "custom_fields": custom, "fields": custom,
            "satisfaction_rating": {"score": ticket.score}, "sharing_agreement_ids": [], "followup_ids": [],
            "ticket_form_id": 610, "brand_id": ticket.brand_id, "allow_channelback": False, "allow_attachments": True,
            "from_messaging_channel": ticket.channel in MESSAGING,
        }  # fmt: skip
        if exported:
            row["generated_timestamp"] = ticket.generated
        if ticket.ai_agent:
            row["support_type"] = "ai_agent"  # the marker's name is a guess: a mirror keeps it, and no more
        row |= ticket.shown
        if bare_deleted and ticket.state in (DELETED, SCRUBBED):
            row = {key: row[key] for key in BARE if key in row}
        for key in ticket.absent:
            row.pop(key, None)
        return row

    def comment(self, comment: Comment, *, channel: str) -> dict[str, Any]:
        body = comment.body
        row: dict[str, Any] = {
            "id": comment.id, "type": comment.kind, "author_id": comment.author_id, "body": body,
            "html_body": f'<div class="zd-comment" dir="auto">{_escape(body)}</div>', "plain_body": body,
            "public": comment.public, "attachments": self._attachments(comment), "audit_id": comment.id + 1,
            "via": comment_via(comment, channel), "created_at": iso(comment.created_at),
            "metadata": {"system": {"client": "Mozilla/5.0", "ip_address": f"203.0.113.{comment.id % 250}",
                                    "location": "Berlin, Germany", "latitude": 52.5, "longitude": 13.4}, "custom": {}},
        }  # fmt: skip
        if comment.kind == "VoiceComment":
            row["data"] = {
                "from": "+15550100", "to": "+15550101", "call_duration": 61, "transcription_text": body,
                "recording_url": f"{self.base}/api/v2/channels/voice/calls/x/recording",
            }  # fmt: skip
        return row

    def message(self, message: Message) -> dict[str, Any]:
        """An element of conversation_log (developer.zendesk.com, Conversation Log events reference)."""
        kind = "agent" if message.agent else "user"
        return {
            "id": f"01J{message.id}", "type": "Messaging::ConversationMessage", "reference": f"zen:event:{message.id}",
            "created_at": iso(message.created_at), "attachments": [],
            "author": {"type": kind, "zen:support:user_id": message.author_id, "display_name": "Somebody"},
            "content": {"type": "text", "text": message.text}, "metadata": {},
        }  # fmt: skip

    def user(self, user: User) -> dict[str, Any]:
        return {
            "id": user.id, "url": f"{self.base}/api/v2/users/{user.id}.json", "name": user.name, "email": user.email,
            "role": user.role, "organization_id": user.organization_id, "tags": list(user.tags),
            "user_fields": user.fields or {}, "active": True, "suspended": False, "locale": "en-US",
            "time_zone": "Berlin", "phone": None, "created_at": iso(user.updated_at),
            "updated_at": iso(user.updated_at),
        }  # fmt: skip

    def organization(self, organization: Organization) -> dict[str, Any]:
        return {
            "id": organization.id, "url": f"{self.base}/api/v2/organizations/{organization.id}.json",
            "name": organization.name, "domain_names": list(organization.domains), "external_id": None,
            "tags": list(organization.tags), "organization_fields": organization.fields or {}, "group_id": None,
            "shared_tickets": False, "details": None, "notes": None, "created_at": iso(organization.updated_at),
            "updated_at": iso(organization.updated_at),
        }  # fmt: skip

    def brand(self, number: int) -> dict[str, Any]:
        name, subdomain = BRANDS[number]
        return {"id": number, "url": f"{self.base}/api/v2/brands/{number}.json", "name": name, "subdomain": subdomain,
                "brand_url": f"https://{subdomain}.zendesk.com", "host_mapping": None, "has_help_center": True,
                "active": True, "default": number == 41, "ticket_form_ids": [610]}  # fmt: skip

    def group(self, number: int) -> dict[str, Any]:
        return {"id": number, "name": GROUPS[number], "deleted": False, "is_public": True}

    def _attachments(self, comment: Comment) -> list[dict[str, Any]]:
        if comment.id % 10:
            return []
        url = f"{self.base}/attachments/token/x{comment.id}/?name=out.png"
        return [
            {"id": comment.id + 5, "file_name": "out.png", "content_url": url, "content_type": "image/png",
             "size": 20133, "inline": False, "malware_scan_result": "malware_not_found", "thumbnails": []},
        ]  # fmt: skip


def via(channel: str, follows: int | None = None) -> dict[str, Any]:
    if follows is not None:
        return {"channel": "web", "source": {"from": {"ticket_id": follows}, "to": {}, "rel": "follow_up"}}
    if channel == "email":
        origin = {"address": "kim@customer0.invalid", "name": "Kim Ito"}
        return {"channel": channel, "source": {"from": origin, "to": {"address": "help@acme.invalid"}, "rel": None}}
    return {"channel": channel, "source": {"from": {}, "to": {}, "rel": None}}


def comment_via(comment: Comment, channel: str) -> dict[str, Any]:
    if comment.merged:
        origin = {"ticket_ids": list(comment.merged), "subject": "Merged"}
        return {"channel": "web", "source": {"from": origin, "to": {}, "rel": "merge"}}
    return via(channel)


def ticket_fields(base: str) -> list[dict[str, Any]]:
    """System fields first, then custom ones of every type."""
    rows = [(100 + index, kind, kind.title()) for index, kind in enumerate(SYSTEM_FIELDS)]
    rows += [(number, kind, title) for number, (kind, title) in FIELDS.items()]
    return [{"id": number, "url": f"{base}/api/v2/ticket_fields/{number}.json", "type": kind, "title": title,
             "raw_title": title, "active": True, "removable": number > 1000, "position": index,
             "custom_field_options": [{"id": 1, "name": "Billing", "value": "billing"},
                                      {"id": 2, "name": "Export", "value": "export"}] if kind == "tagger" else None}
            for index, (number, kind, title) in enumerate(rows)]  # fmt: skip


def sideload(store: Store, shapes: Shapes, wanted: set[str], tickets: list[Ticket]) -> dict[str, Any]:
    """The top-level arrays `include` asks for; only rows the tickets name, each once."""
    found: dict[str, Any] = {}
    if "users" in wanted:
        people = dict.fromkeys(n for one in tickets for n in (one.requester_id, one.assignee_id) if n is not None)
        found["users"] = [shapes.user(store.users[number]) for number in people if number in store.users]
    if "organizations" in wanted:
        named = dict.fromkeys(one.organization_id for one in tickets if one.organization_id is not None)
        known = [store.organizations[number] for number in named if number in store.organizations]
        found["organizations"] = [shapes.organization(one) for one in known]
    if "groups" in wanted:
        groups = dict.fromkeys(one.group_id for one in tickets if one.group_id in GROUPS)
        found["groups"] = [shapes.group(number) for number in groups if number is not None]
    if "metric_sets" in wanted:
        found["metric_sets"] = [metric_set(one) for one in tickets]
    return found


def metric_set(ticket: Ticket) -> dict[str, Any]:
    return {"id": 7_000_000_000_000 + ticket.id, "ticket_id": ticket.id, "created_at": iso(ticket.created_at),
            "updated_at": iso(ticket.updated_at), "reopens": ticket.reopens,
            "replies": sum(one.agent for one in ticket.comments), "solved_at": None, "group_stations": 1,
            "assignee_stations": 1, "latest_comment_added_at": iso(ticket.updated_at)}  # fmt: skip


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\n", "<br>")
