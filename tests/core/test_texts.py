"""Messages: English as they stand, another language through a translator, values and all."""

from __future__ import annotations

import copy
import gc
import pickle
import weakref

import pytest

from ada_mapper.core.errors import AdaMapperError, InputError
from ada_mapper.core.progress import Progress
from ada_mapper.core.texts import Message, in_words, joined

GERMAN = {
    "{path} holds no {what}.": "In {path} ist kein {what}.",
    "slope": "Hang",
    "Nothing was done.": "Nichts wurde getan.",
    "{path} can't be used: {error}": "{path} geht nicht: {error}",
}


def german(text: str) -> str:
    return GERMAN.get(text, text)


def test_a_message_is_its_english_sentence() -> None:
    message = Message("{path} holds no {what}.", path="a.tif", what="band")
    assert message == "a.tif holds no band." and isinstance(message, str)


def test_a_translation_keeps_the_values_and_translates_those_that_are_messages() -> None:
    message = Message("{path} holds no {what}.", path="slope", what=Message("slope"))
    assert message.in_words(german) == "In slope ist kein Hang."


def test_an_error_within_an_error_is_translated() -> None:
    inner = InputError("{path} holds no {what}.", path="a.tif", what=Message("slope"))
    outer = InputError("{path} can't be used: {error}", path="a.csv", error=inner)
    assert str(outer) == "a.csv can't be used: a.tif holds no slope."
    assert in_words(outer, german) == "a.csv geht nicht: In a.tif ist kein Hang."


def test_numbers_keep_their_format() -> None:
    assert Message("{size:.1f} m, {name!r}", size=2.25, name="x").in_words(german) == "2.2 m, 'x'"


def test_braces_are_braces_where_there_are_no_values() -> None:
    assert InputError("{a} and {").args == ("{a} and {",)
    assert Message("100 {").in_words(german) == "100 {"
    assert Message("{path} holds no {what}.", path="{what}", what="band") == "{what} holds no band."


@pytest.mark.parametrize("wrong", ["{pfad} enthält nichts", "{path", "{path:d}", "{path.nothing}", "{0}"])
def test_a_translation_that_does_not_fit_leaves_the_english(wrong: str) -> None:
    assert Message("{path} is empty.", path="a.tif").in_words(lambda text: wrong) == "a.tif is empty."


def test_joined_texts_are_translated_one_by_one() -> None:
    both = joined([Message("Nothing was done."), "a.tif"], " ")
    assert both == "Nothing was done. a.tif" and both.in_words(german) == "Nichts wurde getan. a.tif"


def test_a_message_lets_go_of_what_its_error_held() -> None:
    class File:
        """What a function had open when it failed."""

    held = []

    def fail() -> None:
        file = File()
        held.append(weakref.ref(file))
        raise ValueError("cut short")

    try:
        fail()
    except ValueError as error:
        message = Message("{path} can't be used: {error}", path="a.csv", error=error)
    gc.collect()
    assert held[0]() is None
    assert message == "a.csv can't be used: cut short" and message.in_words(german) == "a.csv geht nicht: cut short"


def test_messages_and_errors_survive_a_copy_and_another_process() -> None:
    message = Message("{path} holds no {what}.", path="a.tif", what=Message("slope"))
    for again in (copy.deepcopy(message), pickle.loads(pickle.dumps(message))):
        assert again == message and again.in_words(german) == "In a.tif ist kein Hang."
    error = pickle.loads(pickle.dumps(InputError("{path} holds no {what}.", path="a.tif", what="x")))
    assert isinstance(error, AdaMapperError) and in_words(error, german) == "In a.tif ist kein x."


def test_progress_tells_messages() -> None:
    told: list[Message] = []
    progress = Progress(on_info=told.append, on_warning=told.append)
    progress.info("{path} holds no {what}.", path="a.tif", what="x")
    progress.warning(Message("slope"))
    assert [message.in_words(german) for message in told] == ["In a.tif ist kein x.", "Hang"]
