"""The plugin object that QGIS creates: it registers the Processing provider, the shipped models and the windows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qgis.core import QgsApplication

from .processing.provider import AdaMapperProvider
from .processing.shipped_models import ShippedModels

if TYPE_CHECKING:
    from qgis.gui import QgisInterface

    from .ui.actions import Actions


class AdaMapperPlugin:
    """Registers and removes the ``adamapper`` Processing provider, and the menu, toolbar and panel of the desktop."""

    def __init__(self, iface: QgisInterface | None) -> None:
        self.iface = iface
        self.provider: AdaMapperProvider | None = None
        self.models: ShippedModels | None = None
        self.actions: Actions | None = None

    def initProcessing(self) -> None:
        """Register the provider; qgis_process calls this alone, without a window."""
        self.provider = AdaMapperProvider()
        QgsApplication.processingRegistry().addProvider(self.provider)
        self.models = ShippedModels()

    def initGui(self) -> None:
        """Called by QGIS when its main window is up."""
        self.initProcessing()
        if self.iface is not None:
            from .ui.actions import Actions

            self.actions = Actions(self.iface)

    def unload(self) -> None:
        """Called by QGIS when the plugin is disabled."""
        if self.actions is not None:
            self.actions.remove()
            self.actions = None
        if self.models is not None:
            self.models.remove()
            self.models = None
        if self.provider is not None:
            QgsApplication.processingRegistry().removeProvider(self.provider)
            self.provider = None
