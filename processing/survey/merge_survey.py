"""adamapper:mergesurvey."""

from __future__ import annotations

import os
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from qgis.core import (
    QgsFeatureSource,
    QgsProcessing,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingOutputNumber,
    QgsProcessingParameterFeatureSink,
    QgsProcessingParameterFileDestination,
    QgsProcessingParameterFolderDestination,
    QgsProcessingParameterMultipleLayers,
)
from qgis.PyQt.QtCore import QT_TRANSLATE_NOOP

from ...core.errors import InputError
from ...core.progress import Progress
from ..algorithm import Algorithm, SurveyLayer
from ..layer_sources import crs_text
from ..outputs import destination_of, target_of
from ..texts import tr

if TYPE_CHECKING:
    from ...core.survey import Site

_POINTS = QgsProcessing.SourceType.TypeVectorPoint
_COUNTS = {
    "CHANGED": QT_TRANSLATE_NOOP("AdaMapper", "Sites changed"),
    "ADDED": QT_TRANSLATE_NOOP("AdaMapper", "New sites"),
    "DELETED": QT_TRANSLATE_NOOP("AdaMapper", "Sites gone from a copy"),
    "CONFLICT_COUNT": QT_TRANSLATE_NOOP("AdaMapper", "Conflicts"),
    "MISSING_PHOTOS": QT_TRANSLATE_NOOP("AdaMapper", "Missing photos"),
}


class MergeSurvey(Algorithm):
    """Copies edited in the field → one layer."""

    NAME = "mergesurvey"
    TITLE = QT_TRANSLATE_NOOP("AdaMapper", "Merge a survey")
    GROUP = "survey"
    SUMMARY = QT_TRANSLATE_NOOP(
        "AdaMapper",
        "Brings the packages that surveyors edited back into one new layer, by the key of each site. Answers that only "
        "one side gives are taken. Where answers differ, that of the latest visit is taken; where the days don't tell, "
        "it stays as it was in the master. Every conflict, deleted site, changed form and missing photo is told; "
        "nothing is deleted and no input is changed.",
    )

    FOLDERS_THAT_KEEP = MappingProxyType({"PHOTO_FOLDER": ()})

    def define(self) -> None:
        self.add(
            SurveyLayer("MASTER", tr("Master"), [_POINTS]),
            tr("The sites that the packages were made of, or an earlier result of this tool."),
        )
        self.add(
            QgsProcessingParameterMultipleLayers("COPIES", tr("Returned packages"), QgsProcessing.SourceType.TypeFile),
            tr("The survey.gpkg of each package that came back, in its folder with the photos; or the folders."),
        )
        self.add(
            QgsProcessingParameterFeatureSink("SITES", tr("Merged sites"), _POINTS), tr("In the master's coordinates.")
        )
        self.add(
            QgsProcessingParameterFolderDestination(
                "PHOTO_FOLDER", tr("Folder for photos"), optional=True, createByDefault=False
            ),
            tr("Photos are copied there; none is written over. Empty: a folder beside the merged layer's file."),
        )
        for name, title, kind, text in (
            (
                "REPORT",
                tr("Report"),
                tr("HTML (*.html)"),
                tr("Conflicts, deleted and new sites, missing photos, changed forms."),
            ),
            ("CONFLICTS", tr("Table of conflicts"), tr("CSV (*.csv)"), tr("One row for each answer.")),
        ):
            self.add(QgsProcessingParameterFileDestination(name, title, kind, optional=True), text)
        for name, title in _COUNTS.items():
            self.addOutput(QgsProcessingOutputNumber(name, tr(title)))

    def execute(self, parameters: dict[str, Any], context: QgsProcessingContext, progress: Progress) -> dict[str, Any]:
        from ...core.survey import (
            FORM_FIELDS,
            SITE_FIELDS,
            copy_photos,
            merge_copies,
            read_copy,
            remove_made,
            summary_of,
            with_photos,
            write_conflicts_csv,
            write_merge_report,
        )
        from ..layers import table_of, write_sites

        SurveyLayer.warn_of_missing_log(parameters.get("MASTER"), progress)
        source = self.parameterAsSource(parameters, "MASTER", context)
        if source is None:
            raise QgsProcessingException(self.invalidSourceError(parameters, "MASTER"))
        if not source.sourceCrs().isValid():
            raise InputError(
                tr("The master has no coordinate reference system. Set it first (layer properties > Source).")
            )
        crs = crs_text(source.sourceCrs())
        known = {field.name: field for field in (*SITE_FIELDS, *FORM_FIELDS)}
        paths = self.parameterAsFileList(parameters, "COPIES", context)
        if not paths:
            raise InputError(tr("No returned package was given. Choose the survey.gpkg of each."))
        master_file = self._master_file(parameters, context)
        master_folder = None if master_file is None else master_file.parent
        paths = _each_once(paths, master_file, progress)
        copies = []
        for number, path in enumerate(paths):
            progress.report(0.4 * number / len(paths))
            copies.append(read_copy(path, crs))
        master = self._master(source, parameters, context, progress)
        merged = merge_copies(master, table_of(source, known), crs, copies, master_folder, progress.part(0.4, 0.7))
        result = self._result_file(parameters)
        result_folder = None if result is None else result.parent
        files = {name: self.file_output(parameters, name, context) for name in ("REPORT", "CONFLICTS")}
        if merged.photos:
            folder = self._photo_folder(parameters, context, result)
            placed, made = copy_photos(merged.photos, folder)
            self.results.if_dropped.callback(remove_made, made)
            merged = with_photos(merged, {file: _called(path, result_folder) for file, path in placed.items()})
        progress.report(0.9)
        if files["REPORT"]:
            write_merge_report(files["REPORT"], merged, [copy.name for copy in copies], tr)
        if files["CONFLICTS"]:
            write_conflicts_csv(files["CONFLICTS"], merged)
        destination = write_sites(self, parameters, context, progress, merged.sites, merged.table, crs)
        for text in summary_of(merged):
            progress.info(text)
        _tell(merged, progress)
        return {
            "SITES": destination,
            "PHOTO_FOLDER": str(folder) if merged.photos else None,
            **files,
            "CHANGED": len(merged.changed),
            "ADDED": len(merged.added),
            "DELETED": len(merged.deleted),
            "CONFLICT_COUNT": len(merged.conflicts),
            "MISSING_PHOTOS": len(merged.missing),
        }

    def _master(
        self, source: QgsFeatureSource, parameters: dict[str, Any], context: QgsProcessingContext, progress: Progress
    ) -> tuple[Site, ...]:
        """The sites of the master. InputError where some have no point."""
        from ..layers import read_sites, result_labels

        master = read_sites(source, progress, result_labels(self, parameters, "MASTER", context))
        if len(master) < source.featureCount():
            message = tr("The master {} has sites without a point. Give each its point first, so that none is lost.")
            raise InputError(message.format(source.sourceName()))
        return master

    def _master_file(self, parameters: dict[str, Any], context: QgsProcessingContext) -> Path | None:
        """The master's file, in whose folder the paths of its photos begin; None if it is in memory."""
        layer = self.parameterAsVectorLayer(parameters, "MASTER", context)
        if layer is None or layer.providerType() != "ogr":
            return None
        return Path(layer.source().split("|")[0])

    def _result_file(self, parameters: dict[str, Any]) -> Path | None:
        """The file of the merged layer, also one that it becomes a table of; None where it is kept in memory."""
        target = target_of(self.parameterDefinition("SITES"), destination_of(parameters.get("SITES")))
        return None if target is None else target.path

    def _photo_folder(self, parameters: dict[str, Any], context: QgsProcessingContext, result: Path | None) -> Path:
        if parameters.get("PHOTO_FOLDER"):
            return Path(self.parameterAsString(parameters, "PHOTO_FOLDER", context)).absolute()
        if result is None:
            raise InputError(
                tr("The packages hold photos: say where to (Folder for photos), or save the result to a file.")
            )
        return result.with_name(f"{result.stem}_photos")


