"""Every sentence that a user can see stands where translators find it."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import texts

# Sentences that go into files as they are: descriptions in cards and scenes, which are English for all who read them.
STORED = {
    "core/learning/bundled.py", "core/learning/recipe.py", "core/models/importing.py", "core/models/weights.py",
    "core/simulation/semi_real.py", "core/simulation/stack.py",
}  # fmt: skip


def test_no_sentence_is_lost() -> None:
    lost = [f"{place}: {text}" for place, text in texts.lost_sentences() if place.file not in STORED]
    assert not lost, "\n".join(lost)


def test_no_text_is_computed_before_it_can_be_translated() -> None:
    computed = [f"{place}: {text}" for place, text in texts.computed_texts()]
    assert not computed, "\n".join(computed)


def test_templates_have_a_place_for_each_value() -> None:
    wrong = [f"{place}: {text}" for place, text in texts.wrong_values()]
    assert not wrong, "\n".join(wrong)


def test_sentences_outside_and_computed_ones_are_found(tmp_path: Path) -> None:
    for room in ("core", "processing", "ui"):
        (tmp_path / room).mkdir()
    (tmp_path / "core" / "told.py").write_text(
        '"""This is a docstring of a file."""\n'
        'note = "The rates are empty."\n'
        'raise InputError(f"{name} has no bands at all.")\n'
        'raise InputError("{name} has no bands.", name=name)\n'
        'progress.info("Some pixels " + what)\n'
        'progress.warning("{name} has {count}.", name=name, size=size)\n'
    )
    assert [text for _, text in texts.lost_sentences(tmp_path)] == ["The rates are empty."]
    assert [place.line for place, _ in texts.computed_texts(tmp_path)] == [3, 5]
    assert list(texts.texts(tmp_path)) == ["{name} has no bands.", "{name} has {count}."]
    assert [place.line for place, _ in texts.wrong_values(tmp_path)] == [6]


def test_all_texts_go_into_a_file_for_translators(tmp_path: Path) -> None:
    path = tmp_path / "build" / "texts.ts"
    count = texts.write(path)
    context = ElementTree.parse(path).getroot().find("context")
    assert context is not None and context.findtext("name") == "AdaMapper"
    sources = [message.findtext("source") for message in context.findall("message")]
    assert len(sources) == count == len(set(sources)) > 1000
    assert {"Map active deformation areas", "The run was cancelled; nothing was written."} <= set(sources)
