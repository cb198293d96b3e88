"""The Data step: interferograms and an elevation model, which pairs are used, and the rates that are made of them."""

from __future__ import annotations

import html
from pathlib import Path
from typing import Any

from qgis.core import QgsMapLayer, QgsMapLayerProxyModel, QgsSettings
from qgis.gui import QgsFileWidget, QgsMapLayerComboBox
from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtWidgets import (
    QComboBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from ...processing.choices import ORBIT_CHOICES, PRODUCT_CHOICES
from ...processing.layers import run_of
from ...processing.mapping import SLOPE, STACK
from ...processing.texts import number, tr, words_of
from ..project import MOST_DAYS, MOST_METRES, chain_inputs, rasters_for_model, stacking_values
from ..runs import free_place, result_files
from ..step import Step, StepContext, StepStatus
from .limit_box import LimitBox
from .pair_choice import PairChoice
from .pair_texts import counts_text, folder_text, trouble_text
from .pair_window import PairWindow
from .stacking_dialog import StackingDialog
from .stacking_texts import stacking_summary, stacking_text

_RATES = ("phase_rate", "los_rate")
_LAST_FOLDER = "ada_mapper/data/folder"
_NOTES_SHOWN = 4


class DataStep(Step):
    """Chooses the folder and what belongs to it, shows which pairs are used, and stacks them."""

    NAME = "data"

    def __init__(self, context: StepContext, parent: QWidget | None = None) -> None:
        super().__init__(context, parent)
        self.choice = PairChoice(context.state, self)
        self.window_of_pairs: PairWindow | None = None
        self._running = ""
        self._is_refreshing = False
        self._make_widgets()
        self._lay_out()
        self._connect()
        self.refresh()

    def title(self) -> str:
        return tr("Data")

    # What the panel asks

    def status(self) -> StepStatus:
        state, choice = self.context.state, self.choice
        if self._running:
            return StepStatus("running", tr("{} are being made.").format(self._running))
        if not state.get("folder", ""):
            return self._status_without_folder()
        if choice.is_scanning:
            return StepStatus("running", tr("The interferograms are being read."))
        if choice.problem:
            return StepStatus("problem", choice.problem, next_action=tr("Choose another folder"))
        if not choice.used:
            return StepStatus("problem", counts_text(choice), trouble_text(choice), tr("Look at the pairs"))
        if state.layer("dem") is None:
            missing = tr("A digital elevation model is missing.")
            return StepStatus("ready", counts_text(choice), missing, tr("Add an elevation model"))
        if self._rates():
            return StepStatus("done", counts_text(choice), next_action=tr("Go on to the channels"))
        return StepStatus("done", counts_text(choice), next_action=tr("Stack the interferograms"))

    def _status_without_folder(self) -> StepStatus:
        names = self._rates()
        if names:
            there = tr("Rates are in the project: {}.").format(", ".join(names))
            return StepStatus("done", there, next_action=tr("Go on to the channels"))
        missing = tr("A folder of unwrapped interferograms is missing.")
        return StepStatus("empty", tr("No data is chosen yet."), missing, tr("Choose interferograms"))

    def do_next(self) -> None:
        state, choice = self.context.state, self.choice
        if self._running or choice.is_scanning:
            return
        if not state.get("folder", ""):
            if self._rates():
                state.note("step", "channels")
            else:
                self.ask_for_folder()
        elif choice.problem:
            self.ask_for_folder()
        elif not choice.used:
            self.open_pairs()
        elif state.layer("dem") is None:
            self.ask_for_dem()
        elif self._rates():
            state.note("step", "channels")
        else:
            self.stack()

    def refresh(self) -> None:
        state = self.context.state
        self._is_refreshing = True
        edit = self.folder.lineEdit()
        if self.folder.filePath() != state.get("folder", "") and not edit.isModified():
            self.folder.setFilePath(state.get("folder", ""))
        self.product.setCurrentIndex(max(0, self.product.findData(state.get("product", "") or "auto")))
        self.orbit.setCurrentIndex(max(0, self.orbit.findData(state.get("orbit", "unknown"))))
        self.dem.setLayer(state.layer("dem"))
        self._is_refreshing = False
        self.choice.follow()
        self._show()

    # What the user does

    def ask_for_folder(self) -> None:
        """Let the user choose the folder of interferograms."""
        start = self.context.state.get("folder", "") or QgsSettings().value(_LAST_FOLDER, "", str)
        folder = QFileDialog.getExistingDirectory(self, tr("Folder of interferograms"), start)
        if folder:
            self.choose_folder(folder)

    def choose_folder(self, folder: str) -> None:
        """Read another folder; the orbit and what was left out by hand belonged to the one before."""
        state = self.context.state
        folder = folder.strip()
        if folder == state.get("folder", ""):
            return
        if folder:
            QgsSettings().setValue(_LAST_FOLDER, str(Path(folder).parent))
        if state.get("folder", ""):
            state.set("orbit", None)
        state.set("excluded_pairs", None)
        state.set("folder", folder or None)
        self.refresh()

    def ask_for_dem(self) -> None:
        """Let the user add an elevation model from a file."""
        start = QgsSettings().value("ada_mapper/data/dem", "", str) or self.context.state.get("folder", "")
        path, _ = QFileDialog.getOpenFileName(self, tr("Digital elevation model"), start)
        if not path:
            return
        QgsSettings().setValue("ada_mapper/data/dem", str(Path(path).parent))
        layer = self.context.iface.addRasterLayer(path, Path(path).stem)
        if layer is not None and layer.isValid():
            self.context.state.set_layer("dem", layer)
            self.refresh()

    def open_pairs(self) -> None:
        """Open the window of the pairs, or bring it to the front."""
        if self.window_of_pairs is None:
            self.window_of_pairs = PairWindow(self.choice, self.window())
            # It belongs to the main window, which outlives the panel when the plugin is disabled.
            self.destroyed.connect(self.window_of_pairs.deleteLater)
        self.window_of_pairs.show()
        self.window_of_pairs.raise_()
        self.window_of_pairs.activateWindow()

    def open_stacking(self) -> None:
        """Open the dialog of the choices of stacking."""
        dialog = StackingDialog(self.context.state, self.window())
        dialog.finished.connect(dialog.deleteLater)
        dialog.accepted.connect(self.refresh)
        dialog.open()

    def stack(self) -> None:
        """Make the rates of the used pairs, then the slope where there is none."""
        state, runner = self.context.state, self.context.runner
        orbit = state.get("orbit", "unknown")
        titles = {"ascending": tr("Rates, ascending"), "descending": tr("Rates, descending")}
        base = QgsSettings().value("ada_mapper/detect/save_in", "", str)
        name, folder = free_place(runner, base, titles.get(orbit, tr("Rates")))
        self._running = name
        results = {**result_files(folder), **result_files(folder, rasters_for_model(state))}
        parameters = STACK.parameters({**chain_inputs(state), **results})
        if runner.run(STACK.algorithm, parameters, name, self._after_stack(name, folder), group=name) is None:
            self._running = ""
        self._show()

    def _after_stack(self, name: str, folder: Path | None) -> Any:
        def go_on(success: bool, _: dict[str, Any]) -> None:
            state = self.context.state
            dem = state.layer("dem")
            if success and dem is not None and state.layer("slope") is None:
                values = SLOPE.parameters({"DEM": dem, **result_files(folder)})
                task = self.context.runner.run(SLOPE.algorithm, values, name, lambda *end: self._end(), group=name)
                if task is not None:
                    return
            self._end()

        return go_on

    def _end(self) -> None:
        self._running = ""
        self.refresh()

    # Showing

    def _rates(self) -> list[str]:
        """The names of the rates in the project, without those that were made of another folder."""
        folder = self.context.state.get("folder", "")
        layers = (self.context.state.layer(role) for role in _RATES)
        return [layer.name() for layer in layers if layer is not None and not _is_of_another_folder(layer, folder)]

    def _show(self) -> None:
        """What was read, what of it is used, what to be careful with."""
        choice, folder = self.choice, self.context.state.get("folder", "")
        self.scan_row.setVisible(choice.is_scanning)
        self.pairs_button.setEnabled(bool(choice.pairs))
        self.again_button.setEnabled(bool(folder) and not choice.is_scanning)
        self.stack_button.setEnabled(bool(choice.used) and not self._running)
        # The panel's own button stacks where nothing else is to be done first.
        self.stack_button.setVisible(bool(folder) and bool(self._rates()))
        self.stacking.setText(stacking_summary(self.context.state))
        lines = self._lines(folder)
        self.summary.setText("<br>".join(lines))
        self.summary.setVisible(bool(lines))
        self.changed.emit()

    def _cautions(self) -> tuple[str, ...]:
        """What to be careful with for the dates of the pairs that are used."""
        from ...core.interferograms import timing_notes

        return timing_notes(self.choice.used, bool(stacking_values(self.context.state).get("SEASONAL")))

    def _lines(self, folder: str) -> list[str]:
        choice, lines = self.choice, []
        scan = choice.scan
        if folder and scan is not None:
            lines.append(html.escape(folder_text(choice, folder)))
            if choice.used:
                lines.append(html.escape(trouble_text(choice)))
                lines += [f"<small>{html.escape(words_of(note))}</small>" for note in self._cautions()]
            if choice.excluded:
                text = tr("{} left out by hand").format(number(len(choice.excluded)))
                lines.append(html.escape(text))
            chosen = self.context.state.get("orbit", "unknown")
            if {scan.orbit, chosen} == {"ascending", "descending"}:
                lines.append(html.escape(tr("The files say that the orbit is {}.").format(_orbit_text(scan.orbit))))
            lines += [f"<small>{html.escape(words_of(note))}</small>" for note in scan.notes[:_NOTES_SHOWN]]
            if len(scan.notes) > _NOTES_SHOWN:
                more = number(len(scan.notes) - _NOTES_SHOWN)
                lines.append(f"<small>{html.escape(tr('and {} more notes in the report').format(more))}</small>")
        lines.append(html.escape(stacking_text(self.context.state)))
        rates = self._rates()
        if rates and folder:
            lines.append(html.escape(tr("Rates in the project: {}").format(", ".join(rates))))
        return [line for line in lines if line]

    def _on_scanned(self) -> None:
        """Take the orbit from the files where the user said none."""
        state, scan = self.context.state, self.choice.scan
        if scan is not None and scan.orbit != "unknown" and state.get("orbit", "unknown") == "unknown":
            state.note("orbit", scan.orbit)
            self.orbit.setCurrentIndex(self.orbit.findData(scan.orbit))
        self.progress.setValue(0)
        self._show()

    # Building

    def _make_widgets(self) -> None:
        from ...core.interferograms import PRODUCTS as READERS

        self.folder = QgsFileWidget()
        self.folder.setStorageMode(QgsFileWidget.StorageMode.GetDirectory)
        self.folder.setDialogTitle(tr("Folder of interferograms"))
        self.folder.lineEdit().setPlaceholderText(tr("searched with its subfolders"))
        self.product = QComboBox()
        for key in PRODUCT_CHOICES:
            self.product.addItem(READERS[key].title if key in READERS else tr("automatic"), key)
        self.orbit = QComboBox()
        for orbit in ORBIT_CHOICES:
            self.orbit.addItem(_orbit_text(orbit), orbit)
        self.dem = QgsMapLayerComboBox()
        self.dem.setFilters(QgsMapLayerProxyModel.Filter.RasterLayer)
        self.dem.setAllowEmptyLayer(True, tr("none chosen"))
        for box in (self.product, self.dem):
            box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.days, self.metres = LimitBox(self.choice, MOST_DAYS), LimitBox(self.choice, MOST_METRES)
        self.summary = QLabel()
        self.summary.setWordWrap(True)
        self.summary.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.summary.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.stacking = QLabel()
        self.stacking_button = QPushButton(tr("Choices…"))
        self.stacking_button.setToolTip(tr("Which dates count, what is corrected, and how the rates are computed."))
        self.progress = QProgressBar()
        self.progress.setTextVisible(False)
        self.progress.setFixedHeight(8)
        self.cancel_button = QPushButton(tr("Cancel"))
        self.pairs_button = QPushButton(tr("Pairs…"))
        self.pairs_button.setToolTip(tr("Table, network and baselines of the pairs; leave pairs out by hand."))
        self.again_button = QPushButton(tr("Read again"))
        self.again_button.setToolTip(tr("Read the folder again after its files changed."))
        self.stack_button = QPushButton(tr("Stack again"))
        self.stack_button.setToolTip(tr("Make new rates with the pairs that are used now."))

    def _lay_out(self) -> None:
        form = QFormLayout()
        form.setRowWrapPolicy(QFormLayout.RowWrapPolicy.WrapLongRows)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.addRow(tr("Interferograms"), self.folder)
        form.addRow(tr("Product"), self.product)
        form.addRow(tr("Orbit"), self.orbit)
        form.addRow(tr("Elevation (DEM)"), self.dem)
        form.addRow(tr("Longest pair"), self.days)
        form.addRow(tr("Largest baseline"), self.metres)
        stacking = QHBoxLayout()
        stacking.addWidget(self.stacking, 1)
        stacking.addWidget(self.stacking_button)
        form.addRow(tr("Stacking"), stacking)
        self.scan_row = QWidget()
        scan = QHBoxLayout(self.scan_row)
        scan.setContentsMargins(0, 0, 0, 0)
        scan.addWidget(self.progress, 1)
        scan.addWidget(self.cancel_button)
        buttons = QHBoxLayout()
        for button in (self.pairs_button, self.again_button, self.stack_button):
            buttons.addWidget(button)
        buttons.addStretch(1)
        layout = QVBoxLayout(self)
        layout.addLayout(form)
        layout.addWidget(self.scan_row)
        layout.addWidget(self.summary)
        layout.addLayout(buttons)
        layout.addStretch(1)

    def _connect(self) -> None:
        state, choice = self.context.state, self.choice
        self.folder.fileChanged.connect(self._on_folder)
        self.folder.lineEdit().editingFinished.connect(self._on_folder_typed)
        self.product.activated.connect(lambda _: self._choose("product", self.product.currentData()))
        self.orbit.activated.connect(lambda _: self._choose("orbit", self.orbit.currentData()))
        self.dem.layerChanged.connect(lambda layer: self._unless_refreshing(lambda: state.set_layer("dem", layer)))
        choice.scanned.connect(self._on_scanned)
        choice.judged.connect(self._show)
        choice.progressed.connect(lambda percent: self.progress.setValue(round(percent)))
        self.cancel_button.clicked.connect(choice.cancel)
        self.pairs_button.clicked.connect(self.open_pairs)
        self.stacking_button.clicked.connect(self.open_stacking)
        self.again_button.clicked.connect(choice.read_again)
        self.stack_button.clicked.connect(self.stack)

    def _on_folder(self, path: str) -> None:
        """Take a folder that was chosen or dropped; what is being typed counts when it is complete."""
        if path and self.folder.lineEdit().isModified():
            return
        self._unless_refreshing(lambda: self.choose_folder(path))

    def _on_folder_typed(self) -> None:
        self.folder.lineEdit().setModified(False)
        self.choose_folder(self.folder.filePath())

    def _choose(self, name: str, value: str) -> None:
        self.context.state.set(name, value)
        self.refresh()

    def _unless_refreshing(self, change: Any) -> None:
        """Do what the user chose; nothing while the widgets only follow the state."""
        if not self._is_refreshing:
            change()


def _orbit_text(orbit: str) -> str:
    texts = {"ascending": tr("ascending"), "descending": tr("descending")}
    return texts.get(orbit, tr("unknown"))


def _is_of_another_folder(layer: QgsMapLayer, folder: str) -> bool:
    made_of = (run_of(layer) or {}).get("parameters", {}).get("INPUT_FOLDER")
    return bool(folder and made_of) and Path(made_of) != Path(folder)
