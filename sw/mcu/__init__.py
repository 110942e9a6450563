"""Networks as C99 for microcontrollers."""

from subbit.sw.mcu.export import CExport, export_c

__all__ = ["CExport", "export_c"]
