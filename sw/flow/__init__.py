"""From a design to a bitstream with open tools."""
