"""Alembic migrations, written by hand; shipped in the wheel so that `miner db upgrade` works anywhere."""