def _each_once(paths: list[str], master: Path | None, progress: Progress) -> list[str]:
    """The packages without those that are given twice, which are told, as is one that is the master itself."""
    found: dict[Path, str] = {}
    for path in paths:
        file = (Path(path) / "survey.gpkg" if Path(path).is_dir() else Path(path)).resolve()
        if file in found:
            progress.warning(tr("The package {} is given twice; it counts once.").format(path))
        elif master is not None and file == master.resolve():
            progress.warning(
                tr("{} is the master itself, so it brings nothing new. Check what was chosen.").format(path)
            )
        found.setdefault(file, path)
    return list(found.values())


def _called(path: Path, folder: Path | None) -> str:
    """A photo's path relative to the folder of the layer, if it lies below it."""
    if folder is not None and str(path).startswith(str(folder) + os.sep):
        return path.relative_to(folder).as_posix()
    return str(path)


def _tell(merged: Any, progress: Progress) -> None:
    """Each thing that somebody should look at, in the log."""
    for conflict in merged.conflicts:
        answers = "; ".join(f"{who}: {text or '–'}" for who, text in conflict.answers)
        taken = tr("taken: {}").format(conflict.taken) if conflict.taken else tr("open")
        progress.warning(
            "{site}, {field}: {answers} ({taken})",
            site=conflict.site,
            field=conflict.field,
            answers=answers,
            taken=taken,
        )
    for copy, site in merged.deleted:
        progress.warning(tr("{} is gone from {}; it stays.").format(site, copy))
    for who, path in merged.missing:
        progress.warning(tr("The photo {} is missing in {}.").format(path, who))
    for who, note in merged.warnings:
        progress.warning("{who}: {note}", who=who, note=note)
    for who, note in merged.notes:
        progress.info("{who}: {note}", who=who, note=note)
