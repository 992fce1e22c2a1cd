"""`offerhub history` beside a database: what it prints, and how it ends."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from offerhub.cli import main


def _run(dsn: str, home: Path, *arguments: str) -> Result:
    environment = {"DATABASE_URL": dsn, "OFFERHUB_HOME": str(home), "OFFERHUB_ENV": "development"}
    return CliRunner().invoke(main, ["history", *arguments], env=environment)


def test_export_says_that_nothing_is_old_enough(
    database_dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    out = tmp_path / "out"
    done = _run(database_dsn, tmp_path, "export", "--before", "2026-01-01", "--out", str(out))
    assert "no further partition is complete and older" in done.output
    assert done.exit_code == 0
    young = _run(
        database_dsn, tmp_path, "export", "--before", "2999-01-01T00:00:00Z", "--out", str(out)
    )
    assert "history of the last 24 hours stays attached" in young.output
    assert young.exit_code == 1


def test_an_unknown_hash_has_no_envelope(
    database_dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = _run(database_dsn, tmp_path, "envelope", "ab" * 32)
    assert "no operation of ours has this hash" in done.output
    assert done.exit_code == 1
