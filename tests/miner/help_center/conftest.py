"""The stand-in of Zendesk, whose Help Center is public."""

from tests.standins.zendesk.fixture import zendesk

__all__ = ["zendesk"]
