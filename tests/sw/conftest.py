"""Which tests of this folder need an extra that is not there."""

from importlib.util import find_spec

# Importing ONNX files is an extra; without it there is nothing to test.
collect_ignore_glob = [] if find_spec("qonnx") else ["importers/*.py"]
