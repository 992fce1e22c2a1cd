"""Check that every reference to a document, a section or a file leads somewhere.

A reference is one of these, in code, comments, tests and documents alike:

- a page, by its path from the root or from the file's own folder: `docs/invariants.md`;
- sections of a page, by number or by heading: `docs/spec/stellar-horizon.md §1.2, §5.4`,
  `docs/spec/api.md, Idempotency`, `docs/spec/domain.md §1, Fees`;
- a section without a page: of the page that the same paragraph names before it, or of the only
  page of `docs/spec` that the file names; inside a page of `docs/spec`, of that page;
- a source file by its path, or in a document by its name in backticks: `order_states.py`;
- a link of a document, with its anchor.
"""

import re
import sys
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Final

from attrs import define, field, frozen

ROOT: Final = Path(__file__).resolve().parents[1]

_FOLDERS: Final = ("actors", "deploy", "docs", "offerhub", "storage", "tests", "web")
_SUFFIXES: Final = frozenset({".md", ".py", ".sh", ".sql", ".toml", ".yaml", ".yml"})
_PLANTED: Final = "tests/test_references.py"
"""Holds broken references on purpose."""
_ABBREVIATIONS: Final = {
    "HZ": "docs/spec/stellar-horizon.md",
    "TW": "docs/spec/trustless-work.md",
}
"""How the pages of facts cite each other."""
_FACTS: Final = frozenset({"airtm", "stellar-horizon", "stellar-rpc", "trustless-work"})
"""Pages that also name documents of others, as their sources."""

_GAP: Final = r"(?:[\s`]|#(?=\s)|--(?=\s))*"
"""Space between two words of a text, which may be wrapped inside a comment."""
_PAGE: Final = re.compile(r"(?<![\w/.])(?:\.\./)*[\w-][\w./-]*\.md\b")
_SECTION: Final = re.compile(r"§+(\d+(?:\.\d+)*)")
_MORE: Final = re.compile(rf"{_GAP}(?:(?:,|and|to){_GAP})?(?=§)")
_HEADING: Final = re.compile(rf",{_GAP}\"?(?=[A-Z])")
_SOURCE: Final = re.compile(
    r"(?<![\w/.-])(?:actors|deploy|docs|offerhub|storage|tests|web)/[\w./-]*\.(?:json|py|sql|toml)\b"
)
_NAMED: Final = re.compile(r"`((?!YYYY)[\w-]+\.(?:py|sql))`")
_LINK: Final = re.compile(r"\]\(([^()\s:#]+)(?:#([\w-]+))?\)")
_ANCHOR_ONLY: Final = re.compile(r"\]\(#([\w-]+)\)")


@frozen
class Broken:
    """A reference that leads nowhere, and where it is."""

    path: str
    line: int
    why: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.why}"


@define
class Page:
    """A Markdown document: what may be referred to in it."""

    path: Path
    text: str = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.text = self.path.read_text(encoding="utf-8")

    @cached_property
    def headings(self) -> list[tuple[str, int]]:
        """Text and offset of every heading."""
        found = re.finditer(r"^#+ +(.+?) *$", self.text, re.MULTILINE)
        return [(match[1].replace("`", ""), match.start()) for match in found]

    @cached_property
    def titles(self) -> tuple[str, ...]:
        """The headings without their numbers."""
        return tuple(re.sub(r"^\d+(\.\d+)*\.? +", "", text) for text, _ in self.headings)

    @cached_property
    def anchors(self) -> frozenset[str]:
        """The headings as a link names them."""
        return frozenset(
            re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-") for text, _ in self.headings
        )

    def has_section(self, number: str) -> bool:
        """Whether a heading has the number, or its last part is an item of a list under one."""
        if self._under(number) is not None:
            return True
        outer, _, item = number.rpartition(".")
        under = self._under(outer) if outer else None
        return under is not None and re.search(rf"(?:^|\s){item}\. ", under) is not None

    def _under(self, number: str) -> str | None:
        wanted = re.compile(rf"{re.escape(number)}(?![.\d]*\d)")
        for index, (text, start) in enumerate(self.headings):
            if wanted.match(text):
                rest = self.headings[index + 1 :]
                return self.text[start : rest[0][1] if rest else None]
        return None


