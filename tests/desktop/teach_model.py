"""Runs inside the QGIS desktop: teaches the shipped model twenty landslides, as a user does it from the toolbox.

A region is made (semi-real: landslides added to rates that are simulated here), twenty of its landslides are drawn in
the western half with clicks on the map, samples are created, the model is fine-tuned, the region is mapped and the
map of the eastern half is judged, all through the dialogs. Pictures are taken on the way.

A folder "region" that is there already, with "stack" beside it, is taken as it is.

The task names "model" (the model to start from), "scene", "landslides", "samples" and "training" (parameters of the
tools).
"""

from qgis.core import (
    QgsCategorizedSymbolRenderer,
    QgsEditFormConfig,
    QgsFeature,
    QgsFillSymbol,
    QgsHillshadeRenderer,
    QgsMapLayer,
    QgsPointXY,
    QgsProject,
    QgsSingleSymbolRenderer,
    QgsVectorFileWriter,
    QgsVectorLayer,
)
from qgis.PyQt.QtCore import Qt, QTimer
from qgis.PyQt.QtTest import QTest
from qgis.PyQt.QtWidgets import QApplication, QDockWidget, QScrollArea, QTextEdit, QToolButton
from qgis.utils import iface

import processing
from walking import FOLDER, TASK, grab, outcome, select_tool, start, tool_dialog, tool_has_ended, toolbox, until

REGION = FOLDER / "region"
LABELS = 20
STEP = 400
project = QgsProject.instance()
outcome.update(results={}, logs={})
LAYERS = ("PHASE_RATE", "LOS_RATE", "DEM", "SLOPE", "LOS_SENSITIVITY")


def walk():
    """What the user does; each ``yield`` lets the desktop go on for so many milliseconds."""
    if not REGION.exists():
        make_region()
    yield from arrange_window()
    yield from label_areas()
    halves = make_halves()
    yield from create_samples(halves["west"])
    yield from fine_tune()
    outcome["before"] = judge_untuned(halves["east"])
    yield from map_region()
    yield from assess(halves["east"])
    describe_layers()


def run(name, **parameters):
    """A tool run without its dialog; its results."""
    identifier = name if ":" in name else f"adamapper:{name}"
    return processing.run(identifier, parameters)


def make_region():
    """Rates of simulated interferograms, with landslides added to them."""
    run("simulatescene", OUTPUT_FOLDER=str(FOLDER / "scene"), **TASK["scene"])
    dem, rates = str(FOLDER / "scene" / "dem.tif"), {}
    for name in ("phase_rate", "los_rate"):
        rates[name.upper()] = str(FOLDER / "stack" / f"{name}.tif")
    (FOLDER / "stack").mkdir()
    run("stackinterferograms", INPUT_FOLDER=str(FOLDER / "scene"), **rates)
    run("slope", INPUT=dem, OUTPUT=str(FOLDER / "stack" / "slope.tif"))
    run("lossensitivity", INPUT=dem, RATE=rates["LOS_RATE"], OUTPUT=str(FOLDER / "stack" / "los_sensitivity.tif"))
    known = f"{FOLDER / 'scene' / 'true_areas.gpkg'}|layername=true_areas"
    semi_real = {"KIND": "semi-real", "DEM": dem, "EXCLUDE": known, "OUTPUT_FOLDER": str(REGION)}
    run("simulatescene", **semi_real, **rates, **TASK["landslides"])


def arrange_window():
    """An empty project with the layers of the region, in the styles that the tools gave them."""
    iface.mainWindow().setGeometry(QApplication.primaryScreen().geometry())
    for name in ("Browser", "ProcessingToolbox"):
        iface.mainWindow().findChild(QDockWidget, name).setVisible(False)
    iface.newProject()
    yield 1000
    for name, title in (("los_sensitivity", "LOS sensitivity"), ("dem", "Elevation"), ("slope", "Slope"),
                        ("phase_rate", "Phase rate"), ("los_rate", "LOS rate")):  # fmt: skip
        layer = iface.addRasterLayer(str(REGION / f"{name}.tif"), title)
        style = FOLDER / "stack" / f"{name}.qml"
        if style.exists():
            layer.loadNamedStyle(str(style))
        iface.layerTreeView().setExpanded(iface.layerTreeView().currentIndex(), name == "los_rate")
    project.setCrs(raster("los_rate").crs())
    iface.zoomFull()
    yield 1500


def raster(name):
    return next(layer for layer in project.mapLayers().values() if layer.source() == str(REGION / f"{name}.tif"))


def layer_named(name):
    return project.mapLayersByName(name)[0]


def truth(name):
    return QgsVectorLayer(f"{REGION / 'true_areas.gpkg'}|layername={name}", name)


