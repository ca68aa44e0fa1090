"""Files that look like secrets are asked for, whatever they are called by."""

from __future__ import annotations

from pathlib import Path

import pytest

from afk.tools.secrets import secret_reason


@pytest.mark.parametrize(
    "path",
    [
        *(
            ".env",
            ".env.local",
            "deploy/prod.ENV",
            "server.pem",
            "tls.key",
            "id_rsa",
            "id_ed25519_work",
            ".netrc",
        ),
        *(".npmrc", ".pypirc", "credentials.json", "Credentials", ".aws/config", "home/.ssh/known_hosts"),
        *(".gnupg/trustdb.gpg", "cert.p12", "passwords.kdbx", ".git-credentials"),
    ],
)
def test_reading_a_secret_is_asked(workspace: Path, path: str) -> None:
    reason = secret_reason(workspace, {"path": path})
    assert reason is not None
    assert reason.startswith(path)


@pytest.mark.parametrize(
    "path", ["notes.txt", "environment.md", "keyboard.py", "id_rsa.pub", "src/env.py", "", "a\0b"]
)
def test_reading_anything_else_is_not(workspace: Path, path: str) -> None:
    assert secret_reason(workspace, {"path": path}) is None


def test_a_harmless_name_that_leads_to_a_secret_is_asked(workspace: Path) -> None:
    (workspace / ".env").write_text("KEY=1")
    (workspace / "notes.txt").symlink_to(".env")
    (workspace / "more.txt").symlink_to("notes.txt")
    (workspace / ".ssh").mkdir()
    (workspace / "folder").symlink_to(".ssh")
    for path in ("notes.txt", "more.txt", "folder/config"):
        assert secret_reason(workspace, {"path": path}), path


def test_a_link_with_a_secrets_name_on_the_way_is_asked(workspace: Path) -> None:
    (workspace / "values").write_text("KEY=1")
    (workspace / ".env").symlink_to("values")
    (workspace / "notes.txt").symlink_to(".env")
    assert secret_reason(workspace, {"path": "notes.txt"})


def test_no_path_at_all_is_the_tools_business(workspace: Path) -> None:
    assert secret_reason(workspace, {}) is None
    assert secret_reason(workspace, {"path": "../elsewhere.txt"}) is None
