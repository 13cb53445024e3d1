"""The language rule drops only what is surely in another language."""

import pytest

from turnsmith.core.errors import UsageError
from turnsmith.curate.clean.rules.language import LATIN, language, possible_languages

from .chats import QUESTION, chat

SENTENCES = {
    "en": QUESTION,
    "de": "Warum wird hier ein Fehler geworfen, und wie kann ich das beheben, wenn der Schlüssel nicht da ist?",
    "fr": "Pourquoi est-ce que la clé est absente dans le dictionnaire, et comment je peux corriger une erreur?",
    "es": "¿Por qué el diccionario no tiene la clave y cómo se corrige un error que está en los datos?",
    "it": "Perché il dizionario non ha la chiave e come si corregge un errore che è nei dati della tabella?",
    "pt": "Por que o dicionário não tem a chave e como eu corrijo um erro que está nos dados do meu projeto?",
    "nl": "Waarom is de sleutel niet in het woordenboek en hoe kan ik een fout in de gegevens oplossen?",
    "pl": "Dlaczego to nie działa i jak mam to naprawić, jest błąd w danych i nie wiem co z tym zrobić?",
    "sv": "Varför är nyckeln inte i ordboken och hur kan jag rätta ett fel som finns i den här filen?",
    "ru": "Почему в словаре нет этого ключа и как исправить ошибку в данных?",
    "zh": "为什么这个字典里没有这个键。我应该怎么修复数据中的这个错误。",
    "ja": "なぜこの辞書にキーがないのですか。データの誤りを直す方法を教えてください。",
    "ko": "왜 이 사전에 키가 없나요? 데이터의 오류를 어떻게 고칠 수 있나요?",
    "el": "Γιατί το λεξικό δεν έχει το κλειδί και πώς διορθώνω το λάθος στα δεδομένα;",
    "he": "למה אין את המפתח הזה במילון ואיך מתקנים את השגיאה בנתונים?",
}


@pytest.mark.parametrize("code", SENTENCES)
def test_a_language_is_told(code: str) -> None:
    """A sentence is among the possible languages of its text, and is no English unless it is."""
    possible = possible_languages(SENTENCES[code])
    assert possible is not None
    assert code in possible
    assert language(("en",))(chat(user=SENTENCES[code])) == (code != "en")


@pytest.mark.parametrize(
    "text", ["", "ok", "```python\nfür = 1\n```", "https://example.com/le/la/les", "404 500"]
)
def test_too_little_text_is_kept(text: str) -> None:
    """Where there is no prose nothing is said about its language."""
    assert possible_languages(text) is None


def test_undecided_words_are_any_latin_language() -> None:
    """Names and codes in Latin letters may be any language of that script, and surely none of another."""
    names = "numpy pandas pytest pydantic requests scrapy django"
    assert possible_languages(names) == LATIN
    assert not language(("en",))(chat(user=names))
    assert language(("zh", "ja"))(chat(user=names))


def test_code_does_not_outvote_prose() -> None:
    """A question in Chinese around English code is Chinese."""
    question = f"{SENTENCES['zh']}\n```python\nfor the_key in the_users: print(the_key)\n```"
    assert possible_languages(question) == frozenset({"zh"})


def test_an_unknown_code_is_refused() -> None:
    """The message of a wrong code has those that are known."""
    with pytest.raises(UsageError, match=r"'english' is not known; known are ar, .*zh"):
        language(("english",))
