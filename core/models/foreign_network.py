"""A network of another program as an ONNX graph: what it takes and gives is found by trying, and its graph is
extended so that it takes a composite's bands and gives the probabilities of two classes.

Errors are the end of a sentence that begins with the file's name.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any

import numpy as np

from ..errors import AdaMapperError, InputError
from ..packages import missing_package
from ..progress import QUIET, Progress
from ..texts import Message
from ..types import Array
from .files import onnx_package

ANSWERS = ("auto", "probabilities", "logits")
_PREFIX = "ada_mapper_"
_OUTPUT = "probability"
_WAIT_SECONDS = 0.1


class ForeignNetwork:
    """A network that takes float32 (n, bands, tile, tile). ``tile`` is the side that it demands, else ``tile``.

    Raises InputError when it takes something else.
    """

    def __init__(self, model: Any, bands: int, tile: int, progress: Progress = QUIET) -> None:
        self.model, self._progress = model, progress
        self._session = _session(model)
        progress.check()
        inputs = self._session.get_inputs()
        if len(inputs) != 1:
            raise InputError("it has {count} inputs, where a network that sees one image has 1", count=len(inputs))
        self._input, shape = inputs[0], inputs[0].shape
        if self._input.type != "tensor(float)" or len(shape) != 4:
            kind = self._input.type[7:-1]
            raise InputError(
                "its input is {kind} of shape {shape}, and float of shape (n, bands, height, width) is needed",
                kind=kind,
                shape=shape,
            )
        if isinstance(shape[1], int) and shape[1] != bands:
            raise InputError(
                "its input has {shape} bands, but the channels given make {bands}", shape=shape[1], bands=bands
            )
        if isinstance(shape[0], int) and shape[0] != 1:
            raise InputError(
                "it takes exactly {shape} tiles at a time: export it for 1 or for any number", shape=shape[0]
            )
        fixed = {side for side in shape[2:] if isinstance(side, int)}
        if len(fixed) > 1:
            raise InputError(
                "its tiles have {height} × {width} pixels, and only square ones can be used",
                height=shape[2],
                width=shape[3],
            )
        self.tile = fixed.pop() if fixed else tile
        self._bands, self._rank = bands, 4

    def give_probabilities(
        self, scales: Array, shifts: Array, answer: str = "auto", area_class: int | None = None
    ) -> tuple[str, ...]:
        """Extend the graph: band b becomes ``scales[b]``·value + ``shifts[b]`` before the network, and behind it
        there are the probabilities (n, 2, h, w) of background and areas. Says in sentences what was assumed.

        ``answer``: what the network gives, or "auto" to find out. ``area_class`` may be None for up to two classes.
        """
        answers = self._answers()
        classes = answers.shape[1]
        chosen = _chosen_class(classes, area_class)
        if answer == "auto":
            answer = "probabilities" if answers.min() >= -1e-4 and answers.max() <= 1 + 1e-4 else "logits"
        sums_to_one = classes > 1 and bool(np.allclose(answers.sum(axis=1), 1, atol=1e-3))
        said: list[str] = [
            Message("The network gives {answer} of {classes} classes", answer=answer, classes=classes)
            if classes > 1
            else Message("The network gives {answer} of one class", answer=answer)
        ]
        if answer == "logits":
            function = "softmax" if classes > 1 else "sigmoid"
            said.append(Message("They are turned into probabilities by a {function}", function=function))
        elif classes > 1 and not sums_to_one:
            said.append(Message("They don't sum to 1, so each class is taken for itself"))
        if classes > 1:
            said.append(Message("Areas are its class {chosen} (counted from 0)", chosen=chosen))
        if len(self._session.get_outputs()) > 1:
            said.append(
                Message("Of its outputs only the first is used ({name})", name=self._session.get_outputs()[0].name)
            )
        if float(np.ptp(answers[:, chosen])) < 1e-6:
            said.append(
                Message("It gave the same answer to everything it was tried with: check its channels and scaling")
            )
        ready = answer == "probabilities" and sums_to_one and (classes, chosen) == (2, 1)
        self._prepend(scales, shifts)
        self._append(answer, classes, chosen, ready)
        return tuple(said)

    def _answers(self) -> Array:
        """What the network gives to a few made-up tiles: (tiles, classes, tile, tile)."""
        output = self._session.get_outputs()[0]
        if output.type != "tensor(float)":
            raise InputError(
                "it gives {type} instead of probabilities: export it without the last step", type=output.type[7:-1]
            )
        random = np.random.default_rng(0)
        shape = (1, self._bands, self.tile, self.tile)
        probes = (np.zeros(shape), random.normal(size=shape), random.random(shape), random.normal(0, 4, shape))
        try:
            answers = [self._answer(output.name, probe.astype(np.float32)) for probe in probes]
        except AdaMapperError:
            raise
        except Exception as error:
            raise InputError(
                "it can't be run on {bands} bands of {tile} × {tile} pixels ({error})",
                bands=self._bands,
                tile=self.tile,
                error=error,
            ) from None
        found: Array = np.concatenate(answers)
        self._rank = found.ndim
        if found.ndim == 3:
            found = found[:, np.newaxis]
        if found.ndim != 4 or found.shape[2:] != shape[2:]:
            raise InputError(
                "it gives an output of shape {shape} for tiles of {tile_shape}: not one value a pixel",
                shape=answers[0].shape,
                tile_shape=shape,
            )
        if not np.isfinite(found).all():
            raise InputError("it gives values that are not finite")
        return found

    def _answer(self, output: str, tiles: Array) -> Array:
        """What the network gives to tiles; CancelledError when the user stops it while it computes."""
        import onnxruntime

        options = onnxruntime.RunOptions()
        with ThreadPoolExecutor(1) as pool:
            running = pool.submit(self._session.run, [output], {self._input.name: tiles}, options)
            while not wait([running], timeout=_WAIT_SECONDS).done:
                if self._progress.is_cancelled():
                    options.terminate = True
            self._progress.check()
            answer: Array = running.result()[0]
        return answer

    def _prepend(self, scales: Array, shifts: Array) -> None:
        """Scale and shift the bands, unless there is nothing to do."""
        if np.array_equal(scales, np.ones_like(scales)) and not shifts.any():
            return
        helper, graph = onnx_package().helper, self.model.graph
        old = next(value for value in graph.input if value.name == self._input.name)
        new = _PREFIX + "input"
        nodes = [
            *(_constant(name, values.reshape(1, -1, 1, 1)) for name, values in (("scale", scales), ("shift", shifts))),
            helper.make_node("Mul", [new, _PREFIX + "scale"], [_PREFIX + "scaled"]),
            helper.make_node("Add", [_PREFIX + "scaled", _PREFIX + "shift"], [old.name]),
            *graph.node,
        ]
        old.name = new
        del graph.node[:]
        graph.node.extend(nodes)

    def _append(self, answer: str, classes: int, chosen: int, ready: bool) -> None:
        """Put the probabilities of background and areas behind the first output, and leave it alone as output."""
        onnx, graph = onnx_package(), self.model.graph
        helper, float_type = onnx.helper, onnx.TensorProto.FLOAT
        last = self._session.get_outputs()[0].name
        if not ready:
            steps = self._steps(answer, classes, chosen)
            for index, (operator, inputs, attributes) in enumerate(steps):
                graph.node.extend(_constant(f"{index}_{i}", value) for i, value in enumerate(inputs))
                names = [f"{_PREFIX}{index}_{i}" for i in range(len(inputs))]
                output = f"{_PREFIX}{index}"
                graph.node.append(helper.make_node(operator, [last, *names], [output], **attributes))
                last = output
            graph.node.append(_constant("one", np.array([1], np.float32)))
            graph.node.append(helper.make_node("Sub", [_PREFIX + "one", last], [_PREFIX + "background"]))
            graph.node.append(helper.make_node("Concat", [_PREFIX + "background", last], [_PREFIX + _OUTPUT], axis=1))
            last = _PREFIX + _OUTPUT
        sides = [
            side if isinstance(side, int) else name for side, name in zip(self._input.shape[2:], ("height", "width"))
        ]
        count = self._input.shape[0] if isinstance(self._input.shape[0], int) else "n"
        del graph.output[:]
        graph.output.append(helper.make_tensor_value_info(last, float_type, [count, 2, *sides]))

    def _steps(self, answer: str, classes: int, chosen: int) -> list[tuple[str, list[Any], dict[str, Any]]]:
        """(operator, further constant inputs, attributes) from the network's output to the areas' probability."""
        steps: list[tuple[str, list[Any], dict[str, Any]]] = []
        opset = next((entry.version for entry in self.model.opset_import if entry.domain in ("", "ai.onnx")), None)
        if opset is None:
            raise InputError("it doesn't say of which version of ONNX its operators are: export it again")
        if self._rank == 3:
            steps.append(
                ("Unsqueeze", [np.array([1], np.int64)], {}) if opset >= 13 else ("Unsqueeze", [], {"axes": [1]})
            )
        if answer == "logits" and classes == 1:
            steps.append(("Sigmoid", [], {}))
        if answer == "logits" and classes > 1:
            # Before opset 13 a softmax runs over all axes behind its own, so that the classes must come last.
            steps.append(("Transpose", [], {"perm": [0, 2, 3, 1]}))
            steps.append(("Softmax", [], {"axis": 3}))
            steps.append(("Transpose", [], {"perm": [0, 3, 1, 2]}))
        if classes > 1:
            steps.append(("Gather", [np.array([chosen], np.int64)], {"axis": 1}))
        return steps


def _chosen_class(classes: int, wanted: int | None) -> int:
    if wanted is None:
        if classes > 2:
            raise InputError(
                "it knows {classes} classes: give the number of the one that means areas, from 0", classes=classes
            )
        return classes - 1
    if not 0 <= wanted < classes:
        raise InputError("it has no class {wanted}: its classes are 0 to {classes}", wanted=wanted, classes=classes - 1)
    return wanted


def _constant(name: str, values: Any) -> Any:
    onnx = onnx_package()
    tensor = onnx.numpy_helper.from_array(np.asarray(values), _PREFIX + name)
    return onnx.helper.make_node("Constant", [], [_PREFIX + name], value=tensor)


def _session(model: Any) -> Any:
    try:
        import onnxruntime
    except ImportError as error:
        raise missing_package("onnxruntime", Message("Importing a model"), error) from None
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    try:
        return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise InputError(
            "it can't be loaded by ONNX Runtime {version} ({error})",
            version=onnxruntime.__version__,
            error=error,
        ) from None