@define
class Checker:
    """Checks the references of files below a root; pages are read once."""

    root: Path
    _pages: dict[Path, Page] = field(init=False, factory=dict)
    _names: frozenset[str] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._names = frozenset(path.name for path in self.files())

    def files(self) -> Iterator[Path]:
        """Every file that may hold a reference."""
        for folder in _FOLDERS:
            for path in sorted((self.root / folder).rglob("*")):
                hidden = any(part.startswith((".", "__pycache__")) for part in path.parts[-4:])
                if path.suffix in _SUFFIXES and not hidden:
                    yield path
        yield from (path for path in sorted(self.root.iterdir()) if path.suffix in _SUFFIXES)

    def broken(self) -> list[Broken]:
        """Every reference that leads nowhere."""
        planted = self.root / _PLANTED
        return [fault for path in self.files() if path != planted for fault in self.broken_in(path)]

    def broken_in(self, path: Path) -> Iterator[Broken]:
        """Those of one file."""
        text = path.read_text(encoding="utf-8")
        name = path.relative_to(self.root).as_posix()
        faults = [*self._pages_and_sections(path, text), *self._sources(path, text)]
        if path.suffix == ".md":
            faults += self._links(path, text)
        for offset, why in sorted(set(faults)):
            yield Broken(name, text.count("\n", 0, offset) + 1, why)

    def _pages_and_sections(self, path: Path, text: str) -> Iterator[tuple[int, str]]:
        cited: dict[int, Page | None] = {}
        named: list[Page] = []
        for match in _PAGE.finditer(text):
            page = self._page(path, match[0])
            if page is None and path.stem not in _FACTS:
                yield match.start(), f"no document {match[0]}"
            sections, end = _sections_after(text, match.end())
            cited.update(dict.fromkeys(sections, page))
            if page is not None:
                if page.path.parent.name == "spec" and page not in named:
                    named.append(page)
                yield from _heading_after(text, end, page)
        for section in _SECTION.finditer(text):
            start = section.start()
            page = cited[start] if start in cited else self._page_of(path, text, start, named)
            if page is None and start not in cited:
                yield start, f"§{section[1]} of which document?"
            elif page is not None and not page.has_section(section[1]):
                yield start, f"no §{section[1]} in {page.path.name}"

    def _page_of(self, path: Path, text: str, offset: int, named: list[Page]) -> Page | None:
        """The page that a section without one belongs to."""
        before = re.split(r"\n\s*(?:#|--)?\s*\n|\"\"\"", text[:offset])[-1]
        if path.suffix == ".md":
            abbreviation = _ABBREVIATIONS.get(before.rstrip()[-2:])
            if abbreviation is not None:
                return self._page(path, abbreviation)
            if path.parent.name == "spec":
                return self._page(path, path.name)
        pages = [self._page(path, match[0]) for match in _PAGE.finditer(before)]
        if pages:
            return pages[-1]
        return named[0] if len(named) == 1 else None

    def _sources(self, path: Path, text: str) -> Iterator[tuple[int, str]]:
        for match in _SOURCE.finditer(text):
            if not (self.root / match[0]).exists():
                yield match.start(), f"no file {match[0]}"
        if path.suffix == ".md" and path.parent.name != "spec":
            for match in _NAMED.finditer(text):
                if match[1] not in self._names:
                    yield match.start(), f"no file is called {match[1]}"

    def _links(self, path: Path, text: str) -> Iterator[tuple[int, str]]:
        for match in _LINK.finditer(text):
            target = (path.parent / match[1]).resolve()
            if not target.exists():
                yield match.start(), f"no file {match[1]}"
            elif match[2] and match[2] not in self._read(target).anchors:
                yield match.start(), f"no heading #{match[2]} in {match[1]}"
        for match in _ANCHOR_ONLY.finditer(text):
            if match[1] not in self._read(path).anchors:
                yield match.start(), f"no heading #{match[1]}"

    def _page(self, path: Path, name: str) -> Page | None:
        for target in (self.root / name, path.parent / name):
            if target.is_file():
                return self._read(target.resolve())
        return None

    def _read(self, path: Path) -> Page:
        if path not in self._pages:
            self._pages[path] = Page(path)
        return self._pages[path]


def _sections_after(text: str, end: int) -> tuple[list[int], int]:
    """Where the numbers are that follow a page's name, and where the last one ends."""
    found = []
    while (more := _MORE.match(text, end)) and (section := _SECTION.match(text, more.end())):
        found.append(section.start())
        end = section.end()
    return found, end


def _heading_after(text: str, end: int, page: Page) -> Iterator[tuple[int, str]]:
    """What is wrong with the heading that follows a page's name, if one does."""
    end += text.startswith("`", end)
    heading = _HEADING.match(text, end)
    if heading is None:
        return
    unwrapped = re.sub(r"\n\s*(?:#|--)?", " ", text[heading.end() : heading.end() + 200])
    words = " ".join(unwrapped.split())
    if not words.startswith(page.titles):
        yield heading.start(), f"no heading {words[:30]!r} in {page.path.name}"


def main() -> int:
    """Print every reference that leads nowhere; the exit code is 1 if there is one."""
    faults = Checker(ROOT).broken()
    for fault in faults:
        print(fault, file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
