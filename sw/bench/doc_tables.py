"""Which tables the documentation has, and how the rows of each are read from its measurements."""

from collections.abc import Iterable, Iterator
from typing import Any

from subbit.sw.bench.tables import Column, Row, Table

__all__ = ["TABLES"]

CELLS = (
    Column("LUT4", "lut4"),
    Column("flip-flops", "flip_flops"),
    Column("block RAMs", "block_rams"),
)
BUILT = (
    Column("network", "network"),
    Column("board", "board"),
    *CELLS,
    Column("clock, MHz", "clock_mhz", ",.1f"),
    Column("cycles a frame", "interval_cycles"),
    Column("latency, us", "latency_us", ",.1f"),
    Column("frames/s", "fps", ",.0f"),
)
CNV_ROWS = {
    "right": "{correct:,} of {images:,} test images",
    "cycles a frame, by the cycle model": "{interval_cycles:,}",
    "cycles a frame, simulated": "{simulated_interval_cycles:,}",
    "latency in cycles": "{latency_cycles:,}",
    "LUT4, estimated": "{lut4:,}",
    "flip-flops, estimated": "{flip_flops:,}",
    "block RAMs, counted": "{block_rams:,}",
    "streams compared": "{streams}",
    "frames simulated": "{frames}",
    "elements and cycles that differ": "{mismatches}",
    "Verilog": "{verilog_mb} MB",
}
CNV_SECONDS = {
    "golden model, all test images, one thread": "golden_s",
    "Verilog, by Amaranth and Yosys": "rtl_s",
    "Verilator and the C++ compiler, where the model was not there": "model_s",
    "simulation": "simulation_s",
    "comparison of all streams": "comparison_s",
}
# The kinds of units on each page.
COST_TABLES = {
    "streams": ("Window", "Replay", "Deal", "Downsize", "Upsize", "MaxPool2d", "Argmax", "Fifo"),
    "graphs": ("Fork", "Add", "AvgPool2d", "GlobalAvgPool", "Depthwise"),
    "dot": ("Dot",),
    "threshold": ("Threshold", "Affine"),
    "reuse": ("Lookup", "BlockLookup", "SharedRows"),
}
FORMS = {"plain": "portable", "sum": "sum of XNORs"}


def cnv_rows(result: Any) -> Iterator[Row]:
    """What was found, a line each."""
    for text, form in CNV_ROWS.items():
        yield {"text": text, "value": form.format(**result)}


def cnv_seconds(result: Any) -> Iterator[Row]:
    """What took how long."""
    for text, key in CNV_SECONDS.items():
        yield {"text": text, "value": result[key]}


def popcount_rows(result: Any) -> Iterator[Row]:
    """The three forms of one count."""
    what = {"device": result["device"], "width": result["width"]}
    yield what | {"form": "carry chains"} | result
    for name, form in FORMS.items():
        yield what | {"form": form} | result[name]


def engine_rows(result: Any) -> Iterator[Row]:
    """The two forms of an engine."""
    size = " x ".join(str(result[name]) for name in ("pe", "simd", "pixels"))
    yield {"size": size, "form": "the part's cells"} | result
    yield {"size": size, "form": "portable"} | result["portable"]


def unrolled_rows(result: Any) -> Iterator[Row]:
    """Layers of wires, and beside them the peer's circuits and the direct engine."""
    for row in result:
        same = {"matrix": row["matrix"], "fold": row.get("fold", 1)}
        yield same | row | {"by": "subbit"}
        if "peer" in row:
            yield same | row["peer"] | {"by": "da4ml"}
        if "direct" in row:
            yield same | row["direct"] | {"by": "direct engine", "optimise_s": None}


def task_rows(result: Any) -> Iterator[Row]:
    """The mean of the seeds of each task and encoding; sizes and rate are those of the first."""
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in result["rows"]:
        groups.setdefault((row["task"], row["encoding"]), []).append(row)
    for rows in groups.values():
        found = [row["accuracy"] for row in rows]
        reach = f"{min(found):.2%} to {max(found):.2%}" if len(rows) > 1 else ""
        yield dict(rows[0]) | {
            "accuracy": sum(found) / len(found),
            "reach": reach,
            "seeds": len(rows),
        }


def stage_rows(result: Any) -> Iterable[Row]:
    """The stages of a plan."""
    return [row | {"name": " ".join(row["layers"])} for row in result["stages"]]


def seed_texts(row: Row) -> str | None:
    """The clock of each seed, or nothing where none was routed."""
    seeds = row.get("seeds")
    return ", ".join(f"{mhz:.0f}" for mhz in seeds.values()) if seeds else None


def settings(row: Row) -> str:
    """The settings of an engine that was mapped."""
    names = ("pe", "simd", "pixels", "dot9", "fill")
    return ", ".join(f"{name} {row[name]}" for name in names if row.get(name) is not None)


