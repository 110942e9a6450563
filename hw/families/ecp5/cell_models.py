"""Verilog models of the ECP5 cells that Yosys maps to.

Models of LUTs, carry chains, registers and LUT RAMs come with Yosys; models of block RAMs and
multipliers are here. They do what Yosys's mapping rules ask of these cells and no more: a parameter
or port that the rules never use stops the build of the model. Both clocks of a block RAM must be
one. Bits that one port reads in the cycle in which the other port writes them come out wrong on
purpose, as the device promises nothing there.
"""

from pathlib import Path

from subbit.sw.errors import ToolError

__all__ = ["cell_models"]

SHIPPED = ("common_sim.vh", "ccu2c_sim.vh")
HEAD = """\
`define NO_INCLUDES
// verilator lint_off SPECIFYIGN
// verilator lint_off INITIALDLY
"""

# <P> is the port, A or B, and <Q> the other one. A row of the memory is what a port of 36 bits
# reads; of each 9 bits in it, a port narrower than 9 uses the lower 8.
PORT = """\
  wire clk<P> = CLK<P>MUX == "INV" ? !CLK<P> : CLK<P>;
  wire [13:0] ad<P> = {<AD<P>>};
  wire [35:0] di<P> = {<DIB>, <DIA>} >> (DATA_WIDTH_<P> < 36 ? DI_<P> : 0);
  localparam [2:0] BIT_<P> =
    DATA_WIDTH_<P> == 1 ? 7 : DATA_WIDTH_<P> == 2 ? 6 : DATA_WIDTH_<P> == 4 ? 4 : 0;
  localparam [1:0] BYTE_<P> = DATA_WIDTH_<P> == 36 ? 0 : DATA_WIDTH_<P> == 18 ? 2 : 3;
  localparam [35:0] ONES_<P> = 36'hfffffffff >> (36 - DATA_WIDTH_<P>);
  wire [8:0] row<P> = ad<P>[13:5];
  wire [5:0] at<P> = 6'd9 * (ad<P>[4:3] & BYTE_<P>) + (ad<P>[2:0] & BIT_<P>);
  wire [35:0] bytes<P> = {{9{ad<P>[3]}}, {9{ad<P>[2]}}, {9{ad<P>[1]}}, {9{ad<P>[0]}}};
  wire [35:0] read<P> = ONES_<P> << at<P>;
  wire [35:0] written<P> = (DATA_WIDTH_<P> >= 18 ? bytes<P> & ONES_<P> : ONES_<P>) << at<P>;
  wire clear<P> = RESETMODE == "ASYNC" && RST<P>;
  wire write<P> = CE<P> && WE<P> && (clear<P> || !RST<P>);
  wire [35:0] clash<P> = write<Q> && row<P> == row<Q> ? written<Q> : 36'd0;
  wire [35:0] old<P> = memory[row<P>] ^ clash<P>;
  wire [35:0] new<P> = (old<P> & ~written<P>) | ((di<P> << at<P>) & written<P>);
  reg [35:0] do<P> = 0;
  reg [35:0] out<P> = 0;
  wire [35:0] q<P> = REGMODE_<P> == "OUTREG" ? out<P> : do<P>;
  integer bit<P>;
  always @(posedge clk<P>)
    for (bit<P> = 0; bit<P> < 36; bit<P> = bit<P> + 1)
      if (write<P> && written<P>[bit<P>]) memory[row<P>][bit<P>] <= new<P>[bit<P>];
  always @(posedge clk<P> or posedge clear<P>)
    if (RST<P>) do<P> <= 0;
    else if (CE<P> && !(WE<P> && WRITEMODE_<P> == "NORMAL"))
      do<P> <= ((WE<P> && WRITEMODE_<P> == "WRITETHROUGH" ? new<P> : old<P>) & read<P>) >> at<P>;
  always @(posedge clk<P>)
    if (RST<P>) out<P> <= 0;
    else if (OCE<P>) out<P> <= do<P>;
"""
DP16KD = """\
module DP16KD #(
  parameter DATA_WIDTH_A = 18, DATA_WIDTH_B = 18, REGMODE_A = "NOREG", REGMODE_B = "NOREG",
  parameter RESETMODE = "SYNC", ASYNC_RESET_RELEASE = "SYNC", GSR = "AUTO",
  parameter CSDECODE_A = "0b000", CSDECODE_B = "0b000", CLKAMUX = "CLKA", CLKBMUX = "CLKB",
  parameter WRITEMODE_A = "NORMAL", WRITEMODE_B = "NORMAL",
  parameter [319:0] <INITVALS = 0>
) (
  input CLKA, CEA, OCEA, WEA, RSTA, CSA0, CSA1, CSA2, CLKB, CEB, OCEB, WEB, RSTB, CSB0, CSB1, CSB2,
  input <ADA>, <ADB>, <DIA>, <DIB>,
  output <DOA>, <DOB>
);
  generate
    if (DATA_WIDTH_B == 36 && (REGMODE_A != "NOREG" || REGMODE_B != "NOREG"))
      output_registers_are_not_modelled a();
    if (CSDECODE_A != "0b000" || CSDECODE_B != "0b000") chip_select_is_not_modelled b();
  endgenerate
  localparam DI_A = 0, DI_B = 18;
  localparam [20479:0] INIT = {<INITVALS>};
  reg [35:0] memory [0:511];
  integer word;
  initial
    for (word = 0; word < 512; word = word + 1)
      memory[word] = {INIT[40 * word + 20 +: 18], INIT[40 * word +: 18]};
<PORTS>
  assign {<DOA>} = DATA_WIDTH_B == 36 ? qB[17:0] : qA[17:0];
  assign {<DOB>} = DATA_WIDTH_B == 36 ? qB[35:18] : qB[17:0];
endmodule
"""
# Registers have the first clock, its enable and its reset, or are not there.
MULT18X18D = """\
module MULT18X18D #(
  parameter REG_INPUTA_CLK = "NONE", REG_INPUTB_CLK = "NONE", REG_OUTPUT_CLK = "NONE",
  parameter GSR = "ENABLED"
) (
  input CLK0, CE0, RST0, <A>, <B>, <C>, SIGNEDA, SIGNEDB, SOURCEA, SOURCEB,
  output <P>
);
  wire signed [35:0] a = {{18{SIGNEDA & A17}}, <A>};
  wire signed [35:0] b = {{18{SIGNEDB & B17}}, <B>};
  reg signed [35:0] ra = 0, rb = 0, rp = 0;
  wire signed [35:0] p = (REG_INPUTA_CLK == "CLK0" ? ra : a) * (REG_INPUTB_CLK == "CLK0" ? rb : b);
  always @(posedge CLK0)
    if (RST0) begin ra <= 0; rb <= 0; rp <= 0; end
    else if (CE0) begin ra <= a; rb <= b; rp <= p; end
  assign {<P>} = REG_OUTPUT_CLK == "CLK0" ? rp : p;
endmodule
"""


