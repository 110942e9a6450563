"""The text of the files: the program's header and source, and what tests and shows it."""

from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subbit.sw.ir.layers.argmax import Argmax
from subbit.sw.ir.network import Network
from subbit.sw.mcu.arrays import rows
from subbit.sw.mcu.program import Program

__all__ = ["header", "project_files", "runtime", "source", "vectors"]

RUNTIME = "subbit_runtime.h"


def runtime() -> str:
    """The layers, which are the same for every network."""
    return (files("subbit.sw.mcu") / "runtime.h").read_text()


def number(program: Program) -> str:
    """The C type of the outputs."""
    return f"int{program.sum_bits}_t"


def header(program: Program, name: str) -> str:
    """``NAME.h``: sizes and functions."""
    network, large = program.network, name.upper()
    kind, out = network.input_type, program.output.type
    memory = memory_bytes(program)
    shape = f"{kind.height} x {kind.width} x {kind.channels}"
    is_map = isinstance(network.nodes[-1].layer, Argmax) and not program.is_classifier
    meaning = "the class of each pixel" if is_map else "integers"
    classify = f"""
/* The class: the index of the greatest output, the lowest one on ties. */
int {name}_class(const uint8_t codes[{large}_INPUTS]);
"""
    return f"""\
/* {network.name}, digest {network.digest[:16]}: generated, do not edit. */

#ifndef {large}_H
#define {large}_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {{
#endif

#define {large}_INPUTS {kind.elements} /* {shape}, row by row, channels last */
#define {large}_OUTPUTS {out.elements}
#define {large}_MEMORY_BYTES {memory} /* static */
#define {large}_PARAMETER_BYTES {program.constants.bytes} /* constant */

typedef {number(program)} {name}_number;

/* Run the network. `codes`: one byte an element, {kind.low} to {kind.high}. `outputs`: {meaning}.
 * The memory is static: one call at a time. */
void {name}_run(const uint8_t codes[{large}_INPUTS], {name}_number outputs[{large}_OUTPUTS]);
{classify if program.is_classifier else ""}
#ifdef __cplusplus
}}
#endif

#endif
"""


def memory_bytes(program: Program) -> int:
    """Static memory: tensors, and what one layer needs besides."""
    return program.placed()[1] + 8 * scratch_words(program)


def scratch_words(program: Program) -> int:
    """Of 8 bytes, for sums and a patch."""
    return (program.scratch_sums * program.sum_bits // 8 + program.scratch_bytes + 7) // 8


def source(program: Program, name: str) -> str:
    """``NAME.c``: the parameters and the calls."""
    places, size = program.placed()
    where = {buffer: f"memory + {place}" for buffer, place in places.items()}
    calls = "\n".join(f"  {called(step.call, where)};" for step in program.steps)
    constants, output = "\n".join(program.constants.lines), program.output
    large = name.upper()
    classify = f"""
int {name}_class(const uint8_t codes[{large}_INPUTS]) {{
  {name}_number outputs[{large}_OUTPUTS];
  int best = 0;
  {name}_run(codes, outputs);
  for (int k = 1; k < {large}_OUTPUTS; k++)
    if (outputs[k] > outputs[best]) best = k;
  return best;
}}
"""
    return f"""\
/* {program.network.name}, digest {program.network.digest[:16]}: generated, do not edit. */

#define SUBBIT_SUM {number(program)}
#include "{RUNTIME}"

#include "{name}.h"

{constants}

static uint8_t memory[{max(size, 1)}];
static union {{ uint64_t aligned[{max(scratch_words(program), 1)}]; subbit_sum sums[1]; }} work;

void {name}_run(const uint8_t codes[{large}_INPUTS], {name}_number outputs[{large}_OUTPUTS]) {{
  subbit_sum *scratch = work.sums;
  (void)scratch;
{calls}
  for (size_t k = 0; k < {large}_OUTPUTS; k++)
    outputs[k] = subbit_stored({output.place}, {where[output.buffer]}, k);
}}
{classify if program.is_classifier else ""}"""


def called(call: str, where: dict[str, str]) -> str:
    """The call with the places of the buffers that it names in braces."""
    for buffer, place in where.items():
        call = call.replace(f"{{{buffer}}}", place)
    return call


def vectors(
    program: Program, name: str, codes: NDArray[np.uint8], outputs: NDArray[np.int64]
) -> str:
    """``vectors.h``: frames, and what the golden model says of each."""
    large = name.upper()
    given, wanted = (
        "\n".join(line for frame in frames for line in braced(frame)) for frames in (codes, outputs)
    )
    return f"""\
/* Frames of {program.network.name} and the outputs of its golden model. */

#define VECTORS {len(codes)}

static const uint8_t vector_codes[VECTORS][{large}_INPUTS] = {{
{given}
}};

static const {name}_number vector_outputs[VECTORS][{large}_OUTPUTS] = {{
{wanted}
}};
"""


def braced(frame: NDArray[np.integer[Any]]) -> list[str]:
    """The initialiser of one frame."""
    return ["{", *rows([int(number) for number in frame.reshape(-1)]), "},"]


def project_files(network: Network, name: str) -> dict[str, str]:
    """Everything around them, by path."""
    folder = files("subbit.sw.mcu") / "project"
    found = {}
    for path, template in PROJECT.items():
        text = (folder / template).read_text()
        for key, value in {
            "@NAME@": name,
            "@LARGE@": name.upper(),
            "@NETWORK@": network.name,
        }.items():
            text = text.replace(key, value)
        found[path.replace("NAME", name)] = text
    return found


PROJECT = {
    "Makefile": "Makefile.txt",
    "CMakeLists.txt": "CMakeLists.txt",
    "library.properties": "library.txt",
    "README.md": "README.txt",
    "test/main.c": "main.c.txt",
    "examples/classify/classify.ino": "classify.txt",
}
