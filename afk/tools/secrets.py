"""Which files look as if they held secrets, by their names."""

from __future__ import annotations

import os
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from afk.tools.confinement import locate
from afk.tools.tool import ToolError

_PATTERNS = """
    .env .env.* *.env .envrc
    *.pem *.key *.p8 *.p12 *.pfx *.ppk *.jks *.keystore *.kdb *.kdbx *.agekey
    id_rsa* id_dsa* id_ecdsa* id_ed25519*
    .netrc _netrc .npmrc .yarnrc.yml .pypirc .pgpass .my.cnf .htpasswd .dockercfg .git-credentials
    credentials* .credentials* *.credentials client_secret*.json service-account*.json service_account*.json
    secrets.json secrets.toml secrets.y*ml .secrets* *.secret .vault-token *.tfstate *.tfvars .terraformrc
"""
_NAMES = tuple(_PATTERNS.split())
_FOLDERS = frozenset({".aws", ".ssh", ".gnupg", ".azure", ".kube", ".gcloud", ".password-store"})
_MOST_LINKS = 40


def looks_secret(path: Path) -> bool:
    """Whether a file of this name, or in a folder of such a name, is likely to hold keys or passwords."""
    name = path.name.lower()
    if any(part.lower() in _FOLDERS for part in path.parts):
        return True
    return not name.endswith(".pub") and any(fnmatchcase(name, pattern) for pattern in _NAMES)


def secret_reason(workspace: Path, args: dict[str, Any]) -> str | None:
    """Why a person is asked before the file at `args["path"]` is read, or None. Opens nothing.

    Every name on the way counts: a harmless name that links to a secret, and a link of a secret's name.
    """
    asked = args.get("path")
    if not isinstance(asked, str) or not asked or "\0" in asked:
        return None
    for path in _names_on_the_way(workspace / asked):
        if looks_secret(path):
            return f"{asked} looks like a file that holds secrets"
    try:
        real = locate(workspace, asked).path
    except ToolError:
        # the tool itself will refuse this path, and say why
        return None
    if looks_secret(real):
        return f"{asked} leads to {real.name}, which looks like a file that holds secrets"
    return None


def _names_on_the_way(path: Path) -> list[Path]:
    names = [path]
    for _ in range(_MOST_LINKS):
        try:
            target = os.readlink(names[-1])
        except OSError:
            # no link, or nothing there: the way ends
            break
        names.append(names[-1].parent / target)
    return names
