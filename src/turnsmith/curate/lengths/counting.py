"""Count the tokens of examples as a trainer sees them: by its vocabulary, with its chat template."""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from turnsmith.core.chat import Example
from turnsmith.core.errors import UsageError
from turnsmith.curate.lengths.chatml import ChatML
from turnsmith.curate.lengths.tokenizers import Tokenizer, load_tokenizer
from turnsmith.curate.lengths.tokens import Tokens


class Template(Protocol):
    """Count what a chat template makes of an example's messages."""

    name: str

    def tokens(self, example: Example, tokenizer: Tokenizer) -> Tokens:
        """Return the tokens. Raises InputError for an example that it can't take."""
        ...


class ExampleCounter:
    """Count the tokens of chat examples, prompt-completion pairs, and texts (such as fill-in-the-middle)."""

    def __init__(self, tokenizer: Tokenizer, template: Template) -> None:
        self.tokenizer = tokenizer
        self.template = template

    def tokens(self, example: Example) -> Tokens:
        """Return the tokens of an example. Raises InputError where there is nothing that could be counted."""
        if isinstance(text := example.get("text"), str):
            total = self.tokenizer.count(text)
            return Tokens(total, total)
        if isinstance(prompt := example.get("prompt"), str) and isinstance(example.get("completion"), str):
            before = self.tokenizer.count(prompt)
            total = self.tokenizer.count(prompt + example["completion"])
            return Tokens(total, total - before)
        return self.template.tokens(example, self.tokenizer)

    def __call__(self, example: Example) -> int:
        """Return the number of all tokens of an example. Raises InputError as `tokens` does."""
        return self.tokens(example).total


def load_template(name: str | None, tokenizer: Tokenizer) -> Template:
    """Return a chat template: `chatml` or a file's; None takes the tokenizer's own, or else ChatML.

    Raises UsageError for a name that is neither, InputError for a broken file.
    """
    if name == ChatML.name or (name is None and tokenizer.chat_template is None):
        return ChatML()
    path = tokenizer.chat_template if name is None else Path(name)
    if path is None or not path.is_file():
        raise UsageError(
            f"--chat-template {name}: no such file; name chatml, a Jinja file or a tokenizer_config.json"
        )
    try:
        from turnsmith.curate.lengths.jinja import load_jinja
    except ModuleNotFoundError as error:
        raise UsageError(
            f"chat templates need the package {error.name}: pip install 'turnsmith[tokens]'"
        ) from error
    return load_jinja(path)


def example_counter(
    tokenizer: str | None = None, template: str | None = None, pattern: str | None = None
) -> ExampleCounter:
    """Return what counts examples, by the names that the command line takes."""
    loaded = load_tokenizer(tokenizer, pattern)
    return ExampleCounter(loaded, load_template(template, loaded))


def counter(tokenizer: str | None = None, template: str | None = None) -> Callable[[Example], int]:
    """Return a function from an example to its number of tokens.

    None is the embedded vocabulary, and the template that belongs to the tokenizer, else ChatML. The function
    raises InputError for an example without anything that could be counted.
    """
    return example_counter(tokenizer, template)
