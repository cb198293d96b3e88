.DEFAULT_GOAL := help
.PHONY: help setup demo test golden search lint pages refusals docs package texts store train benchmark clean
PYTHON ?= /usr/bin/python3
VENV := .venv
PY := $(VENV)/bin/python
STAMP := $(VENV)/.complete
LINK := $(VENV)/package/ada_mapper
PACKAGES := qgis python3-qgis qgis-providers python3-gdal gdal-bin python3-scipy python3-venv python3-pip \
	xvfb xauth fonts-dejavu-core git
export QT_QPA_PLATFORM ?= offscreen

help:  ## list the targets
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST)

setup: $(STAMP) $(LINK)  ## Debian/Ubuntu packages and the Python environment; quick when done

$(STAMP): pyproject.toml
	@$(PYTHON) -c "import qgis.core, osgeo.gdal, scipy, venv, ensurepip" 2>/dev/null && command -v xvfb-run >/dev/null \
		|| { s=$$( [ "$$(id -u)" = 0 ] || echo sudo ); $$s apt-get update -q && \
		$$s env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $(PACKAGES); }
	$(PYTHON) -m venv --system-site-packages $(VENV)
	$(PYTHON) -c "import numpy; print('numpy==' + numpy.__version__)" > $(VENV)/constraints.txt
	$(PY) -m pip install -q --disable-pip-version-check -c $(VENV)/constraints.txt -e '.[detection,learning,development]'
	@touch $@

# The checkout under the plugin's name, whatever its folder is called: mypy sees the imports as Python does.
$(LINK): | $(STAMP)
	@mkdir -p $(@D)
	@ln -sfn ../.. $@

demo: $(STAMP)  ## simulate a scene, map its active deformation areas, draw the map (results in demo/)
	$(PY) tools/demo.py demo

test: $(STAMP)  ## all tests, in a random order whose seed is told: make test ORDER=seed repeats it
	$(VENV)/bin/pytest -n 2 --dist worksteal $(if $(ORDER),--randomly-seed=$(ORDER))

search: $(STAMP)  ## the property tests with many random examples, new ones each time; takes long
	$(VENV)/bin/pytest -n 2 --dist worksteal --hypothesis-profile=search -m hypothesis

golden: $(STAMP)  ## record what every algorithm gives (make golden RECORD=file), or compare with it (COMPARE=file)
	$(PY) tools/golden.py $(if $(RECORD),record $(RECORD),compare $(COMPARE))

lint: $(STAMP) $(LINK)  ## style and types
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .
	$(VENV)/bin/mypy

docs: $(VENV)/.docs  ## the documentation as a web site, in build/docs/
	$(VENV)/bin/mkdocs build --strict

pages: $(STAMP)  ## pages of the tools, in docs/algorithms/, from the tools themselves
	$(PY) tools/algorithm_pages.py

refusals: $(STAMP)  ## docs/bad-inputs.md, from what all tools say to all bad inputs
	QT_QPA_PLATFORM=offscreen $(PY) tools/bad_inputs_page.py

package: $(STAMP)  ## the ZIP that QGIS installs, in dist/
	$(PY) tools/package.py

store: $(VENV)/.store  ## the ZIP against the rules and scanners of QGIS' plugin store
	$(PY) tools/store_check.py

$(VENV)/.docs $(VENV)/.store: $(VENV)/.%: $(STAMP)
	$(PY) -m pip install -q --disable-pip-version-check -c $(VENV)/constraints.txt -e '.[$*]'
	@touch $@

train: $(STAMP)  ## train the bundled model anew: make train DEMS=folder VALIDATION=name TEST="name name" NOISE=folder
	@mkdir -p build
	$(PY) -m ada_mapper.core.learning.bundled $(if $(STEPS),--steps $(STEPS),--minutes $(or $(MINUTES),85)) --output models/compact.onnx \
		--checkpoint build/training.pt --seed $(or $(SEED),1) $(if $(START),--start $(START)) \
		$(if $(LEARNING_RATE),--learning-rate $(LEARNING_RATE)) $(if $(VIEWS),--views $(VIEWS)) $(if $(NOISE),--noise $(NOISE)) \
		$(if $(DEMS),--dems $(DEMS) --validation $(VALIDATION) --test $(TEST))

texts: $(STAMP)  ## all texts for translators, as build/ada_mapper.ts
	$(PY) tools/texts.py build/ada_mapper.ts

benchmark: $(STAMP)  ## side-by-side measurements, printed
	$(PY) benchmarks/stacking.py
	$(PY) benchmarks/date_phases.py
	$(PY) benchmarks/slope.py
	$(PY) benchmarks/start.py
	$(PY) benchmarks/networks.py
	$(PY) benchmarks/tiles.py
	$(PY) benchmarks/inference.py --size 4096 --model models/compact.onnx
	$(PY) benchmarks/seams.py models/compact.onnx
	$(PY) benchmarks/quantisation.py models/compact.onnx
	$(PY) benchmarks/invariance.py models/compact.onnx
	$(PY) benchmarks/plains.py models/compact.onnx
	$(PY) benchmarks/remaining_errors.py models/compact.onnx
	$(PY) benchmarks/held_apart.py models/compact.onnx --quick

clean:  ## remove what was built
	rm -rf $(VENV) build dist demo *.egg-info
