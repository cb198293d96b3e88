"""The state that lives in the project."""

from __future__ import annotations

import numpy as np
import pytest
from qgis.core import QgsProject, QgsRasterLayer, QgsVectorLayer

from ada_mapper.processing.layers import ROLE_PROPERTY
from ada_mapper.ui.project import ProjectState
from ada_mapper.ui.project.state import SCOPE
from small_rasters import write


@pytest.fixture
def dem(tmp_path):
    return write(tmp_path / "dem.tif", 500 + 10 * np.arange(1600.0).reshape(40, 40), "dem", "m")


def test_values_come_back_as_they_were(state):
    for name, value in {"folder": "/data/a b", "size": 2.5, "count": 3, "is_on": True, "pairs": ["a", "b"]}.items():
        state.set(name, value)
        assert state.get(name) == value and type(state.get(name)) is type(value)
    state.set("folder", None)
    assert state.get("folder", "none") == "none"


def test_a_value_of_another_type_counts_as_none(state, project):
    project.writeEntry(SCOPE, "pairs", "no JSON")
    assert state.get("pairs", []) == []
    state.set("pairs", "text")
    assert state.get("pairs", []) == []
    state.set("limit", 40)
    assert state.get("limit", 1.5) == 40.0


def test_numbers_do_not_depend_on_the_language(other_locale, state):
    state.set("limit", 1234.5)
    assert state.get("limit", 0.0) == 1234.5


def test_changes_are_told_once(state):
    told = []
    state.changed.connect(lambda: told.append(1))
    state.set("orbit", "ascending")
    state.set("orbit", "ascending")
    assert len(told) == 1


def test_a_saved_project_reopens_where_it_was(state, project, dem, tmp_path):
    layer = project.addMapLayer(QgsRasterLayer(dem, "ground"))
    state.set_layer("dem", layer)
    state.set("orbit", "descending")
    assert project.write(str(tmp_path / "project.qgz"))
    project.clear()
    assert state.layer("dem") is None and state.get("orbit") is None
    told = []
    state.changed.connect(lambda: told.append(1))
    assert project.read(str(tmp_path / "project.qgz"))
    assert state.layer("dem").name() == "ground" and state.get("orbit") == "descending" and told


def test_layers_made_in_the_toolbox_are_found_and_removed_ones_forgotten(state, project):
    areas = QgsVectorLayer("Polygon?crs=EPSG:4326", "areas", "memory")
    areas.setCustomProperty(ROLE_PROPERTY, "areas")
    project.addMapLayer(areas)
    assert state.layer("areas") == areas
    project.removeMapLayer(areas.id())
    assert state.layer("areas") is None and not project.readEntry(SCOPE, "layer_areas", "")[1]


def test_a_chosen_layer_is_not_replaced_by_a_new_one(state, project):
    layers = []
    for name in ("first", "second"):
        layer = QgsVectorLayer("Polygon?crs=EPSG:4326", name, "memory")
        layer.setCustomProperty(ROLE_PROPERTY, "areas")
        layers.append(project.addMapLayer(layer))
    assert state.layer("areas") == layers[0]
    state.set_layer("areas", layers[1])
    assert state.layer("areas") == layers[1]


def test_what_is_drawn_underneath_serves_nothing(state, project, dem):
    shade = QgsRasterLayer(dem, "Hillshade")
    shade.setCustomProperty(ROLE_PROPERTY, "underlay")
    project.addMapLayer(shade)
    assert state.role_of(shade) is None and state.layer("dem") is None


def test_guesses_and_notes_leave_the_project_unchanged_until_it_is_saved(state, project, dem, tmp_path):
    project.addMapLayer(QgsRasterLayer(dem, "ground"))
    file = str(tmp_path / "project.qgz")
    assert project.write(file)
    told = []
    state.changed.connect(lambda: told.append(1))
    state.note("step", "detect")
    state.note("step", "detect")
    assert state.layer("dem").name() == "ground" and state.get("step") == "detect" and len(told) == 1
    assert not project.isDirty()
    assert project.write(file) and not project.isDirty()
    project.clear()
    assert state.get("step") is None
    assert project.read(file)
    assert state.get("step") == "detect" and not project.isDirty()


def test_notes_of_one_project_are_not_those_of_the_next(state, project, dem, tmp_path):
    assert project.write(str(tmp_path / "empty.qgz"))
    project.addMapLayer(QgsRasterLayer(dem, "ground"))
    state.note("orbit", "ascending")
    assert project.read(str(tmp_path / "empty.qgz"))
    assert state.get("orbit") is None and state.layer("dem") is None


def test_a_choice_takes_the_place_of_a_note(state, project):
    state.note("orbit", "ascending")
    state.set("orbit", "descending")
    assert state.get("orbit") == "descending" and project.isDirty()
    state.note("orbit", "ascending")
    state.set("orbit", None)
    assert state.get("orbit") is None


def test_what_a_run_used_is_kept_in_the_project(state, project):
    state.note("orbit", "ascending")
    state.keep_notes()
    assert project.isDirty()
    assert project.readEntry(SCOPE, "orbit", "") == ('"ascending"', True)


def test_roles_are_checked(state):
    with pytest.raises(ValueError, match="role"):
        state.layer("nothing")


def test_a_closed_state_follows_nothing(project):
    closed = ProjectState()
    closed.close()
    closed.close()
    layer = QgsVectorLayer("Polygon?crs=EPSG:4326", "areas", "memory")
    layer.setCustomProperty(ROLE_PROPERTY, "areas")
    QgsProject.instance().addMapLayer(layer)
    assert closed.layer("areas") is None
