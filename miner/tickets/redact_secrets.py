"""Passwords, keys and tokens in a text (pure).

A secret is known by its own form (`sk-...`, a JWT) or by the word before it ("password: ..."). A long hexadecimal
number without such a word is kept: it is a commit, a checksum or a crash id far more often than a key.
"""

from __future__ import annotations

import re

_FORMS = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)"
    r"|(?<![\w-])(?:sk-[\w-]{16,}|(?:sk|pk|rk)_(?:live|test)_\w{16,}|gh[pousr]_\w{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}"
    r"|xox[abeoprs]-[\w-]{10,}|(?:AKIA|ASIA)[A-Z0-9]{16}|AIza[\w-]{35}|SG\.[\w-]{16,}\.[\w-]{16,}|npm_\w{30,}"
    r"|eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]*)(?![\w-])",
    re.S,
)
_FORM_HINTS = (
    "-----BEGIN",
    "sk-",
    "_live_",
    "_test_",
    "gh",
    "glpat-",
    "xox",
    "AKIA",
    "ASIA",
    "AIza",
    "SG.",
    "npm_",
    "eyJ",
)
_BEARER = re.compile(r"\b(?P<scheme>Bearer|Basic)\s+(?P<value>[\w.~+/=-]{16,})")
_IN_ADDRESS = re.compile(r"(?P<scheme>\b[a-z][a-z0-9+.-]{1,20}://)[^\s/@:]*:[^\s/@]+@", re.I)
_IN_QUERY = re.compile(
    r"(?P<name>[?&;#](?:[\w.-]*(?:token|secret|passw(?:or)?d|api_?key|signature|credential|session_?id)|sig|key|auth|code"
    r"|pwd|pass|sid|jwt|otp|hash)=)(?P<value>[^\s&#;\"'<>\])]{6,})",
    re.I,
)
_LABEL = re.compile(
    r"(?P<label>\b(?P<word>password|passwd|pwd|passphrase|passcode|mot de passe|mdp|passwort|kennwort|contraseña"
    r"|api[ _-]?key|clé api|access[ _-]?key|secret[ _-]?key|private[ _-]?key|license key|client[ _-]?secret|secret"
    r"|(?:access|auth|api|bearer|refresh|session)?[ _-]?token|otp|pin(?: code)?|code pin)\b[\"']?"
    r"(?:\s*(?P<sign>[:=]+>?)\s*|\s+(?P<verb>is|est|ist|was)\s*:?\s+))(?P<quote>[\"'`]?)(?P<value>[^\s\"'`<>,;\[\]]{4,})",
    re.I,
)
# What follows "password:" in reports without being one.
_SAID = re.compile(
    r"(?:null|none|nil|undefined|true|false|yes|no|not|empty|blank|invalid|valid|expired|required|incorrect|correct|wrong"
    r"|missing|unknown|hidden|optional|string|text|field|reset|change|forgotten|incorrecte?|invalide|oublié|https?:.*"
    r"|\*+|x+|\.+|•+|[-_=]+|\$?\{.*|<.*|%\w+%?|\w+(?:\.\w+)*\(.*)",
    re.I,
)
_LABELS = (
    "pass", "pwd", "mot de", "mdp", "kennwort", "contraseña", "key", "clé api", "secret", "token", "otp", "pin",
)  # fmt: skip
_PASSWORDS = ("pass", "pwd", "mot", "mdp", "kenn", "contra")


def hide_secrets(text: str) -> str:
    """`text` with [SECRET] in place of each."""
    if any(hint in text for hint in _FORM_HINTS):
        text = _FORMS.sub("[SECRET]", text)
    if "://" in text:
        text = _IN_ADDRESS.sub(r"\g<scheme>[SECRET]@", text)
    if "=" in text and "://" in text:
        text = _IN_QUERY.sub(_in_query, text)
    if "Bearer" in text or "Basic" in text:
        text = _BEARER.sub(_scheme, text)
    lower = text.lower()
    return _LABEL.sub(_labelled, text) if any(label in lower for label in _LABELS) else text


def _in_query(found: re.Match[str]) -> str:
    """A short number after `code=` or `key=` is an error's or a row's."""
    return found[0] if found["value"].isdigit() and len(found["value"]) < 12 else found["name"] + "[SECRET]"


def _scheme(found: re.Match[str]) -> str:
    value = found["value"]
    return f"{found['scheme']} [SECRET]" if any(map(str.isdigit, value)) or value.endswith("=") else found[0]


def _labelled(found: re.Match[str]) -> str:
    value, word = found["value"].rstrip(".!?)"), found["word"].lower()
    if len(value) < 4 or _SAID.fullmatch(value):
        return found[0]
    digits, letters = any(map(str.isdigit, value)), any(map(str.isalpha, value))
    mixed = (digits and letters) or any(not character.isalnum() and character not in "()-._/" for character in value)
    if word.startswith(("pin", "otp", "code")):
        secret = value.isdigit() and len(value) <= 8
    elif word.startswith(_PASSWORDS):
        # After a sign the rest of its line may be one plain word: "password: hunter".
        lone = found["sign"] is not None and found.string[found.end() : found.end() + 1] in ("", "\n")
        secret = digits or (found["sign"] is not None and (mixed or bool(found["quote"]) or lone))
    else:
        secret = len(value) >= 8 and digits and (letters or len(value) >= 16)
    return found["label"] + found["quote"] + "[SECRET]" + found["value"][len(value) :] if secret else found[0]
