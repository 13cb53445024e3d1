"""Progress bars on standard error, one per phase; silent where no person looks."""

import contextlib
import time
from collections.abc import Callable, Iterator

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

Advance = Callable[..., None]


class Phases:
    """Show a bar for each phase of a job, with rows per second and the time left."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(stderr=True)
        self._progress = Progress(
            TextColumn("{task.description:<24}"),
            BarColumn(bar_width=32),
            TaskProgressColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            console=self._console,
            disable=not self._console.is_terminal,
        )

    def __enter__(self) -> "Phases":
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    @contextlib.contextmanager
    def phase(self, name: str, total: float, unit: str) -> Iterator[Advance]:
        """Show a phase; the yielded function takes the work done (part of `total`), the rows it held, and a note."""
        started = time.monotonic()
        rows = 0
        task = self._progress.add_task(name, total=max(total, 1), rate="")

        def advance(work: float, count: int = 0, note: str = "") -> None:
            nonlocal rows
            rows += count
            seconds = max(time.monotonic() - started, 1e-3)
            self._progress.update(task, advance=work, rate=f"{rows / seconds:,.0f} {unit}/s{note}")

        yield advance
        self._progress.update(task, completed=max(total, 1))

    def note(self, text: str) -> None:
        """Tell the person something between the bars."""
        self._console.print(text, style="yellow", markup=False, highlight=False)


def seldom(advance: Advance, seconds: float = 0.1) -> Advance:
    """Return what takes the same calls and hands their sums on a few times a second, because drawing costs time."""
    work, count, drawn = 0.0, 0, 0.0

    def gather(more: float, rows: int = 0, note: str = "") -> None:
        nonlocal work, count, drawn
        work, count = work + more, count + rows
        if (now := time.monotonic()) - drawn >= seconds:
            advance(work, count, note)
            work, count, drawn = 0.0, 0, now

    return gather
