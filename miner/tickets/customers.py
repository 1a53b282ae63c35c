"""Who is affected by a ticket: the organization, else the mail domain, else the requester, else unknown (pure)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# Mail hosts where everybody may have an address: their domain says nothing about the customer.
_PUBLIC_HOSTS = """
    126.com 163.com aol.com bluewin.ch btinternet.com comcast.net docomo.ne.jp email.com fastmail.com free.fr freenet.de
    gmail.com gmx.at gmx.ch gmx.com gmx.de gmx.net googlemail.com hey.com icloud.com inbox.ru laposte.net libero.it
    list.ru mac.com mail.com mail.de mail.ru me.com msn.com naver.com orange.fr pm.me posteo.de proton.me protonmail.com
    qq.com rediffmail.com rocketmail.com sfr.fr sina.com t-online.de telenet.be tutanota.com uol.com.br verizon.net
    wanadoo.fr web.de wp.pl ymail.com zoho.com
"""
# Families with a country at the end: yahoo.fr, yahoo.co.jp, live.nl ...
_PUBLIC_FAMILY = re.compile(r"(yahoo|hotmail|live|outlook|yandex)\.([a-z]{2,3}\.)?[a-z]{2,3}")
_ADDRESS = re.compile(r"[^@\s<>]+@([a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)+)>?$")


@dataclass(frozen=True, slots=True)
class CustomerData:
    """`kind` is organization, domain or requester; `key` is the source's own. No `name`: the key is shown."""

    kind: str
    key: str
    name: str | None = None
    fields: Mapping[str, Any] | None = None


def find_customer(
    *, organization: str | None, organization_name: str | None, requester: str | None, mail: str | None
) -> CustomerData | None:
    """The customer behind a ticket, by the best fact there is; None: unknown.

    `mail` is the requester's address where the source gives one; `requester` may be an address itself.
    """
    if organization:
        return CustomerData("organization", organization, organization_name)
    domain = company_domain(mail or requester or "")
    if domain:
        return CustomerData("domain", domain)
    return CustomerData("requester", requester) if requester else None


def company_domain(address: str) -> str | None:
    """The domain of a mail address; None when it is no address or its host is open to everybody."""
    match = _ADDRESS.search(address.strip().lower())
    if match is None:
        return None
    domain = match.group(1)
    return None if domain in _PUBLIC_HOSTS.split() or _PUBLIC_FAMILY.fullmatch(domain) else domain
