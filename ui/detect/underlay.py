"""Relief under the results: renderers of the elevation model and the slope, nothing is computed or written."""

from __future__ import annotations

from qgis.core import (
    Qgis,
    QgsCoordinateReferenceSystem,
    QgsHillshadeRenderer,
    QgsLayerTreeGroup,
    QgsMapLayer,
    QgsProject,
    QgsRasterDataProvider,
    QgsRasterLayer,
)
from qgis.PyQt.QtGui import QPainter

from ...processing import styles
from ...processing.layers import mark_role, role_mark
from ...processing.texts import tr

# Not one of the roles: what is drawn like this serves nothing else.
_UNDERLAY = "underlay"
_SLOPE_OPACITY = 0.5
_METRES_PER_DEGREE = 111_320.0


def put_under(project: QgsProject, group_name: str, dem: QgsMapLayer | None, slope: QgsMapLayer | None) -> None:
    """Put a hillshade of the elevation model and the slope at the bottom of a group; None: not wanted.

    The rates above let the relief shine through.
    """
    group = project.layerTreeRoot().findGroup(group_name)
    if group is None:
        return
    is_there = slope is not None and _show(group, slope)
    for layer in (None if is_there else _slope(slope), _hillshade(dem)):
        if layer is not None:
            mark_role(layer, _UNDERLAY)
            project.addMapLayer(layer, False)
            group.addLayer(layer)
    if dem is None and slope is None:
        return
    for node in group.findLayers():
        layer = node.layer()
        if layer is not None and role_mark(layer) in ("los_rate", "phase_rate", "probability"):
            layer.setBlendMode(QPainter.CompositionMode.CompositionMode_Multiply)


def _show(group: QgsLayerTreeGroup, slope: QgsMapLayer) -> bool:
    """Let the slope that a run made show through; False where the group has none."""
    node = group.findLayer(slope.id())
    if node is not None:
        node.setItemVisibilityChecked(True)
        slope.setOpacity(_SLOPE_OPACITY)
    return node is not None


def _hillshade(dem: QgsMapLayer | None) -> QgsRasterLayer | None:
    if not isinstance(dem, QgsRasterLayer):
        return None
    layer = QgsRasterLayer(dem.source(), tr("Hillshade"), dem.providerType())
    if not layer.isValid():
        return None
    renderer = QgsHillshadeRenderer(layer.dataProvider(), 1, 315, 45)
    renderer.setMultiDirectional(True)
    renderer.setZFactor(_vertical_scale(layer.crs()))
    layer.setRenderer(renderer)
    # Before shading, not after: shading of repeated pixels draws lines between them.
    provider, methods = layer.dataProvider(), QgsRasterDataProvider.ResamplingMethod
    layer.setResamplingStage(Qgis.RasterResamplingStage.Provider)
    provider.enableProviderResampling(True)
    provider.setZoomedInResamplingMethod(methods.Cubic)
    provider.setZoomedOutResamplingMethod(methods.Bilinear)
    provider.setMaxOversampling(3)
    return layer


def _vertical_scale(crs: QgsCoordinateReferenceSystem) -> float:
    """Metres of elevation in the horizontal unit, so that a DEM in degrees is not drawn as needles."""
    return 1 / _METRES_PER_DEGREE if crs.isGeographic() else 1.0


def _slope(slope: QgsMapLayer | None) -> QgsRasterLayer | None:
    if not isinstance(slope, QgsRasterLayer):
        return None
    layer = QgsRasterLayer(slope.source(), tr("Slope"), slope.providerType())
    if not layer.isValid():
        return None
    styles.style_raster(layer, "slope")
    layer.setOpacity(_SLOPE_OPACITY)
    return layer
