"""The harness of planted faults: only a caught fault is good."""

from pathlib import Path

import pytest

from tests.mutants import planting
from tests.mutants.__main__ import plant
from tests.mutants.planting import Fault, Verdict, judge

FILES = ("sample.py", "test_sample.py", "test_broken.py", "test_slow.py")
CAUGHT = Fault("it adds wrongly", "sample.py", "a + b", "a - b", ("test_sample.py",))
SURVIVOR = Fault("its name is wrong", "sample.py", "'sample'", "'other'", ("test_sample.py",))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "sample.py").write_text(
        "NAME = 'sample'\n\ndef add(a, b):\n    return a + b\n\ndef twice(a):\n    return a * 2\n"
    )
    (tmp_path / "test_sample.py").write_text(
        "from sample import add\n\ndef test_it_adds():\n    assert add(1, 2) == 3\n"
    )
    (tmp_path / "test_broken.py").write_text("import nowhere_at_all\n")
    (tmp_path / "test_slow.py").write_text("import time\n\ndef test_it():\n    time.sleep(60)\n")
    return tmp_path


def test_a_fault_that_a_test_notices_is_caught_by_that_test(root: Path) -> None:
    judgement = judge(CAUGHT, root, FILES)
    assert Verdict.CAUGHT is judgement.verdict
    assert "test_sample.py::test_it_adds" == judgement.by
    assert "a + b" in (root / "sample.py").read_text(), "the tree itself is left alone"
    assert 0 == plant([CAUGHT], root, FILES, 2)


def test_a_survivor_fails_the_run(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert 1 == plant([CAUGHT, SURVIVOR], root, FILES, 2)
    said = capsys.readouterr().out
    assert "1 of 2 planted faults were caught" in said
    assert "sample.py: its name is wrong: SURVIVED" in said


@pytest.mark.parametrize(
    ("file", "old"),
    [("sample.py", "gone"), ("sample.py", "return"), ("gone.py", "a + b"), ("sample.py", "a - b")],
)
def test_a_text_that_does_not_occur_exactly_once_fails_the_run(
    root: Path, file: str, old: str
) -> None:
    fault = Fault("stale", file, old, "a - b", ("test_sample.py",))
    assert Verdict.STALE is judge(fault, root, FILES).verdict
    assert 1 == plant([fault], root, FILES, 1)


@pytest.mark.parametrize("suite", ["test_broken.py", "test_nowhere.py", "test_slow.py"])
def test_tests_that_cannot_be_run_or_hang_catch_nothing(
    root: Path, suite: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planting, "PATIENCE_S", 5.0)
    fault = Fault("any", "sample.py", "a + b", "a - b", (suite,))
    assert Verdict.BROKEN is judge(fault, root, FILES).verdict


def test_a_wider_suite_is_asked_when_the_narrow_one_notices_nothing(root: Path) -> None:
    (root / "test_narrow.py").write_text("def test_nothing():\n    pass\n")
    fault = Fault("any", "sample.py", "a + b", "a - b", ("test_narrow.py", "test_sample.py"))
    judgement = judge(fault, root, (*FILES, "test_narrow.py"))
    assert (Verdict.CAUGHT, "test_sample.py::test_it_adds") == (judgement.verdict, judgement.by)


def test_tests_that_fail_without_a_fault_fail_the_run(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (root / "sample.py").write_text((root / "sample.py").read_text() + "\nadd = max\n")
    assert 1 == plant([CAUGHT], root, FILES, 1)
    assert "without any fault, test_sample.py fails" in capsys.readouterr().out
