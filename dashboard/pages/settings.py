"""Settings: a page for each group, what a change would do, versions with what differs, and an older one again."""

from __future__ import annotations

import datetime as dt
from typing import Any
from zoneinfo import available_timezones

from sqlalchemy.orm import Session
from starlette.exceptions import HTTPException
from starlette.requests import Request

from dashboard import settings_fields
from dashboard.forms import VersionQuery, VersionsQuery, parse_id, parse_id_key, read_query
from dashboard.http import Redirect, View, cut
from dashboard.settings_fields import Group
from miner import settings, settings_versions
from miner.access import Actor, Role
from miner.db import transaction
from miner.errors import InvalidArguments, SettingsConflict, UsageError
from miner.issues.calls import Spent, spent_since
from miner.issues.purse import month_start
from miner.settings import Settings
from miner.settings_preview import preview
from miner.tickets.customer_facts import Uploaded, apply_facts, upload_customers

VERSIONS = 30


def overview(request: Request, session: Session) -> View:
    """Every group with its values, each with its default."""
    version, current = settings.load(session)
    rows = [
        (group, settings_fields.fields_of(group, current), _changed(group, current))
        for group in settings_fields.groups()
    ]
    return View("settings/list.html", {"settings_version": version, "current": current, "groups": rows})


def group_page(request: Request, session: Session) -> View:
    return View("settings/group.html", _shown(request, session, _group(request)))


def save(request: Request, form: dict[str, str], by: Actor) -> Redirect | View:
    """Store what was typed, or with `do` preview only say what it would change."""
    group = _group(request)
    values, faults = settings_fields.parse_group(group, form)
    try:
        based_on = _version_in(form)
        if faults:
            raise InvalidArguments(faults)
        if form.get("do") == "preview":
            return _preview(request, group, form, values)
        note = form.get("note", "").strip()[:200]
        with transaction() as session:
            _, names = settings_versions.change_settings(session, values, based_on=based_on, by=by, note=note)
    except SettingsConflict as conflict:
        with transaction() as session:
            shown = _shown(request, session, group, typed=form, conflict=conflict)
            shown["theirs"] = settings_versions.list_differences(
                settings_versions.find_version(session, based_on), settings.load(session)[1]
            )
        return View("settings/group.html", shown, status=409)
    except InvalidArguments as error:
        with transaction() as session:
            shown = _shown(request, session, group, typed=form, faults=error.fields)
        return View("settings/group.html", shown, status=422)
    back = "/start" if form.get("back") == "start" else f"/settings/{group.name}"
    return Redirect(back, flash="saved" if names else "unchanged")


def upload_list(request: Request, form: dict[str, str], by: Actor) -> View:
    """Take over a pasted customer list; lines that cannot be read are named, the others taken over."""
    group = settings_fields.group_of("customer_fields")
    try:
        with transaction() as session:
            uploaded: Uploaded | None = upload_customers(session, form.get("list", ""), by=by)
            apply_facts(session, settings.load(session)[1].customer_fields)
    except UsageError as error:
        uploaded, fault = None, str(error)
    else:
        fault = ""
    with transaction() as session:
        shown = _shown(request, session, group)
    shown |= {"uploaded": uploaded, "list_fault": fault, "list": form.get("list", "") if fault else ""}
    return View("settings/group.html", shown, status=422 if fault else 200)


def version_list(request: Request, session: Session) -> View:
    """The versions, and what differs between any two of them."""
    asked = read_query(request, VersionsQuery)
    found = settings_versions.list_versions(session, before=parse_id_key(asked.before), limit=VERSIONS + 1)
    version, _ = settings.load(session)
    return View(
        "settings/versions.html",
        {
            "found": cut(found, VERSIONS, lambda one: str(one.version)),
            "settings_version": version,
            "may_restore": request.state.actor.role >= Role.admin,
            "label": settings_fields.label_of,
        },
    )


def compare(request: Request, session: Session) -> View:
    asked = read_query(request, VersionQuery)
    version, current = settings.load(session)
    last = int(asked.to) if asked.to else version
    first = int(asked.since) if asked.since else max(1, last - 1)
    before, after = (settings_versions.find_version(session, one) for one in (first, last))
    return View(
        "settings/compare.html",
        {
            "first": first,
            "last": last,
            "settings_version": version,
            "differences": settings_versions.list_differences(before, after),
            "to_force": settings_versions.list_differences(current, before),
            "may_restore": request.state.actor.role >= Role.admin,
            "label": settings_fields.label_of,
        },
    )


def restore(request: Request, form: dict[str, str], by: Actor) -> Redirect:
    """Make an older version the one in force again."""
    with transaction() as session:
        _, names = settings_versions.restore(session, request.path_params["id"], based_on=_version_in(form), by=by)
    return Redirect("/settings/versions", flash="restored" if names else "unchanged")


def _group(request: Request) -> Group:
    found = settings_fields.find_group(request.path_params["group"])
    if found is None:
        raise HTTPException(404)
    return found


def _version_in(form: dict[str, str]) -> int:
    version = parse_id(form.get("version", ""))
    if version is None:
        raise InvalidArguments({"version": "it is missing: open the page again"})
    return version


def _preview(request: Request, group: Group, form: dict[str, str], values: dict[str, Any]) -> View:
    with transaction() as session:
        version, current = settings.load(session)
        after = settings_versions.laid_over(current, values)
        effects = preview(session, current, after, version=version)
        shown = _shown(request, session, group, typed=form)
    return View("settings/group.html", shown | {"effects": effects})


def _shown(
    request: Request,
    session: Session,
    group: Group,
    *,
    typed: dict[str, str] | None = None,
    faults: dict[str, str] | None = None,
    conflict: SettingsConflict | None = None,
) -> dict[str, Any]:
    version, current = settings.load(session)
    # What somebody typed stays that of the version it was typed over, unless a conflict shows them the newest.
    based_on = version if typed is None or conflict else (parse_id(typed.get("version", "")) or version)
    fields = settings_fields.fields_of(group, current, typed, faults)
    beside = {name for field in fields for name in (field.name, *(box.name for box in field.boxes))}
    beside_fields = [name for name in faults or {} if _is_beside(name, beside)]
    return {
        "refused": list(dict.fromkeys(_place(name, beside) for name in beside_fields)),
        "group": group,
        "groups": settings_fields.groups(),
        "fields": fields,
        "typed": typed or {},
        "based_on": based_on,
        "settings_version": version,
        "conflict": conflict,
        "theirs": [],
        "effects": None,
        "uploaded": None,
        "list_fault": "",
        "list": "",
        "other_faults": {name: said for name, said in (faults or {}).items() if not _is_beside(name, beside)},
        "label": settings_fields.label_of,
        "spent": _spent(session, current) if group.name == "budget" else None,
        "zones": sorted(available_timezones()) if "time_zone" in group.names else (),
    }


def _is_beside(name: str, beside: set[str]) -> bool:
    first = name.partition(".")[0]
    return name in beside or first in beside or (first == "components" and "areas" in beside)


def _place(name: str, beside: set[str]) -> tuple[str, str]:
    """Where on the page a fault stands, and what that is called."""
    first = "areas" if name.partition(".")[0] == "components" else name.partition(".")[0]
    return (name if name in beside and name != "components" else first), settings_fields.label_of(first)


def _spent(session: Session, current: Settings) -> Spent:
    return spent_since(session, month_start(dt.datetime.now(current.zone)))


def _changed(group: Group, current: Settings) -> int:
    return sum(getattr(current, name) != Settings.model_fields[name].default for name in group.names)
