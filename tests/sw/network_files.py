"""Network files that are put together by hand, to be damaged."""

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save

__all__ = ["CUT", "raw", "sound", "write"]

CUT = "not a network file, or cut short; export it again or fetch it whole"


def write(path: Path, header: Any, arrays: dict[str, Any] | None = None) -> Path:
    """A safetensors file with ``header`` (JSON text or value) as the network's."""
    text = header if isinstance(header, str) else json.dumps(header)
    path.write_bytes(save(arrays or {}, {"subbit": text}))
    return path


def raw(declared: str | bytes, body: bytes = b"") -> bytes:
    """The bytes of a safetensors file with that declaration."""
    text = declared.encode() if isinstance(declared, str) else declared
    return struct.pack("<Q", len(text)) + text + body


def sound() -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and arrays of a sound file, to be damaged."""
    header = {
        "version": 1,
        "network": {
            "name": "net",
            "input": {"shape": [1, 1, 4], "encoding": "bipolar", "bits": 1},
            "nodes": [
                {
                    "name": "fc",
                    "kind": "linear",
                    "inputs": ["input"],
                    "attributes": {"weights": "binary"},
                },
                {"name": "top", "kind": "argmax", "inputs": ["fc"], "attributes": {}},
            ],
        },
        "metadata": {"accuracy": 0.5},
    }
    return header, {"fc.bits": np.array([[1, 0, 1, 1], [0, 0, 1, 0]], np.uint8)}
