"""Text from users, made harmless for a judge: control tokens lose their brackets, a random code fences the rest.

Local servers parse `<|im_end|>` inside a message as the control token itself, so that a request could end its own
message and go on as the system. Such tokens keep their words and lose their brackets: `<|im_end|>` becomes
`⟨¦im_end¦⟩`, `[INST]` becomes `⟦INST⟧`. People and models can still read them, no tokenizer takes them for control.
"""

import re

_BRACKETS = str.maketrans("<>|\uff5c[]", "⟨⟩¦¦⟦⟧")

# Qwen, Llama 3, Phi, DeepSeek (with full-width bars): <|…|>. Llama 2 and Mistral: [INST], <<SYS>>, <s>. Gemma:
# <start_of_turn>. GLM: [gMASK], <sop>. CodeLlama: <PRE>, <EOT>. BERT and its kind: [CLS]. Words that reasoning and
# tool templates treat as control: <think>, <tool_call>.
_TOKENS = re.compile(
    r"""
    <(?:
        [|\uff5c][^<>\n]{0,64}?[|\uff5c]>
      | /?(?:s|unk|pad|bos|eos|mask|cls|sep|tools)>
      | /?(?:start_of_turn|end_of_turn|start_of_image|end_of_image|end_of_text|endoftext|think|thinking)>
      | /?(?:sop|eop|eot|eod|EOT|PRE|MID|SUF|end_of_utterance|__media__)>
      | /?(?:tool_call|tool_response|file_sep|repo_name|reponame|filename|fim_(?:prefix|middle|suffix|pad))>
      | /?(?:unused|reserved|extra_id_)_?[0-9]{1,4}>
      | </?SYS>>
    )
    | \[/?(?:
        INST|gMASK|sMASK|CLS|SEP|MASK|PAD|UNK|BOS|EOS|IMG|PREFIX|SUFFIX|MIDDLE|THINK
      | SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_RESULTS|TOOL_CALLS|TOOL_CONTENT
    )\]
    """,
    re.VERBOSE,
)


def neutralize(text: str) -> tuple[str, int]:
    """Return `text` with the brackets of control tokens replaced, and how many tokens that were."""
    if "<" not in text and "[" not in text:
        return text, 0
    total = 0
    while True:  # what is left around a token may form another one
        text, count = _TOKENS.subn(lambda token: token[0].translate(_BRACKETS), text)
        if not count:
            return text, total
        total += count


def shorten(text: str, limit: int) -> str:
    """Return at most about `limit` characters of `text`: two thirds of its head, its tail, and a mark between."""
    if len(text) <= limit:
        return text
    head = limit * 2 // 3
    tail = limit - head
    left_out = len(text) - head - tail
    return f"{text[:head]}\n[... {left_out:,} characters left out ...]\n{text[len(text) - tail :]}"


def fenced(code: str, kind: str, text: str) -> str:
    """Return `text` between two lines that hold the code."""
    return f"<{code} {kind}>\n{text}\n</{code}>"
