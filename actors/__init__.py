"""Dramatiq's side: what `dramatiq actors` and `periodiq actors` load. Thin: no SQL and no rules.

Importing this package sets the broker and declares the actors; it opens no connection.
"""

from actors import jobs as jobs
from actors import schedule as schedule
from actors.broker import broker as broker
