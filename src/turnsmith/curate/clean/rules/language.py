"""The language of a person's text, told by its script and, for Latin letters, by its function words.

It knows few languages and says so: where it is not sure it names all that are possible, and the rule keeps the
example. Code, links and paths are left out before. No model, no dependency, the same answer everywhere.
"""

import re
from collections import Counter
from collections.abc import Callable

from turnsmith.core.chat import Example
from turnsmith.core.errors import UsageError
from turnsmith.curate.clean.rules.parts import user_texts

_SCRIPTS = {
    "Kana": ("[\u3040-\u30ff]", {"ja"}),
    "Han": ("[\u3400-\u4dbf\u4e00-\u9fff]", {"zh", "ja"}),
    "Hangul": ("[\uac00-\ud7a3\u1100-\u11ff]", {"ko"}),
    "Cyrillic": ("[\u0400-\u04ff]", {"ru", "uk", "bg", "sr", "be", "mk"}),
    "Greek": ("[\u0370-\u03ff]", {"el"}),
    "Arabic": ("[\u0600-\u06ff]", {"ar", "fa", "ur"}),
    "Hebrew": ("[\u0590-\u05ff]", {"he"}),
    "Devanagari": ("[\u0900-\u097f]", {"hi", "mr", "ne"}),
    "Thai": ("[\u0e00-\u0e7f]", {"th"}),
}
_COUNTED = {name: re.compile(pattern) for name, (pattern, _) in _SCRIPTS.items()}
# Words that hardly any text of the language goes without and that the other languages here do not share much.
_FUNCTION_WORDS = {
    "en": "the and is of to in that it you this for with how what can are not have my when why do i but",
    "de": "der die das und ist nicht ich ein eine mit wie auf für kann den von zu es im wird aber wenn sie was",
    "fr": "le la les et est une un je pour dans que qui pas avec sur vous mon des du ce il comment mais nous",
    "es": "el la los las y es una un que en por para con no mi como se del cómo pero está qué cuando al yo",
    "pt": "o a os as e é uma um que em por para com não meu como se do da mas está eu ao quando você no na",
    "it": "il lo la gli e è una un che di in per con non mi come del della sono ma questo quando ho nel si",
    "nl": "de het een en is van ik niet dat met voor op hoe kan maar mijn wat er te zijn als deze wordt bij",
    "pl": "i w nie to na jest się że z do jak co mam czy ale jest przez dla mnie są tego gdy jeśli mój po",
    "sv": "och att det är en som på jag för med inte hur kan ett av till den min men när vad om har från",
    "tr": "ve bir bu için ne ile de da ben değil ama çok gibi olarak daha neden benim şu olan",
    "id": "yang dan di ini itu untuk dengan saya tidak bagaimana apa dari ke bisa adalah pada ada atau juga",
    "cs": "a je se na to že v jak s ale pro co jsem nebo když mám by není ten jako k mi jsou proč tak",
}
_LANGUAGES_OF = {
    word: {language for language, words in _FUNCTION_WORDS.items() if word in words.split()}
    for words in _FUNCTION_WORDS.values()
    for word in words.split()
}
LATIN = frozenset(_FUNCTION_WORDS)
KNOWN = tuple(sorted(LATIN.union(*(languages for _, languages in _SCRIPTS.values()))))

_CODE_BLOCK = re.compile(r"```.*?(?:```|\Z)|`[^`\n]*`", re.DOTALL)
_CODE_SIGN = re.compile(r"[/\\_=<>{}()\[\]]")
_LATIN_LETTERS = re.compile(r"[A-Za-z\u00c0-\u024f]")
_WORDS = re.compile(r"[^\W\d_]+")
LONGEST_LOOK = 20_000
FEWEST_LETTERS = 20
FEWEST_FUNCTION_WORDS = 4
LEAD_OF_THE_BEST = 1.5
# A sign of these scripts says as much as several letters.
LETTERS_PER_SIGN = 3
_SIGNS = ("Kana", "Han", "Hangul")


def possible_languages(text: str) -> frozenset[str] | None:
    """Return the languages that a text may be in, as ISO 639-1 codes; None where there is too little to tell.

    All Latin languages that are known here come back for Latin letters whose words do not decide.
    """
    prose = _prose(text[:LONGEST_LOOK])
    weights = {
        name: len(pattern.findall(prose)) * (LETTERS_PER_SIGN if name in _SIGNS else 1)
        for name, pattern in ({} if prose.isascii() else _COUNTED).items()  # ASCII has none of their letters
    }
    weights["Latin"] = len(_LATIN_LETTERS.findall(prose))
    total = sum(weights.values())
    script = max(weights, key=lambda name: weights[name])
    if total < FEWEST_LETTERS or weights[script] * 2 <= total:
        return None
    if script == "Latin":
        return _latin_languages(prose)
    if script == "Han" and not weights["Kana"]:
        return frozenset({"zh"})
    return frozenset({"ja"} if weights["Kana"] and script == "Han" else _SCRIPTS[script][1])


def _prose(text: str) -> str:
    """Return a text without code blocks, and without words that look like code, links or paths."""
    return " ".join(word for word in _CODE_BLOCK.sub(" ", text).split() if not _CODE_SIGN.search(word))


def _latin_languages(prose: str) -> frozenset[str]:
    hits: Counter[str] = Counter()
    for word in _WORDS.findall(prose.lower()):
        for language_of_word in _LANGUAGES_OF.get(word, ()):
            hits[language_of_word] += 1
    (best, most), (_, second) = [*hits.most_common(2), ("", 0), ("", 0)][:2]
    decided = most >= FEWEST_FUNCTION_WORDS and most >= LEAD_OF_THE_BEST * second
    return frozenset({best}) if decided else LATIN


def language(wanted: tuple[str, ...]) -> Callable[[Example], bool]:
    """Return a rule that takes conversations whose user text is surely in none of the languages `wanted`.

    Raises UsageError for a code that is not known here.
    """
    for code in wanted:
        if code not in KNOWN:
            raise UsageError(f"--languages: {code!r} is not known; known are {', '.join(KNOWN)}")

    def drops(example: Example) -> bool:
        possible = possible_languages("\n".join(user_texts(example)))
        return possible is not None and possible.isdisjoint(wanted)

    return drops
