"""The provider: names that scripts and models rely on, help, and what loading it costs."""

from __future__ import annotations

import pytest
from qgis.core import (
    QgsApplication,
    QgsProcessingContext,
    QgsProcessingParameterDefinition,
    QgsProcessingParameterEnum,
)

CONTRACT = {
    "stackinterferograms": (
        "INPUT_FOLDER PAIRS_FILE PRODUCT MAX_TEMPORAL_BASELINE MAX_PERPENDICULAR_BASELINE MIN_COHERENCE "
        "WAVELENGTH HEADING INCIDENCE LOOK_SIDE REFERENCE_MODE REFERENCE RAMP DEM HEIGHT_CORRECTION ATMOSPHERE_FILTER "
        "SIGN UNIT",
        "PHASE_RATE LOS_RATE STANDARD_ERROR COUNT CLOSURE REPORT PAIRS_FOUND PAIRS_USED",
    ),
    "slope": ("INPUT", "OUTPUT"),
    "buildcomposite": ("PHASE_RATE LOS_RATE DEM SLOPE MODEL", "OUTPUT"),
    "detectareas": ("PHASE_RATE LOS_RATE DEM SLOPE MODEL BACKEND OVERLAP", "PROBABILITY"),
    "extractareas": ("PROBABILITY LOS_RATE SLOPE DEM THRESHOLD LOW_THRESHOLD MIN_AREA ORBIT", "AREAS AREA_COUNT"),
    "mergeorbits": ("ASCENDING DESCENDING", "AREAS"),
    "classicaldetector": ("LOS_RATE SLOPE", "AREAS"),
    "simulatescene": ("SEED SIZE DEM DATES", "OUTPUT_FOLDER"),
    "mapactiveareas": ("INPUT_FOLDER DEM MODEL", "AREAS PROBABILITY PHASE_RATE LOS_RATE SLOPE"),
    "lossensitivity": ("INPUT ORBIT HEADING INCIDENCE LOOK_SIDE", "OUTPUT VISIBILITY"),
    "labelsfromreview": ("AREAS UNREVIEWED", "LABELS LANDSLIDE_COUNT IGNORED_COUNT BACKGROUND_COUNT"),
    "createsamples": ("LABELS IGNORED EXTENT SCENE PIXEL_SIZE SEED", "OUTPUT_FOLDER TILES LABEL_PROBLEMS"),
    "trainmodel": ("SAMPLES SIMULATED_SHARE DEM_FOLDER NETWORK CHANNELS LOSS START MINUTES STEPS", "MODEL REPORT IOU"),
    "exportmodel": ("MODEL STORAGE", "OUTPUT"),
    "importmodel": ("INPUT CHANNELS PIXEL_SIZE THRESHOLD", "OUTPUT"),
    "assessaccuracy": ("AREAS PROBABILITY TRUE_AREAS IGNORED_AREAS LOS_RATE SLOPE", "JUDGED_AREAS REPORT FIGURES"),
    "samplesites": ("AREAS COUNT STRATIFY DISTRICTS ROADS MAX_ROAD_DISTANCE CRS SEED", "SITES SITE_COUNT"),
    "surveymaps": (
        "AREAS SITES DEM LOS_RATE ROADS BASE PAPER SCALE GROUP TITLE ORGANISATION CREDIT TEMPLATE OVERVIEW_TEMPLATE "
        "DPI",
        "OUTPUT PICTURES SHEET_COUNT",
    ),
    "surveypackage": ("SITES AREAS DEM BASE_MAP MARGIN", "OUTPUT_FOLDER PROJECT SITE_COUNT"),
    "mergesurvey": ("MASTER COPIES", "SITES REPORT CONFLICTS CHANGED ADDED DELETED CONFLICT_COUNT MISSING_PHOTOS"),
    "assesssurvey": ("SITES AREAS DEM KNOWN", "REPORT FIGURES CONFIRMED VISITED PRECISION PRECISION_LOW RECALL"),
    "comparechannels": ("MODELS SAMPLES", "REPORT FIGURES BEST_IOU CLASSICAL_IOU"),
}
ENUMERATIONS = {
    "REFERENCE_MODE": ["none", "auto", "point", "area", "median"],
    "RAMP": ["none", "plane", "quadratic"],
    "SIGN": ["toward", "away"],
    "UNIT": ["mm/yr", "m/yr"],
    "LOOK_SIDE": ["as told", "right", "left"],
    "BACKEND": ["auto", "onnxruntime", "torch"],
}


@pytest.fixture(params=sorted(CONTRACT))
def algorithm(request, plugin):
    return QgsApplication.processingRegistry().algorithmById(f"adamapper:{request.param}").create()


def test_names_are_those_of_the_contract(algorithm):
    parameters, outputs = CONTRACT[algorithm.name()]
    assert set(parameters.split()) <= {definition.name() for definition in algorithm.parameterDefinitions()}
    assert set(outputs.split()) <= {definition.name() for definition in algorithm.outputDefinitions()}


def test_every_parameter_has_help_that_the_panel_shows(algorithm):
    for definition in algorithm.parameterDefinitions():
        assert definition.help().strip(), definition.name()
        assert definition.description() in algorithm.shortHelpString()
    assert algorithm.svgIconPath().endswith(".svg") and not algorithm.icon().isNull()
    assert algorithm.group() and algorithm.shortDescription()


def test_choices_are_static_strings(algorithm):
    for definition in algorithm.parameterDefinitions():
        if isinstance(definition, QgsProcessingParameterEnum):
            assert definition.usesStaticStrings()
            is_optional = definition.flags() & QgsProcessingParameterDefinition.Flag.FlagOptional
            assert definition.defaultValue() in definition.options() or (is_optional and not definition.defaultValue())
            assert definition.options() == ENUMERATIONS.get(definition.name(), definition.options())


def test_optional_parameters_and_defaults_are_enough(algorithm):
    context = QgsProcessingContext()
    optional = QgsProcessingParameterDefinition.Flag.FlagOptional
    for definition in algorithm.parameterDefinitions():
        if definition.defaultValue() is not None or definition.flags() & optional:
            assert definition.checkValueIsAcceptable(definition.defaultValue(), context), definition.name()


def test_the_whole_chain_takes_what_its_tools_take(plugin):
    registry = QgsApplication.processingRegistry()
    chain, stacking = (
        registry.algorithmById(f"adamapper:{name}") for name in ("mapactiveareas", "stackinterferograms")
    )
    for name in ("MAX_TEMPORAL_BASELINE", "MAX_PERPENDICULAR_BASELINE"):
        ours, theirs = (tool.parameterDefinition(name) for tool in (chain, stacking))
        assert (ours.minimum(), ours.defaultValue()) == (theirs.minimum(), theirs.defaultValue())


def test_the_shipped_model_stays_after_a_reload_and_goes_with_the_plugin(plugin):
    registry = QgsApplication.processingRegistry()
    name = "model:Interferograms to active deformation areas"
    assert registry.algorithmById(name) is not None
    registry.providerById("model").refreshAlgorithms()
    assert registry.algorithmById(name) is not None
    plugin.unload()
    try:
        assert registry.algorithmById(name) is None
        assert registry.providerById("adamapper") is None
    finally:
        plugin.initProcessing()