def label_areas():
    """Draw the twenty largest landslides of the western half with clicks, roughly, as a hand does."""
    layer = shown_labels(written("my_landslides"))
    iface.setActiveLayer(layer)
    outlines, others = known_areas()
    outcome["doubtful"] = len(others)
    written("doubtful", others)
    layer.startEditing()
    iface.actionAddFeature().trigger()
    yield 500
    for outline in outlines:
        yield from draw(outline)
    layer.commitChanges()
    iface.actionPan().trigger()
    outcome["drawn"] = layer.featureCount()
    outcome["overlaps_of_drawings"] = overlaps(layer, outlines)
    yield 1500
    grab("labels")


def known_areas():
    """The outlines to draw, and all other motion that is known, about which the user is in doubt."""
    middle = raster("los_rate").extent().center().x()
    areas = [feature.geometry() for feature in truth("true_areas").getFeatures()]
    areas.sort(key=lambda geometry: (geometry.boundingBox().xMaximum() > middle, -geometry.area()))
    return areas[:LABELS], areas[LABELS:] + [feature.geometry() for feature in truth("ignored").getFeatures()]


def written(name, geometries=()):
    """The path of a new GeoPackage of polygons."""
    memory = QgsVectorLayer("MultiPolygon?field=note:string", name, "memory")
    memory.setCrs(raster("los_rate").crs())
    features = [QgsFeature(memory.fields()) for _ in geometries]
    for feature, geometry in zip(features, geometries):
        feature.setGeometry(geometry)
    memory.dataProvider().addFeatures(features)
    options = QgsVectorFileWriter.SaveVectorOptions()
    options.driverName = "GPKG"
    path = str(FOLDER / f"{name}.gpkg")
    QgsVectorFileWriter.writeAsVectorFormatV3(memory, path, project.transformContext(), options)
    return path


def shown_labels(path):
    """The layer to draw in, shown on the map; a new feature asks for no attributes."""
    layer = iface.addVectorLayer(path, "", "ogr")
    layer.setName("My landslides")
    outline = {"style": "no", "outline_color": "#111111", "outline_width": "0.6"}
    layer.setRenderer(QgsSingleSymbolRenderer(QgsFillSymbol.createSimple(outline)))
    form = layer.editFormConfig()
    form.setSuppress(QgsEditFormConfig.FeatureFormSuppress.SuppressOn)
    layer.setEditFormConfig(form)
    return layer


def draw(outline):
    """Click the corners of a coarse outline, then the right button."""
    largest = max(outline.asGeometryCollection(), key=lambda part: part.area())
    ring = largest.simplify(25.0).asPolygon()[0]
    canvas = iface.mapCanvas()
    to_screen = canvas.getCoordinateTransform()
    for point in ring[:-1]:
        click(canvas, to_screen.transform(QgsPointXY(point)), Qt.MouseButton.LeftButton)
    click(canvas, to_screen.transform(QgsPointXY(ring[-2])), Qt.MouseButton.RightButton)
    yield 60


def click(canvas, position, button):
    QTest.mouseClick(canvas.viewport(), button, pos=position.toQPointF().toPoint())


def overlaps(layer, outlines):
    """Intersection over union of each drawn polygon with the landslide it follows best."""
    drawn = [feature.geometry() for feature in layer.getFeatures()]
    return [
        max((d.intersection(o).area() / d.combine(o).area() for o in outlines if d.intersects(o)), default=0.0)
        for d in drawn
    ]


def make_halves():
    """The mapped western half, and the eastern half that is kept for the judgement, as polygon layers."""
    extent, crs = raster("los_rate").extent(), raster("los_rate").crs()
    middle = extent.center().x()
    sides = {"west": (extent.xMinimum(), middle), "east": (middle, extent.xMaximum())}
    layers = {}
    for name, (left, right) in sides.items():
        text = f"{left},{right},{extent.yMinimum()},{extent.yMaximum()} [{crs.authid()}]"
        path = run("native:extenttolayer", INPUT=text, OUTPUT=str(FOLDER / f"{name}.gpkg"))["OUTPUT"]
        layers[name] = path if isinstance(path, str) else path.source()
    return layers


def create_samples(west):
    yield from use("createsamples", "samples", {
        **files(LAYERS), "SCENE": "west", "LABELS": layer_named("My landslides").id(), "EXTENT": west,
        "IGNORED": str(FOLDER / "doubtful.gpkg"),
        "OUTPUT_FOLDER": str(FOLDER / "samples"), **TASK["samples"],
    })  # fmt: skip
    iface.zoomFull()
    yield 1500
    grab("samples_map")


def fine_tune():
    yield from use("trainmodel", "training", {
        "SAMPLES": str(FOLDER / "samples"), "START": TASK["model"], "MODEL": str(FOLDER / "tuned.onnx"),
        "REPORT": str(FOLDER / "training.html"), **TASK["training"],
    })  # fmt: skip


def files(kinds):
    return {kind: str(REGION / f"{kind.lower()}.tif") for kind in kinds}


