"""Chat templates in Jinja, with the meaning that Hugging Face's transformers gives them."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn

from jinja2 import TemplateError, nodes
from jinja2.ext import Extension, loopcontrols
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment

from turnsmith.core.chat import Example, Message
from turnsmith.core.errors import InputError
from turnsmith.curate.lengths.tokenizers import Tokenizer
from turnsmith.curate.lengths.tokens import Tokens, messages_of

# Around what the template says the assistant generated; no text has them, see _without_marks.
GENERATED, NOT_GENERATED = "\x00\ue000", "\x00\ue001"
A_DAY = datetime(2026, 1, 1, tzinfo=UTC)


class Generation(Extension):
    """Understand `{% generation %}`, with which a template marks what the assistant generated."""

    tags = {"generation"}  # noqa: RUF012 - that is how the base class declares it

    def parse(self, parser: Parser) -> nodes.Node:
        """Return the block, marked at both ends."""
        line = next(parser.stream).lineno
        body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
        return nodes.CallBlock(self.call_method("_mark"), [], [], body).set_lineno(line)

    def _mark(self, caller: Any) -> str:
        return f"{GENERATED}{caller()}{NOT_GENERATED}"


class JinjaTemplate:
    """Count what a Jinja template makes of an example.

    Trained is what stands in its `{% generation %}` blocks. Without such, it is what each message of the assistant
    adds behind the generation prompt.
    """

    def __init__(self, name: str, source: str, variables: dict[str, str]) -> None:
        self.name = name
        environment = ImmutableSandboxedEnvironment(
            trim_blocks=True,
            lstrip_blocks=True,
            extensions=[Generation, loopcontrols],
        )
        environment.filters["tojson"] = _to_json
        environment.globals["raise_exception"] = _refuse
        environment.globals["strftime_now"] = A_DAY.strftime  # a fixed day: counts must not change overnight
        try:
            self._template = environment.from_string(source)
        except TemplateError as error:
            raise InputError(f"{name}: is no Jinja template: {error}") from error
        self._variables = variables
        self._marks = "generation" in {token for _, kind, token in environment.lex(source) if kind == "name"}

    def tokens(self, example: Example, tokenizer: Tokenizer) -> Tokens:
        """Return the tokens of an example. Raises InputError where the template refuses it."""
        messages, tools = _without_marks(messages_of(example)), _without_marks(example.get("tools"))
        rendered = self._render(messages, tools)
        if self._marks:
            pieces = [piece.split(NOT_GENERATED) for piece in rendered.split(GENERATED)]
            rendered = "".join(map("".join, pieces))
            return Tokens(tokenizer.count(rendered), sum(tokenizer.count(piece[0]) for piece in pieces[1:]))
        return Tokens(tokenizer.count(rendered), self._trained(rendered, messages, tools, tokenizer))

    def _trained(
        self, rendered: str, messages: list[Message], tools: Any, tokenizer: Tokenizer
    ) -> int | None:
        trained = 0
        for index, message in enumerate(messages):
            if message.get("role") != "assistant":
                continue
            try:
                before = self._render(messages[:index], tools, add_generation_prompt=True)
                after = self._render(messages[: index + 1], tools)
            except InputError:  # a template that takes whole conversations only
                return None
            if not (rendered.startswith(after) and after.startswith(before)):
                return None
            if message.get("weight") != 0:
                trained += tokenizer.count(after[len(before) :])
        return trained

    def _render(self, messages: list[Message], tools: Any, add_generation_prompt: bool = False) -> str:
        try:
            return self._template.render(
                messages=messages,
                tools=tools,
                add_generation_prompt=add_generation_prompt,
                **self._variables,
            )
        except TemplateError as error:
            raise InputError(f"refused by the chat template: {_short(error)}") from error
        except (TypeError, ValueError, KeyError, AttributeError, RecursionError) as error:
            raise InputError(f"the chat template fails: {type(error).__name__}") from error


def _without_marks(value: Any) -> Any:
    """Return a value without NUL, so that no text can look like a mark."""
    if isinstance(value, str):
        return value.replace("\x00", "\ufffd") if "\x00" in value else value
    if isinstance(value, list):
        return [_without_marks(item) for item in value]
    if isinstance(value, dict):
        return {key: _without_marks(item) for key, item in value.items()}
    return value


def _to_json(
    value: Any,
    ensure_ascii: bool = False,
    indent: int | None = None,
    separators: tuple[str, str] | None = None,
    sort_keys: bool = False,
) -> str:
    # Unlike Jinja's own filter, this one does not escape for HTML.
    return json.dumps(
        value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys
    )


def _short(error: TemplateError) -> str:
    """Return a refusal safe to print: a template may put text of the example into it."""
    return ascii(str(error))[1:-1][:80]


def _refuse(message: str) -> NoReturn:
    raise TemplateError(message)


def load_jinja(path: Path) -> JinjaTemplate:
    """Return the template of a Jinja file or of a tokenizer_config.json.

    Raises InputError for a file that can't be read or holds none.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: can't be read as a chat template: {error}") from error
    beside = path.parent / "tokenizer_config.json"
    if path.suffix == ".json":
        config = _read_config(path, text)
        return JinjaTemplate(path.name, _source(path, config), _variables(config))
    config = _read_config(beside, beside.read_text(encoding="utf-8")) if beside.is_file() else {}
    return JinjaTemplate(path.name, text, _variables(config))


def _read_config(path: Path, text: str) -> dict[str, Any]:
    try:
        config = json.loads(text)
    except ValueError as error:
        raise InputError(f"{path}: is no JSON: {error}") from error
    if not isinstance(config, dict):
        raise InputError(f"{path}: is no tokenizer_config.json")
    return config


def _source(path: Path, config: dict[str, Any]) -> str:
    template = config.get("chat_template")
    if isinstance(template, list):  # several by name
        named = {each.get("name"): each.get("template") for each in template if isinstance(each, dict)}
        template = named.get("default")
    if not isinstance(template, str):
        raise InputError(f"{path}: has no chat_template")
    return template


def _variables(config: dict[str, Any]) -> dict[str, str]:
    """Return the special tokens that a template may name, such as `bos_token`."""
    variables = {}
    for key, value in config.items():
        token = value.get("content") if isinstance(value, dict) else value
        if key.endswith("_token") and isinstance(token, str):
            variables[key] = token
    return variables
