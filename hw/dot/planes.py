"""Bit planes of weights: which ones a step of an engine processes, and where they come from."""

from dataclasses import dataclass, replace
from functools import reduce
from itertools import pairwise
from math import lcm

import numpy as np

from subbit.hw.contract.blocks import registers
from subbit.hw.contract.cost import Cost
from subbit.hw.contract.limits import SizeLimits
from subbit.hw.dot.source import (
    CodebookSource,
    Source,
    WordSource,
    better_dense,
    index_words,
    source_of,
    step_bits,
)
from subbit.hw.tables.packing import pack_elements
from subbit.hw.tables.parts import TableParts
from subbit.hw.tables.rom import period, rom_of
from subbit.sw.errors import PlanError
from subbit.sw.ir.arrays import Ints
from subbit.sw.ir.planes import branches_of
from subbit.sw.ir.weights import CodebookWeights, Weights

__all__ = [
    "PlaneGroups",
    "PlanesSource",
    "WeightSource",
    "has_large_table",
    "plane_groups",
    "planes_source",
    "spread_tables",
]

ZERO: Ints = np.zeros((), np.int64)


@dataclass(frozen=True, eq=False, kw_only=True)
class PlaneGroups:
    """Bit planes in groups of equally many; an engine takes one group after another. The weights
    are ``unit * sum over groups g, planes k of scales[k] * 2**(shifts from g on) * plane[g, k]``.

    ``groups``: the planes of each, lowest first; the group of the highest scales comes first.
    ``scales``: what each plane of a group counts relative to its lowest. ``shifts``: for each group
    but the last the power of two that it counts relative to the next one. ``unit``: the least
    scale.
    """

    groups: tuple[tuple[Weights, ...], ...]
    scales: tuple[int, ...]
    shifts: tuple[int, ...]
    unit: int

    @property
    def total(self) -> int:
        """The sum of all scales, in units: the greatest weight."""
        weight, total = 1, sum(self.scales)
        for shift in reversed(self.shifts):
            weight <<= shift
            total += weight * sum(self.scales)
        return total

    @property
    def dense(self) -> list[Ints]:
        """The weights that the planes of each group make, in order; their sum is the layer's."""
        factor, found = self.unit, []
        for group, shift in zip(self.groups[::-1], (0, *self.shifts[::-1]), strict=True):
            factor <<= shift
            pairs = zip(self.scales, group, strict=True)
            found.append(sum((factor * scale * plane.dense() for scale, plane in pairs), ZERO))
        return found[::-1]


