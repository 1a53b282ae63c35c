"""The stand-in of Zendesk, for every test of tickets."""

from tests.standins.zendesk.fixture import zendesk

__all__ = ["zendesk"]
