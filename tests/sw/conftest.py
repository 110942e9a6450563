"""Lets the tests of this folder import its helpers by name."""

import sys
from importlib.util import find_spec
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

# Importing ONNX files is an extra; without it there is nothing to test.
collect_ignore_glob = [] if find_spec("qonnx") else ["test_import_*.py"]
