"""What a file holds, as JSON that two runs can be compared by: values to the bit, texts in full, no dates or paths."""

from __future__ import annotations

import hashlib
import json
import re
import struct
import zipfile
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import canonicalize

import numpy as np
from osgeo import gdal, ogr, osr

Digest = dict[str, Any]
TEXTS = (".csv", ".gpx", ".html", ".json", ".kml", ".md", ".qml", ".rsc", ".svg", ".txt", ".xml")
_UUID = re.compile(r"[0-9a-f]{8}([-_])[0-9a-f]{4}\1[0-9a-f]{4}\1[0-9a-f]{4}\1[0-9a-f]{12}")
_OWN_NAME = re.compile(
    r"(?<=<temporary>/)[0-9a-f]{32}|(?<=_)[0-9a-f]{8}_[0-9a-f]{4}_[0-9a-f]{4}_[0-9a-f]{4}_[0-9a-f]{12}"
)
_EMBEDDED = re.compile(r"(data:[\w/+.-]+;base64,)([A-Za-z0-9+/=]+)")
_TEMPORARY = re.compile(r"(?<=/)(\.[^/\s]+)-[0-9a-f]{8}(?=[./\s])")
_TRAINING_TIME = re.compile(
    r'(?<="minutes": )[\d.]+|[\d.]+(?= (?:min|minutes)[,.])|(?<=[Aa]bout )\d+ (?:s|min|h)(?= left)'
)
_MOMENT = re.compile(r"\b[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4}\b")
_OF_A_MODEL_WITH_TIMES = re.compile(r"(?<=\.onnx \()[0-9a-f]{8}(?=\))")


