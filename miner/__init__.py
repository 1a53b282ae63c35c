"""Product Issue Miner: support tickets in, lasting themes and honest trends out.

Five nouns name the packages, tables, addresses and test folders:

tickets   what customers wrote
issues    one product problem found in a ticket, with its quote
themes    groups of issues that keep their identity from week to week
trends    how a theme moves: new, rising, fading, or too few to tell
runs      one execution of a job: a row that explains itself afterwards

Read in this order: `models.py` (every table), `runs/jobs.py` (what can run), `runs/lifecycle.py` (how a run
changes state), `runs/pipeline.py` (how its steps are walked), then one step, for example `tickets/importer.py`.
"""
