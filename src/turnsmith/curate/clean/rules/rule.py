"""What a quality rule is."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from turnsmith.core.chat import Example


@dataclass(frozen=True, slots=True)
class Rule:
    """Hold a named filter: `drops(example)` says whether it takes an example.

    `text` says in a sentence what it takes, `parameters` what it was told. A rule of conversations never sees
    a fill-in-the-middle text unless `any_shape` is set; one of `prose` never an example of code, whose answer may
    well end in a bracket. With `before_scrub` it judges what the user wrote,
    not the placeholders in it.
    """

    name: str
    text: str
    drops: Callable[[Example], bool]
    parameters: Mapping[str, Any] = field(default_factory=dict)
    any_shape: bool = False
    prose: bool = False
    before_scrub: bool = False
