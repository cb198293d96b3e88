"""What the plugin uses of QGIS' own package ``processing``, which has no types and the name of a folder here."""

from typing import Any

def run(
    algOrName: str,
    parameters: dict[str, Any],
    onFinish: Any = ...,
    feedback: Any = ...,
    context: Any = ...,
    is_child_algorithm: bool = ...,
) -> dict[str, Any]: ...
def createAlgorithmDialog(algOrName: str, parameters: dict[str, Any] = ...) -> Any: ...
def execAlgorithmDialog(algOrName: str, parameters: dict[str, Any] = ...) -> dict[str, Any]: ...
