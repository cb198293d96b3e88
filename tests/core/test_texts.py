"""Messages: English as they stand, another language through a translator, values and all."""

from __future__ import annotations

import copy
import gc
import pickle
import weakref

import pytest

from ada_mapper.core.errors import AdaMapperError, CancelledError, InputError
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


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (
            "[ONNXRuntimeError] : 1 : FAIL : Non-zero status code returned while running Add node. Name:'' Status "
            "Message: /onnxruntime_src/onnxruntime/core/providers/cpu/math/element_wise_ops.h:563 void "
            "onnxruntime::BroadcastIterator::Init(ptrdiff_t, ptrdiff_t) axis == 1 || axis == largest was false. "
            "Attempting to broadcast an axis by a dimension other than 1. 3 by 8\n",
            "Attempting to broadcast an axis by a dimension other than 1. 3 by 8",
        ),
        (
            "[ONNXRuntimeError] : 10 : INVALID_GRAPH : /onnxruntime_src/onnxruntime/core/graph/model.cc:340 "
            "onnxruntime::Model::Model(onnx::ModelProto&&, const onnxruntime::PathString&) Model local function "
            "definitions must not be recursive. ",
            "Model local function definitions must not be recursive",
        ),
        (
            "[ONNXRuntimeError] : 7 : INVALID_PROTOBUF : Load model from /a b/c.onnx failed:Protobuf parsing failed.",
            "Protobuf parsing failed",
        ),
        (
            'Error(s) in loading state_dict for Linear:\n\tMissing key(s) in state_dict: "weight". \n\tsize mismatch',
            'Error(s) in loading state_dict for Linear: Missing key(s) in state_dict: "weight"',
        ),
        ("[enforce fail at alloc_cpu.cpp:127] err == 0. can't allocate memory\nframe #0: c10", "can't allocate memory"),
        ("CUDA error: out of memory\nException raised from x at /a/b.cpp:1\nframe #0: f", "CUDA error: out of memory"),
        ("\n  \n", "RuntimeError"),
        ("", "RuntimeError"),
        ("word " * 200, f"{('word ' * 60).rstrip()}…"),
    ],
)
def test_of_a_library_s_page_of_text_the_reason_is_told(said: str, told: str) -> None:
    assert Message("x ({error})", error=RuntimeError(said)) == f"x ({told})"


def test_the_system_s_errors_and_missing_keys_are_told_in_words() -> None:
    missing = FileNotFoundError(2, "No such file or directory", "/a/b")
    assert Message("{error}", error=missing) == "No such file or directory"
    assert Message("{error}", error=KeyError("crs")) == "there is no crs"


def test_what_is_complete_cannot_be_cancelled_any_more() -> None:
    fractions: list[float] = []
    progress = Progress(on_fraction=fractions.append, is_cancelled=lambda: True)
    progress.report(1.0)
    assert fractions == [1.0]
    with pytest.raises(CancelledError):
        progress.report(0.999)
