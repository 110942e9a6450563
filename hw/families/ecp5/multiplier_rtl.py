"""An ECP5 multiplier, MULT18X18D, with its own registers.

Yosys makes one of every product by itself, but leaves the registers around it outside.
"""

from amaranth.hdl import ClockSignal, Const, Instance, Module, Value

__all__ = ["OPERAND_BITS", "add_multiplier"]

OPERAND_BITS = 18


def add_multiplier(m: Module, a: Value, b: Value, product: Value) -> None:
    """``product`` is ``a * b`` of two cycles before: signed operands of up to 18 bits, and the low
    bits of their product.
    """
    cell: dict[str, object] = {
        "p_REG_INPUTA_CLK": "CLK0",
        "p_REG_INPUTB_CLK": "CLK0",
        "p_REG_OUTPUT_CLK": "CLK0",
        "p_GSR": "DISABLED",
        "i_CLK0": ClockSignal(),
        "i_CE0": Const(1, 1),
        "i_RST0": Const(0, 1),
        "i_SIGNEDA": Const(1, 1),
        "i_SIGNEDB": Const(1, 1),
        "i_SOURCEA": Const(0, 1),
        "i_SOURCEB": Const(0, 1),
    }
    for name, operand in (("A", a), ("B", b)):
        for pin in range(OPERAND_BITS):
            cell[f"i_{name}{pin}"] = operand[min(pin, len(operand) - 1)]
    cell |= {f"i_C{pin}": Const(0, 1) for pin in range(OPERAND_BITS)}
    cell |= {f"o_P{pin}": product[pin] for pin in range(len(product))}
    m.submodules += Instance("MULT18X18D", **cell)
