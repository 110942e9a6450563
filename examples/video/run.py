"""Show a picture to a camera in simulation, and see its class on the LEDs.

MODEL is a network that ends in a class and takes one channel; PICTURE an image file, by default a
test image of the network's data set.
"""

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Any

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import Out
from numpy.typing import NDArray

import subbit
from subbit.hw.link.logits import ends_in_class
from subbit.sim.verilator import build_model, run_model
from subbit.sw.errors import NetworkError, SubbitError
from subbit.sw.evaluate import load_frames
from subbit.sw.flow.verilog import to_verilog
from subbit.sw.host.classify import file_codes
from subbit.sw.ir import Network
from subbit.sw.lower.pipeline import Pipeline

sys.path.insert(0, str(Path(__file__).resolve().parent))
from video import Geometry, PatternCamera, VideoTop

HERE = Path(__file__).resolve().parent
PUBLIC = "/*verilator public_flat_rw*/"
TOP = """
module bench (
    input clk {public}, input rst {public},
    output [7:0] leds {public}, output [7:0] seen {public});
  demo dut (.clk(clk), .rst(rst), .leds(leds), .seen(seen));
endmodule
"""


class Demo(wiring.Component):
    """A camera that sends a still picture, and the design that looks at it."""

    leds: Signal
    seen: Signal

    def __init__(self, *, camera: PatternCamera, top: VideoTop) -> None:
        self._camera, self._top = camera, top
        super().__init__({"leds": Out(8), "seen": Out(8)})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.camera, m.submodules.top = self._camera, self._top
        wiring.connect(m, self._camera.pins, self._top.pins)
        m.d.comb += [self.leds.eq(self._top.leds), self.seen.eq(self._top.seen)]
        return m


def shown_classes(
    network: Network, plan: subbit.Plan, codes: NDArray[Any], geometry: Geometry, models: Path
) -> list[int]:
    """What the LEDs show for the picture of ``codes`` (rows, columns), of two pictures sent."""
    if not ends_in_class(network):
        raise NetworkError(f"network {network.name!r} ends in no class that LEDs could show")
    bits = network.input_type.bits
    picture = ((2 * codes.astype(int) + 1) << (8 - bits) >> 1).tolist()  # the middle of each code
    top = VideoTop(pipeline=Pipeline(network, plan), geometry=geometry)
    demo = Demo(camera=PatternCamera(geometry=geometry, picture=picture), top=top)
    verilog = to_verilog(demo, name="demo") + TOP.format(public=PUBLIC)
    library = build_model(verilog, "bench", models, quick=True)
    line = 2 * geometry.width + geometry.blank_bytes
    with tempfile.TemporaryDirectory() as name:
        shown = Path(name) / "shown"
        environment = {
            "PYTHONPATH": str(HERE),
            "VIDEO_SHOWN": str(shown),
            "VIDEO_CYCLES": str(line * (geometry.height + geometry.blank_lines)),
        }
        run_model(library, "bench", "bench", Path(name), environment=environment)
        return [int(row) for row in shown.read_text().split()] if shown.exists() else []


def codes_of(network: Network, picture: Path | None, data: Path | None) -> NDArray[Any]:
    """The codes of an image file, or of a test image: rows by columns."""
    if picture is not None:
        return file_codes(network, picture)[..., 0]
    return load_frames(network, data, 1).codes[0, ..., 0]


def main() -> None:
    """See above."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("picture", type=Path, nargs="?")
    parser.add_argument("--data", type=Path, help="folder with the files of the data set")
    parser.add_argument("--fps", type=float, default=2000, help="rate to plan for; default 2000")
    options = parser.parse_args()
    network = subbit.load_network(options.model)
    codes = codes_of(network, options.picture, options.data)
    rows, columns = codes.shape
    geometry = Geometry(columns=columns, rows=rows, block=8 if rows * 8 <= 120 else 4)
    plan = subbit.plan_for(
        network, subbit.board("ulx3s-85f"), subbit.Goal(fps=options.fps, wires=True)
    ).plan
    for row in codes:
        print("".join(" .:-=+*#%@"[int(code * 9 // network.input_type.high)] for code in row))
    classes = shown_classes(network, plan, codes, geometry, Path("build") / "models")
    print(f"the LEDs show {' and '.join(map(str, classes))}")


if __name__ == "__main__":
    try:
        main()
    except (OSError, ValueError, SubbitError) as error:
        sys.exit(f"run.py: {error}")
