"""Ids and moments as docs/spec/api.md's first paragraph writes them."""

import hashlib
import re
from collections import Counter
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offerhub.domain.ids import Ids, is_id, iso

PREFIXES = ["usr", "ord", "esc", "dsp", "wd", "topup", "wal", "hld", "trf", "evt", "aud", "key"]


@given(st.sampled_from(PREFIXES), st.binary(min_size=21, max_size=21))
def test_an_id_is_its_prefix_and_21_url_safe_characters(prefix: str, rolled: bytes) -> None:
    made = Ids(lambda length: rolled[:length]).new(prefix)
    assert re.fullmatch(rf"{prefix}_[A-Za-z0-9_-]{{21}}", made)
    assert is_id(made, prefix)


def test_every_character_is_as_likely_as_any_other() -> None:
    stream = hashlib.shake_256(b"every character").digest(16 * 2000)
    drawn = iter(stream[at : at + 16] for at in range(0, len(stream), 16))
    ids = Ids(lambda length: next(drawn)[:length])
    seen = Counter("".join(ids.new("usr").removeprefix("usr_") for _ in range(2000)))
    assert 64 == len(seen)
    fair = 21 * 2000 / 64
    assert all(0.75 * fair < number < 1.25 * fair for number in seen.values())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "usr_",
        "usr_short",
        "usr_" + "a" * 20,
        "usr_" + "a" * 22,
        "usr_" + "a" * 20 + "\n",
        "usr_" + "a" * 21 + "\n",
        "usr_" + "a" * 20 + "/",
        "usr_" + "a" * 20 + "é",
        "ord_" + "a" * 21,
        "USR_" + "a" * 21,
        " usr_" + "a" * 20,
    ],
)
def test_what_is_no_id_of_that_prefix_is_told_from_one(text: str) -> None:
    assert not is_id(text, "usr")


@given(
    st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)),  # noqa: DTZ001 - made aware below
    st.integers(-12, 14),
)
def test_a_moment_is_written_in_utc_with_milliseconds(moment: datetime, hours: int) -> None:
    aware = moment.replace(tzinfo=timezone(timedelta(hours=hours)))
    text = iso(aware)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", text)
    read = datetime.fromisoformat(text)
    assert timedelta(0) <= aware - read < timedelta(milliseconds=1)
    assert UTC == read.tzinfo
