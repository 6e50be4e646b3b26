"""What the program tells, and how it gives up."""

import sys
import time


class Refused(Exception):
    """Something that the caller has to change. The text says what, and what to do."""


class Steps:
    """Numbered steps with their durations; on a terminal the present one shows how far it is."""

    def __init__(self, total: int):
        self.total = total
        self.number = 0
        self.begun = time.monotonic()
        self.step_begun = self.begun
        self.live = sys.stderr.isatty()
        self.open = False

    def step(self, what: str) -> None:
        self.close()
        self.number += 1
        self.step_begun = time.monotonic()
        self.open = True
        print(f"[{self.number}/{self.total}] {what} …", file=sys.stderr, end="" if self.live else "\n", flush=True)
        self.what = what

    def progress(self, done: int, of: int) -> None:
        if self.live:
            print(f"\r[{self.number}/{self.total}] {self.what} … {done} of {of}\x1b[K", file=sys.stderr, end="", flush=True)

    def close(self, note: str = "") -> None:
        if self.open:
            seconds = time.monotonic() - self.step_begun
            begin, end = (f"\r[{self.number}/{self.total}] {self.what} … ", "\x1b[K") if self.live else ("      ", "")
            print(f"{begin}done in {seconds:.1f} s{note}{end}", file=sys.stderr)
            self.open = False

    def seconds(self) -> float:
        return time.monotonic() - self.begun


def table(head: list[str], rows: list[list[str]]) -> str:
    """Columns as wide as their widest text."""
    widths = [max(len(str(row[column])) for row in [head, *rows]) for column in range(len(head))]
    lines = ["  ".join(str(cell).ljust(width) for cell, width in zip(row, widths)).rstrip() for row in [head, *rows]]
    return "\n".join(lines)