def of_key(key: str) -> Any:
    """The rows below a key of the result."""
    return lambda result: result[key]


def cost_rows(*kinds: str) -> Any:
    """The units of these kinds."""
    return lambda result: [row for row in result["rows"] if row["kind"] in kinds]


def parts_rows(result: Any) -> Iterator[Row]:
    """The parts of each network, with the cycles and LUT4s that they take in each encoding."""
    for name in dict.fromkeys(row["network"] for row in result["rows"]):
        rows = [row for row in result["rows"] if row["network"] == name]
        found = {r["encoding"]: {" ".join(p["layers"]): p for p in r["parts"]} for r in rows}
        for part in dict.fromkeys(part for parts in found.values() for part in parts):
            cells = {encoding: parts.get(part) for encoding, parts in found.items()}
            yield {"network": name, "part": part} | cells


COSTS = (
    Column("unit", "unit"),
    Column("family", "family"),
    Column("LUT4", "lut4_mapped"),
    Column("said", "lut4_said"),
    Column("flip-flops", "flip_flops_mapped"),
    Column("said", "flip_flops_said"),
    Column("block RAMs", "block_rams_mapped"),
    Column("said", "block_rams_said"),
)
EQUAL_LUT = (
    Column("channels", "cout"),
    Column("engine", "engine"),
    Column("tau", "tau"),
    Column("settings", settings),
    Column("LUT4", "lut4"),
    Column("block RAMs", "block_rams"),
    Column("bMACs a cycle", "bmacs_per_cycle", ",.0f"),
    Column("LUT4 a bMAC", "lut4_per_bmac", ".3f"),
    Column("times the direct engine's work per LUT4", "ratio", ".3f"),
)
PLANNER = (
    Column("network", "network"),
    Column("LUT4 estimated", "lut4_estimated"),
    Column("LUT4", "lut4_actual"),
    Column("error", "lut4_error", "+.1%"),
    Column("flip-flops estimated", "flip_flops_estimated"),
    Column("flip-flops", "flip_flops_actual"),
    Column("block RAMs estimated", "block_rams_estimated"),
    Column("block RAMs", "block_rams_actual"),
    Column("cycles estimated", "cycles_estimated"),
    Column("cycles", "cycles_actual"),
)
TABLES = {
    **{
        f"costs-{name}": Table(("costs-*",), COSTS, cost_rows(*kinds), ("yosys",))
        for name, kinds in COST_TABLES.items()
    },
    "networks": Table(
        (
            *("network-digits-*-ulx3s-85f", "network-mnist-*-ulx3s-85f", "network-tfc-*-ulx3s-12f"),
            "network-*-icebreaker",
        ),
        BUILT,
        tools=("yosys", "nextpnr-ecp5", "nextpnr-ice40"),
    ),
    "networks-icebreaker": Table(
        ("network-*-icebreaker",),
        (*BUILT, Column("Fmax, MHz", "fmax_mhz", ".2f")),
        tools=("yosys", "nextpnr-ice40"),
    ),
    "cnv-boards": Table(
        ("network-cnv-*",),
        (
            *BUILT,
            Column("frames/s per 1,000 LUT4", "fps_per_1000_lut4", ",.0f"),
            Column("right", "correct"),
            Column("of", "images"),
        ),
    ),
    "cnv": Table(
        ("cnv",), (Column("", "text"), Column("", "value")), cnv_rows, ("yosys", "verilator")
    ),
    "cnv-seconds": Table(
        ("cnv",),
        (Column("step", "text"), Column("seconds", "value", ".1f")),
        cnv_seconds,
        ("yosys", "verilator"),
    ),
    "cnv-plan": Table(
        ("plan-cnv",),
        (
            Column("stage", "name"),
            *(Column(name, name) for name in ("pixels", "pe", "simd", "lanes")),
            Column("FIFO behind", "fifo"),
            Column("cycles", "cycles"),
            *CELLS,
        ),
        stage_rows,
        (),
    ),
    "popcount": Table(
        ("popcount-ecp5-*", "popcount-ice40-*", "popcount-gowin-*"),
        (
            Column("device", "device"),
            Column("positions", "width"),
            Column("form", "form"),
            Column("LUT4", "lut4"),
            Column("a position", "lut4_per_bit", ".2f"),
            Column("MHz", "fmax_mhz", ".0f"),
            Column("cycles", "latency_cycles"),
            Column("flip-flops", "flip_flops"),
        ),
        popcount_rows,
        ("yosys", "nextpnr-ecp5", "nextpnr-ice40", "nextpnr-himbaechel"),
    ),
    "engine": Table(
        ("engine-*",),
        (
            Column("PE x SIMD x pixels", "size"),
            Column("form", "form"),
            *CELLS,
            Column("LUT4 per bMAC", "lut4_per_bmac", ".2f"),
            Column("MHz of each seed", seed_texts),
        ),
        engine_rows,
    ),
    "unrolled": Table(
        ("unrolled-*",),
        (
            Column("inputs x outputs", "matrix"),
            Column("by", "by"),
            Column("cycles", "fold"),
            Column("LUT4", "lut4"),
            Column("flip-flops", "flip_flops"),
            Column("MHz", lambda row: "" if row["fmax_mhz"] is None else f"{row['fmax_mhz']:.0f}"),
            Column("stages", "stages"),
            Column(
                "seconds to find",
                lambda row: "" if row["optimise_s"] is None else f"{row['optimise_s']:.1f}",
            ),
        ),
        unrolled_rows,
    ),
    "precision-engines": Table(
        ("precision-engines",),
        (
            Column("M/K", lambda row: f"{row['m']}/{row['k']}"),
            Column("M*K", lambda row: row["m"] * row["k"]),
            *CELLS,
            Column("times the LUT4 of 1/1", "lut4_ratio", ".2f"),
            Column("weight bits", "weight_bits"),
            Column("LUT4, portable", "portable.lut4"),
            Column("times", "portable.lut4_ratio", ".2f"),
        ),
        of_key("engines"),
        ("yosys",),
    ),
    "multipliers": Table(
        ("multipliers-2x49",),
        (
            Column("engine", "engine"),
            Column("PE", "pe"),
            Column("SIMD", "simd"),
            Column("cycles a frame", "cycles"),
            *CELLS,
            Column("multipliers", "multipliers"),
            Column("LUT4 of the engine", "engine_lut4"),
            Column("times the LUT4 of branches", "lut4_ratio", ".2f"),
        ),
        of_key("stems"),
        ("yosys",),
    ),
    "precision-networks": Table(
        ("precision-networks",),
        (
            Column("M/K", lambda row: f"{row['m']}/{row['k']}"),
            Column("network", "network"),
            Column("accuracy", "accuracy", ".2%"),
            Column("weight bits", "weight_bits"),
            *CELLS,
            Column("cycles a frame", "cycles"),
        ),
        of_key("networks"),
        (),
    ),
    "reuse-rtl": Table(
        ("reuse",),
        (
            Column("channels", "channels"),
            Column("cycles of the RTL", "cycles"),
            Column("by the formula", "formula"),
            Column("values or cycles that differ", "mismatches"),
        ),
        of_key("rtl"),
        ("verilator",),
    ),
    "reuse-shared-rows": Table(
        ("reuse",),
        (
            Column("p", "p"),
            Column("cycles, times fewer", "cycle_ratio", ".3f"),
            Column("bits, times fewer", "bit_ratio", ".3f"),
            Column("LUT4", "lut4"),
            Column("LUT4, plain weights", "plain_lut4"),
            Column("times as many", "lut4_ratio", ".3f"),
        ),
        of_key("shared_rows"),
        ("yosys",),
    ),
    "reuse-channels": Table(("reuse-channels",), EQUAL_LUT, of_key("equal_lut"), ("yosys",)),
    "reuse-taus": Table(("reuse-taus",), EQUAL_LUT, of_key("equal_lut"), ("yosys",)),
    "tasks": Table(
        ("tasks-*",),
        (
            Column("task", "task"),
            Column("recipe", "recipe"),
            Column("numbers", lambda row: "float" if row["encoding"] == "float" else "as named"),
            Column("test accuracy", "accuracy", ".2%"),
            Column("seeds", "seeds"),
            Column("from .. to", "reach"),
            Column("weight bits", "weight_bits"),
            Column("LUT4", "lut4"),
            Column("block RAMs", "block_rams"),
            Column("frames/s", "fps", ",.0f"),
        ),
        task_rows,
        (),
    ),
    "whole": Table(
        ("whole",),
        (
            Column("network", "network"),
            Column("weights", "encoding"),
            *CELLS,
            Column("cycles a frame", "interval_cycles"),
            Column("frames/s", "fps", ",.0f"),
            Column("LUT4, plain", "plain_lut4"),
            Column("frames/s, plain", "plain_fps", ",.0f"),
            Column("times plain", "ratio", ".2f"),
            Column("bound by", "bound_by"),
            Column("frames/s at most", "most_fps", ",.0f"),
        ),
        of_key("rows"),
        (),
    ),
    "whole-parts": Table(
        ("whole",),
        (
            Column("network", "network"),
            Column("part", "part"),
            *(
                Column(f"{title}, {kind}", f"{kind}.{key}")
                for kind in ("plain", "codebook", "tiled")
                for title, key in (("cycles", "cycles"), ("LUT4", "lut4"))
            ),
        ),
        parts_rows,
        (),
    ),
    "planner-ulx3s-85f": Table(("planner-ulx3s-85f",), PLANNER, of_key("rows")),
    "planner-icebreaker": Table(
        ("planner-icebreaker",), PLANNER, of_key("rows"), ("yosys", "nextpnr-ice40")
    ),
}
