"""Names of cores: identifiers of Verilog that no tool mistakes for a word of the language."""

import re

from subbit.sw.errors import NetworkError

__all__ = ["core_name", "rename_modules"]

IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}")
WORDS = """
accept_on alias always always_comb always_ff always_latch and assert assign assume automatic
before begin bind bins binsof bit break buf bufif0 bufif1 byte case casex casez cell chandle
checker class clocking cmos config const constraint context continue cover covergroup coverpoint
cross deassign default defparam design disable dist do edge else end endcase endchecker endclass
endclocking endconfig endfunction endgenerate endgroup endinterface endmodule endpackage
endprimitive endprogram endproperty endsequence endspecify endtable endtask enum event
eventually expect export extends extern final first_match for force foreach forever fork
forkjoin function generate genvar global highz0 highz1 if iff ifnone ignore_bins illegal_bins
implements implies import incdir include initial inout input inside instance int integer
interconnect interface intersect join join_any join_none large let liblist library local
localparam logic longint macromodule matches medium modport module nand negedge nettype new
nexttime nmos nor noshowcancelled not notif0 notif1 null or output package packed parameter pmos
posedge primitive priority program property protected pull0 pull1 pulldown pullup
pulsestyle_ondetect pulsestyle_onevent pure rand randc randcase randsequence rcmos real realtime
ref reg reject_on release repeat restrict return rnmos rpmos rtran rtranif0 rtranif1 s_always
s_eventually s_nexttime s_until s_until_with scalared sequence shortint shortreal showcancelled
signed small soft solve specify specparam static string strong strong0 strong1 struct super
supply0 supply1 sync_accept_on sync_reject_on table tagged task this throughout time
timeprecision timeunit tran tranif0 tranif1 tri tri0 tri1 triand trior trireg type typedef union
unique unique0 unsigned until until_with untyped use uwire var vectored virtual void wait
wait_order wand weak weak0 weak1 while wildcard wire with within wor xnor xor
"""  # of Verilog-2005 and SystemVerilog-2017
KEYWORDS = frozenset(WORDS.split())


def core_name(name: str | None, network: str) -> str:
    """``name``, or one made from the network's; raises NetworkError where it is no identifier of
    Verilog, or one of its words.
    """
    if name is None:
        name = re.sub(r"[^a-z0-9]+", "_", network.lower()).strip("_")[:50]
        name = name if IDENTIFIER.fullmatch(name) and name not in KEYWORDS else f"net_{name}"
    if not IDENTIFIER.fullmatch(name):
        raise NetworkError(
            "the name of a core is 1 to 63 letters, digits and '_', starting with no digit, not "
            f"{name[:64]!r}"
        )
    if name.lower() in KEYWORDS:
        raise NetworkError(f"{name!r} is a word of Verilog; name the core in another way")
    return name


def rename_modules(verilog: str, name: str) -> str:
    """The text with plain names in place of the escaped ones of modules: ``\\name.a.b`` becomes
    ``name__a__b``, so that tools which split names at dots, or lose the escape, take it too.
    """
    renamed: dict[str, str] = {}

    def plain(match: re.Match[str]) -> str:
        """The new name of a module, which no other has."""
        old = match[1]
        if old not in renamed:
            new = re.sub(r"[^A-Za-z0-9_]", "_", old.replace(".", "__"))
            while new in renamed.values():
                new += "_"
            renamed[old] = new
        return f"{renamed[old]} "

    return re.sub(rf"\\({re.escape(name)}\.[^\s]+) ", plain, verilog)