def cell_models(yosys_data: Path) -> str:
    """Verilog of every cell that synthesis for ECP5 may leave.

    ``yosys_data``: the folder of Yosys's own files. Raises ToolError where they are missing.
    """
    folder = yosys_data / "ecp5"
    try:
        shipped = "\n".join((folder / name).read_text() for name in SHIPPED)
    except OSError as error:
        raise ToolError(f"Yosys's cell models are missing ({error}); reinstall Yosys") from None
    initvals = ", ".join(f"INITVAL_{k:02X}" for k in reversed(range(64)))
    ram = DP16KD.replace("<PORTS>", port("A", "B") + port("B", "A"))
    ram = ram.replace("<INITVALS = 0>", initvals.replace(",", " = 0,") + " = 0")
    ram = ram.replace("<INITVALS>", initvals)
    for name, bits in {"AD": 14, "DI": 18, "DO": 18}.items():
        for side in "AB":
            ram = ram.replace(f"<{name}{side}>", wires(name + side, bits))
    multiplier = MULT18X18D
    for name, bits in {"A": 18, "B": 18, "C": 18, "P": 36}.items():
        multiplier = multiplier.replace(f"<{name}>", wires(name, bits))
    return HEAD + shipped + ram + multiplier


def port(name: str, other: str) -> str:
    """One of a block RAM's two ports."""
    return PORT.replace("<P>", name).replace("<Q>", other)


def wires(name: str, bits: int) -> str:
    """The single wires of a vector, the highest first."""
    return ", ".join(f"{name}{bit}" for bit in reversed(range(bits)))
