"""Units: what every hardware component is made from, known without Amaranth: shapes, cycles,
reference function.
"""
