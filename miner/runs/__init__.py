"""Runs: every execution of a job is a row; this package is the only place that changes one."""
