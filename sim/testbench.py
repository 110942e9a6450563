"""The SystemVerilog around the designs: it drives their inputs, takes their outputs and records
every stream, so that no Python runs between two clock edges.

For each design the simulation reads ``<design>/input.hex``, one beat a line, and writes for each
stream ``<design>/<stream>.rec``: a line ``<cycle> <payload>``, both in hex, for every beat taken.
Cycle 0 is the first in which input is offered. ``<design>/<stream>.fault`` appears where a stream
breaks its contract: it holds the cycles in which an offered beat was withdrawn or changed.
"""

from collections.abc import Mapping

from subbit.sim.simtop import StreamPorts

__all__ = ["CYCLE_DIGITS", "testbench"]

CYCLE_DIGITS = 8

LIBRARY = """\
// Random numbers that are the same in every simulator, and how often a throttled end goes on: in
// 1, 4, 7 or 8 of 8 cycles, chosen anew every 32 cycles, or not at all for 32 to 4096 cycles, so
// that queues run full and empty.
module subbit_chance (input clk, input run, input throttle, input [31:0] seed, output reg go,
                      output reg [31:0] random);
  reg [1:0] level = 0;
  reg pause = 0;
  reg [12:0] left = 0;
  initial begin go = 0; random = 1; end
  always @(posedge clk) begin
    if (!run) begin random = seed | 1; left = 0; end
    repeat (2) begin
      random = random ^ (random << 13);
      random = random ^ (random >> 17);
      random = random ^ (random << 5);
    end
    if (left == 0) begin
      level = random[9:8];
      pause = random[14:10] == 0;
      left = 13'd32 << (pause ? random[17:15] : 0);
    end
    left = left - 1;
    case (level)
      0: go <= random[2:0] == 0;
      1: go <= random[2:0] < 4;
      2: go <= random[2:0] != 0;
      default: go <= 1;
    endcase
    if (pause) go <= 0;
    if (!throttle) go <= 1;
  end
endmodule

// The payload comes PAYLOAD_DELAY cycles after valid.
module subbit_source #(parameter WIDTH = 1, parameter PAYLOAD_DELAY = 0, parameter FILE = "") (
    input clk, input run, input throttle, input [31:0] seed,
    output reg valid, input ready, output [WIDTH-1:0] payload);
  integer file = 0, found, age;
  reg [WIDTH-1:0] beat;
  reg [WIDTH-1:0] shown [0:PAYLOAD_DELAY];
  wire go;
  wire [31:0] random;
  subbit_chance chance (clk, run, throttle, seed, go, random);
  initial begin valid = 0; for (age = 0; age <= PAYLOAD_DELAY; age = age + 1) shown[age] = 0; end
  assign payload = shown[PAYLOAD_DELAY];
  always @(posedge clk) begin
    for (age = 1; age <= PAYLOAD_DELAY; age = age + 1) shown[age] <= shown[age - 1];
    if (run && file == 0) file = $fopen(FILE, "r");
    if (!run) valid <= 0;
    else if (!valid || ready) begin
      found = 0;
      if (go) found = $fscanf(file, "%h\\n", beat);
      valid <= found == 1;
      shown[0] <= found == 1 ? beat : {((WIDTH + 31) / 32){random}};
    end
  end
endmodule

// Holds each payload to the valid and ready of PAYLOAD_DELAY cycles before, and records it with
// that cycle.
module subbit_monitor #(parameter WIDTH = 1, parameter PAYLOAD_DELAY = 0, parameter RECORD = "",
                        parameter FAULT = "") (
    input clk, input active, input [31:0] cycle,
    input valid, input ready, input [WIDTH-1:0] payload, output fire, output reg [47:0] beats);
  integer record = 0, fault = 0;
  reg held = 0;
  reg [WIDTH-1:0] offered;
  reg [7:0] valids = 0, fires = 0;
  wire [8:0] offers = {valids, active && valid}, takes = {fires, fire};
  wire [31:0] then = cycle - PAYLOAD_DELAY;
  assign fire = active && valid && ready;
  initial beats = 0;
  always @(posedge clk) begin
    valids <= offers[7:0];
    fires <= takes[7:0];
    if (active) begin
      if (record == 0) record = $fopen(RECORD, "w");
      if (takes[PAYLOAD_DELAY]) begin
        $fwrite(record, "%h %h\\n", then, payload);
        beats <= beats + 1;
      end
      if (held && (!offers[PAYLOAD_DELAY] || payload != offered)) begin
        if (fault == 0) fault = $fopen(FAULT, "w");
        $fwrite(fault, "%h\\n", then);
      end
      held <= offers[PAYLOAD_DELAY] && !takes[PAYLOAD_DELAY];
      offered <= payload;
    end
  end
endmodule
"""

