"""The stand-in of Zendesk, for workers that are killed while they talk to it."""

from tests.standins.zendesk.fixture import zendesk

__all__ = ["zendesk"]
