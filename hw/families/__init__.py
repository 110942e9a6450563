"""What only one FPGA family has, a folder each, behind one interface."""
