"""Puts the models (.model3) that the plugin ships under Models in the toolbox, where they can be opened and run."""

from __future__ import annotations

from qgis.core import QgsApplication, QgsProcessingModelAlgorithm, QgsProcessingProvider

from .algorithm import ROOT

FOLDER = ROOT / "resources" / "processing_models"


class ShippedModels:
    """Adds the models to QGIS' own Models provider, and again whenever that provider is reloaded."""

    def __init__(self) -> None:
        self._registry = QgsApplication.processingRegistry()
        self._registry.providerAdded.connect(self._on_provider)
        self._on_provider("model")

    def remove(self) -> None:
        """Leave the provider as it was before."""
        self._registry.providerAdded.disconnect(self._on_provider)
        provider = self._registry.providerById("model")
        if provider is not None:
            provider.algorithmsLoaded.disconnect(self._add)
            provider.refreshAlgorithms()

    def _on_provider(self, provider_id: str) -> None:
        provider = self._registry.providerById(provider_id)
        if provider_id == "model" and provider is not None:
            provider.algorithmsLoaded.connect(self._add)
            self._add()

    def _add(self) -> None:
        provider = self._registry.providerById("model")
        added = [_add_model(provider, str(path)) for path in sorted(FOLDER.glob("*.model3"))]
        if any(added):
            provider.algorithmsLoaded.emit()


def _add_model(provider: QgsProcessingProvider, path: str) -> bool:
    """Add one model unless it is there already; True when it was added."""
    model = QgsProcessingModelAlgorithm()
    if not model.fromFile(path) or provider.algorithm(model.name()) is not None:
        return False
    model.setSourceFilePath(path)
    return bool(provider.addAlgorithm(model))
