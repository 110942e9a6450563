"""Write test images of MODEL's data set as packed frames, which client.c sends."""

import argparse
import sys
from pathlib import Path

import subbit
from subbit.hw.link.protocol import LinkInfo
from subbit.sw.errors import SubbitError
from subbit.sw.evaluate import load_frames
from subbit.sw.host.packing import pack_frames

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("frames", type=Path)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--data", type=Path, help="folder with the files of the data set")
    options = parser.parse_args()
    try:
        network = subbit.load_network(options.model)
        codes = load_frames(network, options.data, options.count).codes
        info = LinkInfo.from_network(network, clock_hz=0)
        options.frames.write_bytes(pack_frames(info, codes).tobytes())
    except (OSError, SubbitError) as error:
        sys.exit(f"frames.py: {error}")
