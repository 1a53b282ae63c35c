"""What every call of a run asks, live or in a batch, and the most that one can cost."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from miner.issues.claude import Claude
from miner.issues.judge import Task
from miner.issues.knowledge import NEAREST, Knowledge
from miner.issues.known import question_key
from miner.issues.prices import Tokens, cost
from miner.issues.prompt import system_text, tickets_document
from miner.issues.reply import Reply
from miner.issues.wire import answer_schema

# For the most that a call can cost: few characters a token, and what surrounds a ticket in JSON.
CHARACTERS_A_TOKEN, FRAME = 2, 200


class Question:
    """What is the same in every call of a run."""

    def __init__(self, claude: Claude, knowledge: Knowledge) -> None:
        taxonomy = knowledge.taxonomy
        self.claude, self.areas = claude, taxonomy.areas
        articles = NEAREST if knowledge.nearest else 0
        self.system, self.schema = system_text(taxonomy), answer_schema(taxonomy.areas, articles=articles)
        self.key = question_key(claude.model, self.system, self.schema, knowledge.digest)

    def bound(self, task: Task) -> Decimal:
        """What the call for `task` costs at most; 0 for a model without a price, which has no limit to keep."""
        characters = len(self.system) + sum(len(ticket.text) + FRAME for ticket in task.tickets)
        characters += sum(len(one.title + one.section) + FRAME // 4 for it in task.tickets for one in it.articles)
        tokens = Tokens(written=characters // CHARACTERS_A_TOKEN, received=task.max_tokens)
        return cost(self.claude.model, tokens) or Decimal(0)

    def ask(self, task: Task) -> Reply:
        document = tickets_document(task.tickets)
        return self.claude.ask(self.system, document, schema=self.schema, max_tokens=task.max_tokens)

    def params(self, task: Task, *, cached: bool) -> dict[str, Any]:
        """The same question as a request of a batch."""
        document = tickets_document(task.tickets)
        return self.claude.params(self.system, document, schema=self.schema, max_tokens=task.max_tokens, cached=cached)
