"""What every call of a run asks, live or in a batch, and the most that one can cost."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from miner.issues.claude import Claude
from miner.issues.judge import Task
from miner.issues.knowledge import NEAREST, Knowledge
from miner.issues.known import question_key
from miner.issues.prices import Tokens, cost, find_price
from miner.issues.prompt import system_text, tickets_document
from miner.issues.reply import Reply
from miner.issues.wire import answer_schema

# For the most that a call can cost: few characters a token, and what surrounds a ticket in JSON.
CHARACTERS_A_TOKEN, FRAME = 2, 200


class Question:
    """What is the same in every call of a run."""

    def __init__(self, claude: Claude, knowledge: Knowledge, *, second: str = "") -> None:
        """`second`: the model that is asked where the first declines to read a ticket; see `second_of`."""
        taxonomy = knowledge.taxonomy
        self.claude, self.areas = claude, taxonomy.areas
        name = second_of(second, first=claude.model)
        self.second = claude.second(name) if name else None
        articles = NEAREST if knowledge.nearest else 0
        self.system, self.schema = system_text(taxonomy), answer_schema(taxonomy.areas, articles=articles)
        self.key = question_key(claude.model, self.system, self.schema, knowledge.digest)

    def bound(self, task: Task) -> Decimal:
        """What the call for `task` costs at most; 0 for a model without a price, which has no limit to keep."""
        characters = len(self.system) + sum(len(ticket.text) + FRAME for ticket in task.tickets)
        characters += sum(len(one.title + one.section) + FRAME // 4 for it in task.tickets for one in it.articles)
        tokens = Tokens(written=characters // CHARACTERS_A_TOKEN, received=task.max_tokens)
        return cost(self.reader(task).model, tokens) or Decimal(0)

    def reader(self, task: Task) -> Claude:
        """Who is asked."""
        return self.second if task.second and self.second else self.claude

    def ask(self, task: Task) -> Reply:
        document = tickets_document(task.tickets)
        return self.reader(task).ask(self.system, document, schema=self.schema, max_tokens=task.max_tokens)

    def params(self, task: Task, *, cached: bool) -> dict[str, Any]:
        """The same question as a request of a batch."""
        document = tickets_document(task.tickets)
        reader = self.reader(task)
        return reader.params(self.system, document, schema=self.schema, max_tokens=task.max_tokens, cached=cached)


def second_of(name: str, *, first: str) -> str | None:
    """The second model, if there is one: another than the `first`, and with a price, so that limits can be kept."""
    return name if name and name != first and find_price(name) else None