PUBLIC = "/*verilator public_flat_rw*/"

TOP = """\
module bench (
    input clk {public}, input rst {public}, input run {public}, input throttle {public},
    input [31:0] seed {public}, output reg [31:0] cycle {public},
{counts}
    output done {public});
  reg active = 0;
  wire [{last}:0] fired, complete;
  initial cycle = 0;
  always @(posedge clk) begin
    active <= run;
    cycle <= active ? cycle + 1 : 0;
  end
{declarations}
  assign done = active && &complete;
  simtop dut (.clk(clk), .rst(rst){connections});
{instances}
endmodule
"""


def testbench(designs: Mapping[str, Mapping[str, StreamPorts]]) -> str:
    """SystemVerilog of the module ``bench`` around a module ``simtop`` with these streams.

    Its port ``run`` starts all designs at once; ``throttle`` makes valid and ready random, from
    ``seed``; ``cycle`` counts from the first in which input is offered. For each design in order,
    ``moved0`` is the last cycle in which any of its beats was taken, ``given0`` the number of its
    output beats, and ``done0`` says that each of its streams has moved the beats of ``frames0``
    frames; ``done`` says it of all.
    """
    declarations, connections, instances, counts = [], [], [], []
    for index, (design, streams) in enumerate(designs.items()):
        fires, ends = [], []
        for stream, ports in streams.items():
            p = ports.prefix
            declarations.append(
                f"  wire {p}__valid, {p}__ready, {p}__fire; wire [{ports.width - 1}:0] "
                f"{p}__payload; wire [47:0] {p}__beats;"
            )
            connections += [f".{p}__{part}({p}__{part})" for part in ("valid", "ready", "payload")]
            instances += [
                driver(index, design, stream, ports),
                monitor(design, ports, stream),
            ]
            fires.append(f"{p}__fire")
            ends.append(f"{p}__beats >= 48'd{ports.beats} * frames{index}")
        counts.append(
            f"    input [31:0] frames{index} {PUBLIC}, output reg [31:0] moved{index} {PUBLIC}, "
            f"output [47:0] given{index} {PUBLIC}, output done{index} {PUBLIC},"
        )
        declarations += [
            f"  assign fired[{index}] = |{{{', '.join(fires)}}};",
            f"  assign complete[{index}] = {' && '.join(ends)};",
            f"  assign given{index} = {design}__o__beats;",
            f"  assign done{index} = active && complete[{index}];",
            f"  initial moved{index} = 0;",
            f"  always @(posedge clk) if (!active) moved{index} <= 0; "
            f"else if (fired[{index}]) moved{index} <= cycle;",
        ]
    return LIBRARY + TOP.format(
        public=PUBLIC,
        last=len(designs) - 1,
        counts="\n".join(counts),
        declarations="\n".join(declarations),
        connections="".join(f",\n    {connection}" for connection in connections),
        instances="\n".join(line for line in instances if line),
    )


def driver(index: int, design: str, stream: str, ports: StreamPorts) -> str:
    """What drives a stream from outside: a source, a chance of being ready, or nothing."""
    p, seed = ports.prefix, f"seed ^ 32'h{(0x9E3779B9 * (2 * index + 1)) & 0xFFFFFFFF:08x}"
    if stream == "i":
        return (
            f"  subbit_source #(.WIDTH({ports.width}), .PAYLOAD_DELAY({ports.payload_delay}), "
            f'.FILE("{design}/input.hex")) {p}__source '
            f"(clk, run, throttle, {seed}, {p}__valid, {p}__ready, {p}__payload);"
        )
    if stream == "o":
        return f"  subbit_chance {p}__sink (clk, run, throttle, ~({seed}), {p}__ready,);"
    return ""


def monitor(design: str, ports: StreamPorts, stream: str) -> str:
    """What records a stream."""
    p, file = ports.prefix, f"{design}/{stream}"
    return (
        f"  subbit_monitor #(.WIDTH({ports.width}), .PAYLOAD_DELAY({ports.payload_delay}), "
        f'.RECORD("{file}.rec"), .FAULT("{file}.fault")) '
        f"{p}__monitor (clk, active, cycle, {p}__valid, {p}__ready, {p}__payload, "
        f"{p}__fire, {p}__beats);"
    )
