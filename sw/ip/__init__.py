"""Networks as IP cores: folders of Verilog with buses, a datasheet and a bench."""

from subbit.sw.ip.export import IpExport, export_ip

__all__ = ["IpExport", "export_ip"]