def plane_groups(weights: Weights, at_once: int = 0) -> PlaneGroups:
    """Groups of ``at_once`` bit planes, 0 for all in one. Raises PlanError where the planes make no
    groups of that size with the same ratios.
    """
    planes = sorted(branches_of(weights), key=lambda branch: branch[0])
    size = at_once or len(planes)
    if size < 1 or len(planes) % size:
        raise PlanError(
            f"w_branches must divide the {len(planes)} bit planes of the weights, and {at_once} "
            "does not"
        )
    parts = [planes[at : at + size] for at in range(0, len(planes), size)]
    scales = [tuple(scale // part[0][0] for scale, _ in part) for part in parts]
    if len(set(scales)) > 1:
        row = ", ".join(str(scale) for scale, _ in planes)
        raise PlanError(
            f"w_branches={at_once} needs groups of bit planes with the same ratios, and the "
            f"scales {row} make none; take 1 or {len(planes)}"
        )
    lowest = [part[0][0].bit_length() for part in parts]
    shifts = [high - low for low, high in pairwise(lowest)]
    groups = tuple(tuple(plane for _, plane in part) for part in parts)
    return PlaneGroups(
        groups=groups[::-1], scales=scales[0], shifts=tuple(shifts[::-1]), unit=planes[0][0]
    )


@dataclass(frozen=True, eq=False, kw_only=True)
class PlanesSource:
    """Several weight sources side by side, each for some of the bit planes of a step.

    ``rows`` distinct outputs and ``simd`` positions a step; ``parts``: the sources; ``places``: of
    each part the places of its planes in the group. A part of fewer rows than the others repeats
    them; one that is faster is started later. Latency: that of the slowest part, in cycles.
    """

    rows: int
    simd: int
    parts: tuple[Source, ...]
    places: tuple[tuple[int, ...], ...]

    @property
    def planes(self) -> int:
        """Bit planes of a step."""
        return sum(map(len, self.places))

    @property
    def constant(self) -> bool:
        """Whether all weights are wires."""
        return all(part.constant for part in self.parts)

    @property
    def latency(self) -> int:
        """Cycles from a step to its weights: those of the slowest part."""
        return max(part.latency for part in self.parts)

    @property
    def cost(self) -> Cost:
        """Estimated cost after mapping."""
        delays = sum(self.latency - part.latency for part in self.parts)
        return sum((part.cost for part in self.parts), registers(delays))


WeightSource = Source | PlanesSource


def has_large_table(source: WeightSource, limits: SizeLimits) -> bool:
    """Whether a table of the source fills several block RAMs."""
    parts = source.parts if isinstance(source, PlanesSource) else (source,)
    return any(TableParts(part.rom, limits).is_large for part in parts)


def spread_tables(source: WeightSource, limits: SizeLimits) -> WeightSource:
    """The source for a large engine: its large tables stand in parts."""

    def in_parts(source: Source) -> Source:
        return replace(source, limits=limits) if isinstance(source, WordSource) else source

    if isinstance(source, PlanesSource):
        return replace(source, parts=tuple(map(in_parts, source.parts)))
    return in_parts(source)


def planes_source(groups: PlaneGroups, pe: int, simd: int, memory: str) -> WeightSource:
    """The source of the weights of all groups, for ``pe`` outputs and ``simd`` positions a step.

    Steps go through the words of a row in the first group, then in the next one, then through the
    passes. Plain planes of a step lie side by side in one memory. Raises PlanError where an
    encoding does not fit.
    """
    passes = zip(*groups.groups, strict=True)
    sources = [place_source(planes, pe, simd, memory) for planes in passes]
    parts: list[tuple[Source, tuple[int, ...]]] = []
    words = {place: s for place, s in enumerate(sources) if isinstance(s, WordSource)}
    for size in dict.fromkeys((s.rows, s.rom.depth) for s in words.values()):
        same = {at: s for at, s in words.items() if (s.rows, s.rom.depth) == size}
        parts.append((side_by_side(list(same.values()), memory), tuple(same)))
    parts += [(s, (place,)) for place, s in enumerate(sources) if not isinstance(s, WordSource)]
    found, places = zip(*parts, strict=True)
    if len(found) == 1:
        only: Source = found[0]
        return only
    return PlanesSource(
        rows=reduce(lcm, (part.rows for part in found)), simd=simd, parts=found, places=places
    )


def place_source(planes: tuple[Weights, ...], pe: int, simd: int, memory: str) -> Source:
    """The source of one place of the groups, whose planes are used in turn."""
    alone = [source_of(plane, pe, simd, memory) for plane in planes]
    if len(planes) == 1:
        return alone[0]
    codebooks = [plane for plane in planes if isinstance(plane, CodebookWeights)]
    if len(codebooks) == len(planes) and len({plane.tau for plane in codebooks}) == 1:
        source = codebook_passes(codebooks, pe, simd, memory)
        if source is not None:
            return source
    return word_steps(planes, reduce(lcm, (source.rows for source in alone)), pe, simd, memory)


def word_steps(
    planes: tuple[Weights, ...], rows: int, pe: int, simd: int, memory: str
) -> WordSource:
    """Whole words of all planes in one table, for each pass those of one plane after another."""
    passes = planes[0].shape[0] // pe
    table = []
    for plane in planes:
        bits = (plane.dense() > 0).astype(np.int64).reshape(passes, pe, -1)[:, :rows]
        words = step_bits(bits.reshape(passes * rows, -1), rows, simd)
        table.append(np.array(words, object).reshape(passes, -1))
    words = [int(word) for word in np.stack(table, axis=1).ravel()]
    return WordSource(rows=rows, simd=simd, rom=rom_of(words[: period(words)], rows * simd, memory))


def codebook_passes(
    planes: list[CodebookWeights], pe: int, simd: int, memory: str
) -> CodebookSource | None:
    """The indices of all planes in one table, and their codebooks; None where that is no gain."""
    passes, tau = planes[0].shape[0] // pe, planes[0].tau
    tables = [np.array(index_words(plane, pe, simd), object) for plane in planes]
    table = np.stack([rows.reshape(passes, -1) for rows in tables], axis=1)
    words, run = [int(word) for word in table.ravel()], table.shape[2]
    kernel = planes[0].codewords[0].size
    rom = rom_of(words[: period(words)], simd // kernel * pe * tau, memory)
    group_bits = (len(planes) - 1).bit_length()
    if better_dense(rom, kernel, tau + group_bits):
        return None
    codewords = np.zeros((1 << group_bits, 1 << tau, kernel), np.uint8)
    for turn, plane in enumerate(planes):
        codewords[turn] = plane.codewords.reshape(1 << tau, kernel)
    return CodebookSource(
        rows=pe,
        simd=simd,
        rom=rom,
        codewords=codewords.reshape(-1, kernel),
        codebooks=len(planes),
        run=run,
    )


def side_by_side(sources: list[WordSource], memory: str) -> WordSource:
    """Tables of one depth and as many rows as one table."""
    if len(sources) == 1:
        return sources[0]
    rows, simd = sources[0].rows, sources[0].simd
    columns = [source.rom.words for source in sources]
    words = [pack_elements(row, rows * simd) for row in zip(*columns, strict=True)]
    style = "logic" if all(source.rom.style == "logic" for source in sources) else memory
    rom = rom_of(words, rows * simd * len(sources), style)
    return WordSource(rows=rows, simd=simd, rom=rom, planes=len(sources))
