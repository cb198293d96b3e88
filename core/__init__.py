"""The science of ADA Mapper: arrays and files in, arrays and files out. Imports neither QGIS nor Qt."""
