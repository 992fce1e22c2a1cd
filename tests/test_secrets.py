"""A secret that an instance makes for itself appears whole, private, and never changes."""

import itertools
import stat

import pytest

from offerhub.secrets import kept_secret


@pytest.fixture
def random_bytes():
    numbers = itertools.count()
    return lambda count: next(numbers).to_bytes(count, "big")


def test_a_secret_is_made_once_and_then_read(tmp_path, random_bytes):
    made = iter(["first", "second"])

    first = kept_secret(tmp_path / "home", "key", lambda: next(made), random_bytes)
    again = kept_secret(tmp_path / "home", "key", lambda: next(made), random_bytes)

    assert ("first", "first") == (first, again)


def test_only_its_owner_can_read_it(tmp_path, random_bytes):
    kept_secret(tmp_path, "key", lambda: "value", random_bytes)

    assert 0o600 == stat.S_IMODE((tmp_path / "secrets/key").stat().st_mode)
    assert 0o700 == stat.S_IMODE((tmp_path / "secrets").stat().st_mode)


def test_of_two_that_make_it_at_once_both_get_the_same(tmp_path, random_bytes):
    def beaten_to_it():
        kept_secret(tmp_path, "key", lambda: "the other's", random_bytes)
        return "ours"

    assert "the other's" == kept_secret(tmp_path, "key", beaten_to_it, random_bytes)


def test_no_draft_is_left_behind(tmp_path, random_bytes):
    kept_secret(tmp_path, "key", lambda: "value", random_bytes)

    assert ["key"] == [path.name for path in (tmp_path / "secrets").iterdir()]


def test_an_empty_file_is_refused(tmp_path, random_bytes):
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets/key").touch()

    with pytest.raises(OSError, match="is empty"):
        kept_secret(tmp_path, "key", lambda: "value", random_bytes)
