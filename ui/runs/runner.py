"""Runs algorithms in the background: progress, cancel, results in the project, messages."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable

from qgis.core import (
    Qgis,
    QgsApplication,
    QgsMapLayer,
    QgsMessageLog,
    QgsProcessingAlgorithm,
    QgsProcessingAlgRunnerTask,
    QgsProcessingContext,
    QgsProject,
    QgsTask,
)
from qgis.gui import QgisInterface
from qgis.PyQt import sip
from qgis.PyQt.QtCore import QCoreApplication, QObject, QTimer, pyqtSignal

from ...processing.texts import number, tr
from ..project import ProjectState
from . import parameters as run_parameters
from . import result_layers
from .feedback import RunFeedback, StandIn
from .message_bar import show_message, with_short_paths

LOG_TAB = "ADA Mapper"
OnFinished = Callable[[bool, dict[str, Any]], None]
_POLL = 200  # milliseconds
_PATIENCE = 10_000  # milliseconds
_INFO, _WARNING, _CRITICAL, _SUCCESS = (
    Qgis.MessageLevel.Info, Qgis.MessageLevel.Warning, Qgis.MessageLevel.Critical, Qgis.MessageLevel.Success,
)  # fmt: skip


@dataclass
class ActiveRun:
    """One run of one algorithm, and what must live as long as it."""

    name: str
    group: str
    description: dict[str, Any]
    context: QgsProcessingContext
    feedback: RunFeedback
    files: frozenset[Path]
    folders: list[Path]
    on_finished: OnFinished | None
    paths: list[Path] = field(default_factory=list)
    kept: list[Any] = field(default_factory=list)
    task: QgsTask | None = None
    project_is_gone: bool = False


class Runner(QObject):
    """Runs algorithms one beside the other, and loads their results.

    ``progress(name, percent, text)`` is emitted while a run goes on, ``started(name)`` and ``finished(name, success)``
    at its ends. Algorithms see neither the project nor its layers, only their sources: layers may be removed and the
    project closed meanwhile.
    """

    started = pyqtSignal(str)
    progress = pyqtSignal(str, float, str)
    finished = pyqtSignal(str, bool)

    def __init__(self, state: ProjectState, iface: QgisInterface, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._state = state
        self._iface = iface
        self._project = QgsProject.instance()
        self._runs: list[ActiveRun] = []
        self._timer = QTimer(self)
        self._timer.setInterval(_POLL)
        self._timer.timeout.connect(self._poll)
        self._project.cleared.connect(self._on_project_gone)

    @property
    def names(self) -> list[str]:
        """The names of the runs that go on, the oldest first."""
        return [run.name for run in self._runs]

    def close(self) -> None:
        """Cancel everything and wait for it; nothing is loaded or told any more."""
        with contextlib.suppress(TypeError, RuntimeError):
            self._project.cleared.disconnect(self._on_project_gone)
        runs, self._runs = self._runs, []
        for run in runs:
            run.on_finished = None
            with contextlib.suppress(RuntimeError):
                _cancel(run)
                if isinstance(run.task, StandIn):
                    run.task.end(False)
                elif run.task is not None and run.task.waitForFinished(_PATIENCE):
                    _release(run)
                    run_parameters.remove_empty(run.folders)
        self._timer.stop()

    def free_name(self, name: str) -> str:
        """The name, or with a number behind it where a run or a group of layers has it already."""
        free, number = result_layers.free_group_name(name, self._project), 1
        while free in self.names:
            number += 1
            free = result_layers.free_group_name(f"{name} ({number})", self._project)
        return free

    def cancel(self, name: str | None = None) -> None:
        """Stop the runs of that name; without a name, all."""
        for run in self._runs:
            if name in (None, run.name) and run.task is not None:
                _cancel(run)

    def run(
        self,
        algorithm_id: str,
        parameters: Mapping[str, Any],
        name: str,
        on_finished: OnFinished | None = None,
        load: bool = True,
        group: str = "",
    ) -> QgsTask | None:
        """Start an algorithm in the background; None, with a message, where it can't start.

        ``parameters`` as for processing.run; layers may be given as layers, ids or sources. ``name`` is what the user
        reads. ``load``: results go into a new layer group of that name, or into ``group``, whose roles in the state
        they take over. ``on_finished(success, results)`` is called once, after the results were loaded; a run whose
        project was closed meanwhile counts as no success.
        """
        algorithm = QgsApplication.processingRegistry().createAlgorithmById(algorithm_id)
        if algorithm is None:
            self._tell(name, tr("The tool {} is not there. Enable its plugin.").format(algorithm_id), _CRITICAL)
            return None
        description = result_layers.describe_run(algorithm_id, parameters)
        run = ActiveRun(name, group, description, self._context(), RunFeedback(), frozenset(), [], on_finished)
        run.kept.append(algorithm)
        is_copied = _is_bound_to_this_thread(algorithm)
        values = {
            key: run_parameters.detached(value, run.kept, self._project, is_copied) for key, value in parameters.items()
        }
        if load:
            values = run_parameters.with_loading(algorithm, values, self._project)
        run.files, run.paths = run_parameters.files_of(algorithm, values), run_parameters.paths_in(values)
        problem = self._problem(algorithm, values, run)
        if problem:
            run_parameters.remove_empty(run.folders)
            self._tell_of_failure(run, problem)
            return None
        return self._start(algorithm, values, run)

    def _context(self) -> QgsProcessingContext:
        """Settings of the project without the project itself, which only the main thread may touch."""
        context = QgsProcessingContext()
        context.setTransformContext(self._project.transformContext())
        context.setEllipsoid(self._project.ellipsoid())
        context.setDistanceUnit(self._project.distanceUnits())
        context.setAreaUnit(self._project.areaUnits())
        return context

    def _problem(self, algorithm: QgsProcessingAlgorithm, values: dict[str, Any], run: ActiveRun) -> str:
        """Why a run can't start, in a sentence; "" where it can. Makes the folders of its results."""
        taken = sorted(str(file) for other in self._runs for file in other.files & run.files)
        if taken:
            return tr("{} is being written by another run. Wait for it, or choose another file.").format(taken[0])
        can_execute, reason = algorithm.canExecute()
        if not can_execute:
            return str(reason)
        acceptable, reason = algorithm.checkParameterValues(values, run.context)
        if not acceptable:
            return str(reason)
        for file in sorted(run.files):
            unwritable = run_parameters.unwritable_folder(file.parent, run.folders)
            if unwritable:
                message = tr("The folder {} can't be written to. Choose another folder for the results.")
                return message.format(unwritable)
        return ""

    def _start(self, algorithm: QgsProcessingAlgorithm, values: dict[str, Any], run: ActiveRun) -> QgsTask | None:
        if _is_bound_to_this_thread(algorithm):
            task = stand_in = StandIn(_task_title(run), run.feedback)
            run.kept.append(task)
            QTimer.singleShot(0, lambda: self._run_here(algorithm, values, run, stand_in))
        else:
            task = QgsProcessingAlgRunnerTask(algorithm, values, run.context, run.feedback)
            if task.isCanceled():
                run_parameters.remove_empty(run.folders)
                self._tell_of_failure(run, run.feedback.error or tr("The tool could not be prepared."))
                return None
            task.setDescription(_task_title(run))
            task.executed.connect(lambda success, outcome: self._on_executed(run, success, dict(outcome)))
        run.task = task
        self._runs.append(run)
        self._state.keep_notes()
        self._log(tr("{} starts: {}").format(run.name, result_layers.summary(run.description)), _INFO)
        QgsApplication.taskManager().addTask(task)
        self._timer.start()
        self.started.emit(run.name)
        return task

    def _run_here(
        self, algorithm: QgsProcessingAlgorithm, values: dict[str, Any], run: ActiveRun, task: StandIn
    ) -> None:
        """Run a tool that must stay in this thread; the window goes on whenever the tool tells its progress."""

        def on_progress(percent: float) -> None:
            self._poll()
            QCoreApplication.processEvents()

        if run not in self._runs:
            return
        run.feedback.progressChanged.connect(on_progress)
        success, outcome = False, {}
        try:
            outcome, success = algorithm.run(values, run.context, run.feedback)
            success = success and not run.feedback.isCanceled()
        finally:
            # Else the feedback would keep the run, and the run the feedback, until after the end of QGIS.
            run.feedback.progressChanged.disconnect(on_progress)
            task.end(success)
            self._on_executed(run, success, dict(outcome))

    def _poll(self) -> None:
        for run in self._runs:
            self._write_log(run)
            self.progress.emit(run.name, run.feedback.progress(), run.feedback.last)
        if not self._runs:
            self._timer.stop()

    def _write_log(self, run: ActiveRun) -> None:
        while run.feedback.waiting:
            text, level = run.feedback.waiting.popleft()
            self._log(f"{run.name}: {text}", level)

    def _on_executed(self, run: ActiveRun, success: bool, outcome: dict[str, Any]) -> None:
        if run not in self._runs:
            run_parameters.remove_empty(run.folders)
            return
        self._runs.remove(run)
        # The task is still inside a function that uses the context.
        QTimer.singleShot(0, lambda: _release(run))
        cancelled = run.feedback.isCanceled()
        if success and run.project_is_gone:
            success = False
            self._tell_of_closed_project(run)
        elif success:
            self._finish(run, outcome)
        elif cancelled:
            self._tell(run.name, tr("Cancelled; nothing was kept."), _INFO)
        else:
            self._tell_of_failure(run, run.feedback.error or tr("It failed; the log tells more."))
        self._write_log(run)
        if not success:
            run_parameters.remove_empty(run.folders)
        if run.on_finished is not None:
            run.on_finished(success, outcome)
        self.finished.emit(run.name, success)

    def _finish(self, run: ActiveRun, outcome: dict[str, Any]) -> None:
        """Load the results and say that they are there."""
        group = run.group or result_layers.free_group_name(run.name, self._project)
        layers = result_layers.load_results(run.context, run.feedback, self._project, group, run.description)
        for output, layer in layers.items():
            role = result_layers.role_of_output(run.description["algorithm"], output)
            if role is not None:
                self._state.set_layer(role, layer)
        self._tell(run.name, _success_text(outcome.get("AREA_COUNT")), _SUCCESS)

    def _on_project_gone(self) -> None:
        for run in self._runs:
            run.project_is_gone = True

    def _tell_of_closed_project(self, run: ActiveRun) -> None:
        folders = sorted({str(file.parent) for file in run.files})
        if folders:
            text = tr("Its project was closed meanwhile, so nothing was loaded. The results are in {}.")
            self._tell(run.name, text.format(", ".join(folders)), _WARNING)
        else:
            text = tr("Its project was closed meanwhile, so the temporary results were not loaded.")
            self._tell(run.name, text, _WARNING)

    def _tell_of_failure(self, run: ActiveRun, text: str) -> None:
        self._tell(run.name, text, _CRITICAL, with_short_paths(text, [*run.paths, *run.files]))

    def _tell(self, name: str, text: str, level: Qgis.MessageLevel, short: str = "") -> None:
        """Say something in the message bar and in the log; ``short`` is what the bar says of it."""
        self._log(f"{name}: {text}", level)
        show_message(self._iface.messageBar(), name, short or text, level)

    @staticmethod
    def _log(text: str, level: Qgis.MessageLevel) -> None:
        QgsMessageLog.logMessage(text, LOG_TAB, level, False)


def _is_bound_to_this_thread(algorithm: QgsProcessingAlgorithm) -> bool:
    return bool(algorithm.flags() & QgsProcessingAlgorithm.Flag.FlagNoThreading)


def _cancel(run: ActiveRun) -> None:
    """Cancel a run; one that waits for its turn ends as soon as it has it.

    QGIS deletes a task that is cancelled before it runs, also where a thread is just beginning it.
    """
    run.feedback.cancel()
    if run.task is not None and run.task.status() == QgsTask.TaskStatus.Running:
        run.task.cancel()


def _release(run: ActiveRun) -> None:
    """Delete the copies of layers now: QGIS may keep what an error in Python refers to until after its own end."""
    for kept in run.kept:
        if isinstance(kept, QgsMapLayer) and not sip.isdeleted(kept):
            sip.delete(kept)
    run.kept.clear()


def _task_title(run: ActiveRun) -> str:
    return f"ADA Mapper: {run.name}"


def _success_text(area_count: Any) -> str:
    if area_count is None:
        return tr("Done.")
    count = round(float(area_count))
    if count == 0:
        return tr("Done: no active deformation area was found.")
    if count == 1:
        return tr("Done: one active deformation area.")
    return tr("Done: {} active deformation areas.").format(number(count))
