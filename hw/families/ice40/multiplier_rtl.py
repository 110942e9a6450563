"""An iCE40 UltraPlus multiplier, SB_MAC16, with its own registers and without its adders.

Yosys makes none of a product unless it is told to, and then of all products and of adders behind
them, as it finds them.
"""

from amaranth.hdl import Cat, ClockSignal, Const, Instance, Module, Signal, Value

__all__ = ["OPERAND_BITS", "add_multiplier"]

OPERAND_BITS, PRODUCT_BITS = 16, 32
UNUSED = (
    *("AHOLD", "BHOLD", "CHOLD", "DHOLD", "IRSTTOP", "IRSTBOT", "ORSTTOP", "ORSTBOT"),
    *("OLOADTOP", "OLOADBOT", "ADDSUBTOP", "ADDSUBBOT", "OHOLDTOP", "OHOLDBOT"),
    *("CI", "ACCUMCI", "SIGNEXTIN"),
)
PRODUCT = Const(3, 2)  # that of 16 x 16 bits goes to a half of the output


def add_multiplier(m: Module, a: Value, b: Value, product: Value) -> None:
    """``product`` is ``a * b`` of two cycles before: signed operands of up to 16 bits, and the low
    bits of their product.
    """
    out = Signal(PRODUCT_BITS, name="product")
    m.submodules += Instance(
        "SB_MAC16",
        **{f"p_{name}": Const(1, 1) for name in ("A_REG", "B_REG", "A_SIGNED", "B_SIGNED")},
        p_PIPELINE_16x16_MULT_REG2=Const(1, 1),
        p_TOPOUTPUT_SELECT=PRODUCT,
        p_BOTOUTPUT_SELECT=PRODUCT,
        i_CLK=ClockSignal(),
        i_CE=Const(1, 1),
        i_A=extended(a),
        i_B=extended(b),
        i_C=Const(0, OPERAND_BITS),
        i_D=Const(0, OPERAND_BITS),
        **{f"i_{name}": Const(0, 1) for name in UNUSED},
        o_O=out,
    )
    m.d.comb += product.eq(out[: len(product)])


def extended(operand: Value) -> Value:
    """The operand in all bits of a port."""
    return Cat(operand, operand[-1].replicate(OPERAND_BITS - len(operand)))
