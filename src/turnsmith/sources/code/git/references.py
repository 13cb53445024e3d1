"""What a message refers to and a reader of the diff can't see: links, numbers of issues, ids of commits."""

import re

from turnsmith.sources.code.git.wording import has

LEAST_WORDS = 5

ISSUE = r"(?:[\w.-]+/[\w.-]+)?(?:#|gh-)\d+"
CLOSES = r"(?:close[sd]?|fix(?:e[sd])?|resolve[sd]?)"
_CLOSING = (
    rf"(?:{CLOSES}|refs?|references|updates|see|part of|related to|follow[- ]?up (?:to|of|for|on)|issue|bug)"
)
ISSUE_LINE = re.compile(
    rf"^\W*(?:{_CLOSING}:?\s+)?(?:issue\s+|pr\s+|bug\s+)?(?:{ISSUE}|https?://\S+/(?:issues|pull)/\d+)"
    rf"(?:\s*(?:,|and|&)\s*(?:{_CLOSING}\s+)?{ISSUE})*\W*$",
    re.IGNORECASE,
)
# At a line's end or start: `(#12)`, `[closes #12]`, `(should fix issue #12)`, `. Fixes #12`, `Issue #12:`, `#12 `.
_ASIDE = re.compile(
    rf"\s*[(\[]\s*(?:(?:should\s+)?{_CLOSING}:?\s+)?(?:issue\s+|pr\s+)?{ISSUE}(?:\s*,\s*{ISSUE})*\s*[)\]]",
    re.IGNORECASE,
)
_CLOSED_AT_END = re.compile(
    rf"(?:^|\s*[,;.:-]*\s+|[,;.:]\s*)\b{_CLOSING}:?\s+(?:issue\s+)?{ISSUE}(?:\s*(?:,|and|&)\s*{ISSUE})*\s*\.?$",
    re.IGNORECASE,
)
_AT_START = re.compile(rf"^\s*(?:{_CLOSING}\s+)?{ISSUE}\s*[:,.-]*\s+(?=\S)", re.IGNORECASE)
_AT_END = re.compile(rf"\s+{ISSUE}\s*\.?$", re.IGNORECASE)
_LINK = re.compile(r"(?:[\s,;(]*\bsee:?)?\s*<?https?://\S+>?", re.IGNORECASE)

# A scheme alone is no link, and an address that only serves as an example can be guessed.
_REAL_LINK = re.compile(r"https?://(?!localhost|127\.|(?:[\w-]+\.)*example\.)\w", re.IGNORECASE)
_NAMED_LINK = re.compile(r"!?\[([^\]\n]+)\]\(https?://[^)\s]+\)")
_LINK_ASIDE = re.compile(r"\s*[(\[<]\s*(?:see:?\s+)?https?://\w[^\s)\]>]*\s*[)\]>]", re.IGNORECASE)
_LINK_AT_END = re.compile(r"[\s,;]+see:?\s+<?https?://\S+>?\s*$", re.IGNORECASE)
_NUMBER = r"(?<![\w#&/])(?:[\w.-]+/[\w.-]+)?(?:#|gh-)\d{1,6}(?![-\w])"
_ID = r"(?<![\w#])(?=[a-f]*\d)(?=\d*[a-f])[a-f\d]{7,40}\b"
_IN_PLACE = tuple(
    (re.compile(pattern, re.IGNORECASE), words)
    for pattern, words in (
        (rf"(?<!\w)(address(?:es|ed|ing)? |{CLOSES} )(?:the )?(?:issue |bug )?{_NUMBER}", r"\1an issue"),
        (rf"\b(?:the )?(?:issue|bug) {_NUMBER}", "an issue"),
        (
            rf"(?:\b(?:the )?(?:changes? (?:of|in|from) )?(?:pull request |pr )?)?{_NUMBER}",
            "an earlier change",
        ),
        (rf"(?:\b(?:the )?(?:changes? (?:of|in|from) )?(?:commit |revision )?)?{_ID}", "an earlier commit"),
    )
)
_POINTS = has(
    "see refer refers details discuss* discussion more_in follow-up followup updates related relates cherry-picked "
    "backport*"
)
_SENTENCE_END = re.compile(r"((?<=[.!?])\s+(?=[A-Z\"'`(\[]))")
_NEXT_ITEM = re.compile(r"\n(?=\s*(?:[-*+•]|\d+[.)])\s)")
_WORD = re.compile(r"[^\W\d_]\w+")


def without_in_subject(subject: str) -> str:
    """Return a subject without numbers of issues and links."""
    for pattern in (_ASIDE, _CLOSED_AT_END, _AT_START, _AT_END):
        subject = pattern.sub("", subject)
    return _LINK.sub("", subject)


def without_in_text(paragraph: str) -> str:
    """Return a paragraph of prose without what its reader can't follow.

    Asides such as `(see URL)` and `, fixes #12` go. A sentence with a link in its middle goes as a whole, for what is
    left of it would be no sentence; where it is the first, so does what follows. Numbers of issues and ids of commits
    become words (`an earlier change`), unless the sentence does little but point to them.
    """
    lines = [
        _CLOSED_AT_END.sub("", _ASIDE.sub("", _without_links(line))).rstrip()
        for line in paragraph.split("\n")
    ]
    items = [_item(item) for item in _NEXT_ITEM.split("\n".join(lines))]
    return "\n".join(item for item in items if item.strip())


def refers(text: str) -> bool:
    """Return whether a text holds a link, the number of an issue or the id of a commit."""
    return bool(_REAL_LINK.search(text) or any(pattern.search(text) for pattern, _ in _IN_PLACE))


def _without_links(line: str) -> str:
    """Return a line without links that stand aside; of a link with a name, the name stays."""
    if "://" not in line:
        return line
    return _LINK_AT_END.sub("", _LINK_ASIDE.sub("", _NAMED_LINK.sub(r"\1", line)))


def _item(text: str) -> str:
    """Return a list's item, or other prose, sentence by sentence; without its first one the rest hangs in the air."""
    parts = _SENTENCE_END.split(text)
    sentences = [_sentence(part) for part in parts[::2]]
    if not sentences[0]:
        return ""
    ends = [*parts[1::2], ""]
    return "".join(sentence + end for sentence, end in zip(sentences, ends, strict=True) if sentence).rstrip()


def _sentence(text: str) -> str:
    """Return a sentence with words for the references in it, or nothing if it does little but refer."""
    if not refers(text):
        return text
    bare, plain = text, text
    for pattern, word in _IN_PLACE:
        bare, plain = pattern.sub("", bare), pattern.sub(word, plain)
    if _REAL_LINK.search(text) or _POINTS.search(bare) or len(_WORD.findall(bare)) < LEAST_WORDS:
        return ""
    return plain if text[:1].islower() else plain[:1].upper() + plain[1:]
