"""Steps of a run: what follows a failure is not begun."""

from pathlib import Path
from typing import Any

import pytest

from turnsmith.core import runs
from turnsmith.core.errors import DataError


def test_no_step_begins_after_one_that_failed(tmp_path: Path) -> None:
    """With one thread the first failure is the last step, however late it is noticed."""
    begun: list[str] = []

    def work(key: str) -> dict[str, Any]:
        begun.append(key)
        raise DataError(f"{key} is not allowed")

    with runs.hold(tmp_path, "f") as run:
        run.prepare({})
        with pytest.raises(DataError, match="0 is not allowed"):
            run.each("ask", map(str, range(500)), work, 1, lambda *_: None, lambda: None)
    assert begun == ["0"]
