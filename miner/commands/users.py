"""`miner users`: who may log in. The first admin is made here, since nobody is there yet to do it on a page."""

from __future__ import annotations

from argparse import Namespace

from miner import users
from miner.access import Role
from miner.commands.output import say, show_json, show_table
from miner.commands.work import cli_actor
from miner.config import Config
from miner.db import transaction
from miner.rekeying import rekey_all
from miner.sealing import Sealer


def create(options: Namespace) -> int:
    """Print the one-time link to standard output."""
    with transaction() as session:
        user, key = users.create_user(
            session, email=options.email, name=options.name, role=Role[options.role], by=cli_actor()
        )
    _show_link(user.email, key)
    return 0


def reset(options: Namespace) -> int:
    with transaction() as session:
        found = users.get_user_by_email(session, options.email)
        user, key = users.reset_user(session, found.id, by=cli_actor())
    _show_link(user.email, key)
    return 0


def disable(options: Namespace) -> int:
    with transaction() as session:
        users.disable_user(session, users.get_user_by_email(session, options.email).id, by=cli_actor())
    say(f"{options.email} is shut out: sessions, links and tokens stopped working")
    return 0


def enable(options: Namespace) -> int:
    with transaction() as session:
        users.enable_user(session, users.get_user_by_email(session, options.email).id, by=cli_actor())
    say(f"{options.email} may log in again")
    return 0


def role(options: Namespace) -> int:
    with transaction() as session:
        users.set_role(session, users.get_user_by_email(session, options.email).id, Role[options.role], by=cli_actor())
    say(f"{options.email} is {options.role} now and has to log in again")
    return 0


def list_all(options: Namespace) -> int:
    with transaction() as session:
        found = [users.describe(user) for user in users.list_users(session)]
    if options.json:
        show_json(found)
    else:
        show_table(found, ("email", "name", "role", "state", "second_factor", "last_login_at"))
    return 0


def rekey(options: Namespace) -> int:
    """The second step of a rotation of SECRET_KEY: after it the old key can go."""
    with transaction() as session:
        count = rekey_all(session, Sealer(Config.from_environment().secret_keys), by=cli_actor())
    say(f"{count} secrets are sealed with the first key of SECRET_KEY; older keys can be taken out of it")
    return 0


def _show_link(email: str, key: str) -> None:
    config = Config.from_environment()
    origin = (config.public_url or f"http://localhost:{config.port}").rstrip("/")
    say(f"The link lets {email} set a password, once and within a day; it is shown now only:")
    print(f"{origin}/welcome?key={key}")