def map_region():
    hide_all_but("LOS rate", "My landslides")
    yield from use("detectareas", "detection", {
        **files(LAYERS), "MODEL": str(FOLDER / "tuned.onnx"), "PROBABILITY": str(FOLDER / "probability.tif"),
    })  # fmt: skip
    yield from use("extractareas", "extraction", {
        **files(("LOS_RATE", "DEM", "SLOPE")), "PROBABILITY": layer_named("Probability").id(), "ORBIT": "descending",
        "AREAS": str(FOLDER / "areas.gpkg"),
    })  # fmt: skip
    grab("areas_map")


def truths(east):
    return {
        "TRUE_AREAS": f"{REGION / 'true_areas.gpkg'}|layername=true_areas",
        "IGNORED_AREAS": f"{REGION / 'true_areas.gpkg'}|layername=ignored",
        "MAPPED_EXTENT": east,
        **files(("LOS_RATE", "DEM", "SLOPE", "LOS_SENSITIVITY")),
        "REGION_SIZE": 2,
    }


def judge_untuned(east):
    """The figures of the model that the tuning started from, on the same ground."""
    path = str(FOLDER / "untuned.tif")
    run("detectareas", **files(LAYERS), MODEL=TASK["model"], PROBABILITY=path)
    return plain(run("assessaccuracy", PROBABILITY=path, **truths(east)))


def assess(east):
    yield from use("assessaccuracy", "assessment", {
        **truths(east), "AREAS": layer_named("Active deformation areas").id(),
        "PROBABILITY": layer_named("Probability").id(), "JUDGED_AREAS": str(FOLDER / "judged.gpkg"),
        "REPORT": str(FOLDER / "accuracy.html"), "FIGURES": str(FOLDER / "accuracy.csv"),
    })  # fmt: skip
    hide_all_but("Hits, misses and false alarms", "Elevation")
    elevation = layer_named("Elevation")
    elevation.setRenderer(QgsHillshadeRenderer(elevation.dataProvider(), 1, 315, 45))
    elevation.triggerRepaint()
    iface.setActiveLayer(layer_named("Hits, misses and false alarms"))
    iface.layerTreeView().setExpanded(iface.layerTreeView().currentIndex(), True)
    yield 2500
    grab("judged_map")


def hide_all_but(*names):
    for layer in project.mapLayers().values():
        project.layerTreeRoot().findLayer(layer.id()).setItemVisibilityChecked(layer.name() in names)


def use(name, picture, parameters):
    """Find a tool in the toolbox, fill its dialog, click Run, wait, close."""
    toolbox().setVisible(True)
    iface.messageBar().clearWidgets()
    yield STEP
    toolbox().searchBox.setText(name)
    yield 2 * STEP
    select_tool(f"adamapper:{name}")
    QTimer.singleShot(0, toolbox().executeAlgorithm)  # returns only when the dialog is closed
    yield 3 * STEP
    window = tool_dialog()
    window.setGeometry(QApplication.primaryScreen().geometry().adjusted(200, 40, -200, -40))
    window.setParameters(parameters)
    yield 2 * STEP
    grab(f"{picture}_dialog")
    yield from grab_panel(window, f"{picture}_panel")
    window.runButton().click()
    yield STEP
    yield from until(lambda: tool_has_ended(window))
    yield 2 * STEP
    grab(f"{picture}_log")
    outcome["results"][name] = plain(window.results())
    outcome["logs"][name] = window.findChild(QTextEdit, "txtLog").toPlainText()
    window.close()
    for name in ("ProcessingToolbox", "ResultsViewer"):
        dock = iface.mainWindow().findChild(QDockWidget, name)
        if dock is not None:
            dock.setVisible(False)
    yield 3 * STEP
    iface.messageBar().clearWidgets()


def plain(results):
    """The results of a tool as JSON can hold them."""
    kept = (int, float, str, type(None))
    return {key: value if isinstance(value, kept) else str(value) for key, value in results.items()}


def grab_panel(window, name):
    """A picture of all parameters, the advanced ones and those below the edge of the dialog too."""
    unfold = window.mainWidget().findChild(QToolButton, "collapseButton")
    unfold.click()
    yield STEP
    contents = window.mainWidget().findChild(QScrollArea).widget()
    contents.grab().save(str(FOLDER / f"{name}.png"))
    unfold.click()


def describe_layers():
    outcome["layers"] = {layer.name(): described(layer) for layer in project.mapLayers().values()}


def described(layer):
    facts = {"renderer": layer.renderer().type(), "is_raster": layer.type() == QgsMapLayer.LayerType.RasterLayer}
    if isinstance(layer.renderer(), QgsCategorizedSymbolRenderer):
        facts["categories"] = [category.label() for category in layer.renderer().categories()]
        facts["features"] = layer.featureCount()
    return facts


start(walk)
