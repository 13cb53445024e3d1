"""Progress bars for the stages of a balance."""

import contextlib
from collections.abc import Iterator
from typing import Any

from turnsmith.core.progress import Phases
from turnsmith.labels.balance.step import OnStage

NEAR_READS_TWICE = 2


@contextlib.contextmanager
def stages(phases: Phases, of: str = "") -> Iterator[OnStage]:
    """Show a bar for each stage `of` something; later ones are as long as the first turned out to be."""
    with contextlib.ExitStack() as opened:
        bars: dict[str, Any] = {}
        rows: dict[str, int] = {}

        def on_stage(stage: str, done: int) -> None:
            if stage not in bars:
                opened.close()
                length = rows.get("Reading labels", 0) * (NEAR_READS_TWICE if "Near" in stage else 1)
                bars[stage] = opened.enter_context(phases.phase(stage + of, length, "rows"))
            rows[stage] = rows.get(stage, 0) + done
            bars[stage](done, done)

        yield on_stage
