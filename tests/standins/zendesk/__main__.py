"""`python -m tests.standins.zendesk --tickets 25000 --port 0`: the stand-in in the foreground, in real time."""

from __future__ import annotations

import argparse
import signal
import threading

from tests.standins.zendesk.standin import StandIn


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.standins.zendesk", description=__doc__)
    parser.add_argument("--tickets", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--days", type=int, default=90, help="how far back the tickets go")
    parser.add_argument("--port", type=int, default=0, help="0: any free one, printed")
    parser.add_argument("--speed", type=float, default=1.0, help="virtual seconds a second; 0: frozen")
    parser.add_argument("--account", type=int, default=700, help="requests a minute")
    parser.add_argument("--export", type=int, default=10, help="export requests a minute")
    parser.add_argument("--no-limits", action="store_true")
    given = parser.parse_args()
    with StandIn(tickets=given.tickets, seed=given.seed, days=given.days, port=given.port) as standin:
        standin.clock.run(given.speed)
        if not given.no_limits:
            standin.limits.set(account=given.account, export=given.export)
        print(f"ZENDESK_BASE_URL={standin.base_url}")
        print(f"ZENDESK_SUBDOMAIN={standin.switches.subdomain}")
        print(f"ZENDESK_OAUTH_CLIENT_ID={standin.client_id}")
        print(f"ZENDESK_OAUTH_CLIENT_SECRET={standin.client_secret}")
        print(f"# or ZENDESK_OAUTH_TOKEN={standin.bearer}")
        print(f"# or ZENDESK_EMAIL={standin.email} ZENDESK_API_TOKEN={standin.api_token}")
        print(f"# controls: {standin.base_url}/_ctl", flush=True)
        stopped = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stopped.set())
        stopped.wait()


if __name__ == "__main__":
    main()