@dataclass
class Digester:
    """Reads the files of a run; ``names`` replaces what differs from run to run (paths, the version, the day).

    ``texts`` collects the texts by their SHA-256, so that a text that comes twice is kept once.
    """

    names: dict[str, str]
    texts: dict[str, str] = field(default_factory=dict)

    def plain(self, text: str) -> str:
        """The text without paths of this run, version, and date of today."""
        for name in sorted(self.names, key=len, reverse=True):
            text = text.replace(name, self.names[name])
        text = _OF_A_MODEL_WITH_TIMES.sub("<of times>", _OWN_NAME.sub("<random>", text))
        text = _MOMENT.sub("<moment>", _TRAINING_TIME.sub("<time>", text))
        return _TEMPORARY.sub(r"\1-<random>", text.replace(date.today().isoformat(), "<today>"))

    def text(self, text: str) -> Digest:
        """A text, kept in full."""
        plain = _EMBEDDED.sub(lambda found: found[1] + sha(found[2].encode()), self.plain(text))
        key = sha(plain.encode())
        self.texts[key] = plain
        return {"text": key}

    def folder(self, folder: Path) -> Digest:
        """Every file below a folder, by its relative path."""
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        return {self.plain(f"/{path.relative_to(folder).as_posix()}")[1:]: self.file(path) for path in files}

    def file(self, path: Path) -> Digest:
        """One file; of kinds that are unknown here only the size."""
        kind = path.suffix.lower()
        if kind in (".tif", ".tiff"):
            return self.raster(path)
        if kind in (".gpkg", ".geojson", ".shp"):
            return self.vectors(path)
        if kind in TEXTS:
            text = path.read_bytes().decode("utf-8", "replace")
            return self.text(settings(text) if kind == ".qml" else text)
        readers = {".onnx": self.network, ".safetensors": self.weights, ".qgz": self.project}
        if kind in readers:
            return readers[kind](path)
        if kind == ".png":
            picture = gdal.Open(str(path))
            size = [picture.RasterXSize, picture.RasterYSize, picture.RasterCount]
            return {"size": size, "pixels": sha(picture.ReadAsArray().tobytes())}
        if kind == ".pdf":
            pages = path.read_bytes()
            boxes = [box.decode() for box in re.findall(rb"/MediaBox\s*\[([^\]]*)\]", pages)]
            return {"pages": len(re.findall(rb"/Type\s*/Page\b", pages)), "sizes": sorted(boxes)}
        return {"bytes": path.stat().st_size} if kind in (".jpg", ".qgd") else {"other": kind}

    def raster(self, path: Path) -> Digest:
        """Grid, tags and values of a raster."""
        dataset = opened(path, gdal.OF_RASTER)
        if dataset is None:
            return {"unreadable": True}
        reference = dataset.GetSpatialRef()
        return {
            "size": [dataset.RasterXSize, dataset.RasterYSize],
            "transform": list(dataset.GetGeoTransform()),
            "crs": "" if reference is None else reference.ExportToWkt(),
            "tags": self.tags(dataset),
            "structure": dataset.GetMetadata("IMAGE_STRUCTURE"),
            "bands": [self.band(dataset.GetRasterBand(number + 1)) for number in range(dataset.RasterCount)],
        }

    def tags(self, owner: Any) -> dict[str, str]:
        """The metadata of a dataset or band."""
        return {name: self.plain(value) for name, value in sorted(owner.GetMetadata().items())}

    def band(self, band: Any) -> Digest:
        """Description and values of a band; any NaN is one NaN."""
        values = band.ReadAsArray()
        valid = values
        if values.dtype.kind == "f":
            values = np.where(np.isnan(values), values.dtype.type(np.nan), values)
            valid = values[np.isfinite(values)]
        return {
            "type": gdal.GetDataTypeName(band.DataType),
            "nodata": repr(band.GetNoDataValue()),
            "description": band.GetDescription(),
            "unit": band.GetUnitType(),
            "tags": self.tags(band),
            "blocks": band.GetBlockSize(),
            "overviews": band.GetOverviewCount(),
            "valid": int(valid.size),
            "range": [float(valid.min()), float(valid.max()), float(valid.mean(dtype=float))] if valid.size else [],
            "values": sha(np.ascontiguousarray(values).tobytes()),
        }

    def vectors(self, path: Path) -> Digest:
        """The layers of a file of features."""
        source = opened(path, gdal.OF_VECTOR)
        if source is None:
            return {"unreadable": True}
        layers = (source.GetLayer(number) for number in range(source.GetLayerCount()))
        return {layer.GetName(): self.layer(layer) for layer in layers}

    def layer(self, layer: Any) -> Digest:
        """Fields and features of a layer, a line each; ``order`` tells whether they come in the same order."""
        definition = layer.GetLayerDefn()
        fields = [definition.GetFieldDefn(number) for number in range(definition.GetFieldCount())]
        reference = layer.GetSpatialRef()
        rows = []
        for feature in layer:
            geometry = feature.GetGeometryRef()
            shape = "none"
            if geometry is not None:
                wkb = bytes(geometry.ExportToIsoWkb(ogr.wkbNDR))
                area = f" of {geometry.Area()!r}" if geometry.GetDimension() == 2 else ""
                shape = f"{geometry.GetGeometryName()}{area} {sha(wkb)}"
            values = {item.GetName(): self.value(feature, number) for number, item in enumerate(fields)}
            rows.append(f"{json.dumps(values, ensure_ascii=False)} {shape}")
        return {
            "geometry": ogr.GeometryTypeToName(layer.GetGeomType()),
            "crs": "" if reference is None else authority(reference),
            "fields": [
                f"{item.GetName()}: {item.GetTypeName()} {ogr.GetFieldSubTypeName(item.GetSubType())} "
                f"{item.GetWidth()}.{item.GetPrecision()}"
                for item in fields
            ],
            "features": sorted(rows),
            "order": sha("\n".join(rows).encode()),
        }

    def value(self, feature: Any, number: int) -> Any:
        """An attribute: floats to the bit, moments without the day of today, long texts through ``plain``."""
        if not feature.IsFieldSetAndNotNull(number):
            return None
        kind = feature.GetFieldDefnRef(number).GetType()
        if kind == ogr.OFTReal:
            return repr(feature.GetFieldAsDouble(number))
        if kind == ogr.OFTDateTime:
            return self.plain(feature.GetFieldAsString(number).replace("/", "-").split(" ")[0])
        text = feature.GetFieldAsString(number)
        return self.plain(settings(text) if text.startswith(("<!DOCTYPE qgis", "<qgis", "<?xml")) else text)

    def network(self, path: Path) -> Digest:
        """Card, nodes and weights of an ONNX file."""
        import onnx

        try:
            model = onnx.load(path)
        except Exception as error:
            return {"unreadable": type(error).__name__}
        card = {item.key: self.value_of_card(item.value) for item in model.metadata_props}
        nodes = [f"{node.op_type} {list(node.input)} -> {list(node.output)}" for node in model.graph.node]
        weights = [f"{item.name} {sha(item.SerializeToString(deterministic=True))}" for item in model.graph.initializer]
        del model.metadata_props[:]
        rest = sha(model.SerializeToString(deterministic=True))
        return {"card": card, "nodes": self.text("\n".join(nodes)), "weights": weights, "all": rest}

    def value_of_card(self, text: str) -> Any:
        """A value of a card, a line for each entry where it is JSON."""
        try:
            return self.text(json.dumps(json.loads(text), indent=1, ensure_ascii=False))
        except ValueError:
            return self.plain(text)

    def weights(self, path: Path) -> Digest:
        """Card and weights of a safetensors file."""
        data = path.read_bytes()
        length = struct.unpack("<Q", data[:8])[0]
        header = json.loads(data[8 : 8 + length])
        card = {name: self.value_of_card(text) for name, text in header.pop("__metadata__", {}).items()}
        return {"card": card, "tensors": header, "values": sha(data[8 + length :])}

    def project(self, path: Path) -> Digest:
        """The XML of a QGIS project without the random ids of its layers."""
        with zipfile.ZipFile(path) as archive:
            names = sorted(Path(name).suffix for name in archive.namelist())
            text = next(archive.read(name) for name in archive.namelist() if name.endswith(".qgs")).decode()
        return {"files": names, **self.text(settings(text))}


def settings(text: str) -> str:
    """XML that QGIS wrote, its attributes sorted, without random ids and without who saved it when."""
    text = re.sub(r"<!DOCTYPE[^>]*>", "", text)
    text = re.sub(r'(saveDateTime|saveUser|saveUserFull)="[^"]*"', r'\1=""', text)
    text = _UUID.sub("<uuid>", canonicalize(re.sub(r"(?<=<creation>)[^<]*", "", text)))
    # Snapping stands in the order of the layers' random ids.
    return re.sub(r"(?:[ ]*<layer-setting [^\n]*\n)+", lambda found: "\n".join(sorted(found[0].split("\n"))), text)


def opened(path: Path, kind: int) -> Any:
    """The dataset, None for one that can't be read, whether or not the plugin has switched exceptions on."""
    try:
        return gdal.OpenEx(str(path), kind)
    except RuntimeError:
        return None


def authority(reference: osr.SpatialReference) -> str:
    """EPSG:32648, or WKT where there is no code."""
    code = reference.GetAuthorityCode(None)
    return f"{reference.GetAuthorityName(None)}:{code}" if code else str(reference.ExportToWkt())


def sha(data: bytes) -> str:
    """Short enough to be read, long enough to differ."""
    return hashlib.sha256(data).hexdigest()[:32]
