"""The examples of a document, as a reader runs them: shell blocks, and what is said of their output.

A block marked `sh` is run by the tests, in the order of the document, all in one shell; one marked
`shell` is not: it needs a machine or a network of its own.
"""

import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from attrs import frozen

_FENCE: Final = re.compile(r"^```(\w+)?(?: ([^\n]*))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_MARK: Final = "@@ block "
_TIMEOUT_S: Final = 150.0


@frozen
class Block:
    """An example.

    Args:
        language: `sh`, `json`, …; empty if the document does not say.
        about: what follows the language, e.g. `POST /orders 201`.
        after: the prose from the block to the next block or heading.
    """

    line: int
    language: str
    about: str
    text: str
    after: str


def blocks(document: Path) -> list[Block]:
    """All examples of a document, in order."""
    text = document.read_text(encoding="utf-8")
    found = list(_FENCE.finditer(text))
    ends = [*(match.start() for match in found[1:]), len(text)][: len(found)]
    return [
        Block(
            line=text.count("\n", 0, match.start()) + 1,
            language=match[1] or "",
            about=match[2] or "",
            text=match[3],
            after=text[match.end() : end].split("\n#", 1)[0],
        )
        for match, end in zip(found, ends, strict=True)
    ]


def claims(block: Block) -> set[str]:
    """What the document says that the block's output has.

    Codes, states and amounts in the prose after it, and what stands in its own comments as
    `# 409 SOME_CODE`.
    """
    # A paragraph that ends in a colon speaks of the block that it introduces.
    prose = "\n".join(each for each in block.after.split("\n\n") if not each.rstrip().endswith(":"))
    said = set(re.findall(r"`([A-Z]+(?:_[A-Z]+)*)`", prose))
    said |= set(re.findall(r"(?<![\w.`\"])(\d+\.\d\d)(?![\w%])", prose))
    for comment in re.findall(r"#\s+\d{3}[ :]+([A-Z_]{4,})", block.text):
        said.add(comment)
    return said


def run(
    shown: Sequence[Block],
    directory: Path,
    replaced: Mapping[str, str],
    environment: dict[str, str],
) -> list[str]:
    """Run blocks one after the other in one shell; the output of each.

    Raises `AssertionError` with the whole output if the shell stops at a command that fails.
    """
    script = ["set -eu -o pipefail"]
    for block in shown:
        text = block.text
        for written, meant in replaced.items():
            text = text.replace(written, meant)
        script += [f"echo; echo '{_MARK}{block.line}'", text]
    done = subprocess.run(
        ["bash", "-c", "\n".join(script)],
        cwd=directory,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=_TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return re.split(rf"^{_MARK}\d+$", done.stdout, flags=re.MULTILINE)[1:]
