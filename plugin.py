"""The plugin object that QGIS creates: it registers the Processing provider and the models that come with it."""

from __future__ import annotations

from qgis.core import QgsApplication
from qgis.gui import QgisInterface

from .processing.provider import AdaMapperProvider
from .processing.shipped_models import ShippedModels


class AdaMapperPlugin:
    """Registers and removes the ``adamapper`` Processing provider."""

    def __init__(self, iface: QgisInterface | None) -> None:
        self.iface = iface
        self.provider: AdaMapperProvider | None = None
        self.models: ShippedModels | None = None

    def initProcessing(self) -> None:
        """Register the provider; qgis_process calls this alone, without a window."""
        self.provider = AdaMapperProvider()
        QgsApplication.processingRegistry().addProvider(self.provider)
        self.models = ShippedModels()

    def initGui(self) -> None:
        """Called by QGIS when its main window is up."""
        self.initProcessing()

    def unload(self) -> None:
        """Called by QGIS when the plugin is disabled."""
        if self.models is not None:
            self.models.remove()
            self.models = None
        if self.provider is not None:
            QgsApplication.processingRegistry().removeProvider(self.provider)
            self.provider = None
