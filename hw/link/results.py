"""What stands between a network's output and the host link, which takes a number a beat."""

from subbit.hw.contract.blocks import counter_cost, luts
from subbit.hw.contract.cost import Cost
from subbit.hw.contract.unit import Lanes
from subbit.hw.layers.argmax import ArgmaxUnit
from subbit.hw.link.logits import ends_in_class, link_fault, logits_type
from subbit.hw.streams.width import DownsizeUnit
from subbit.sw.ir.network import Network

__all__ = ["left_out", "results_cost"]


def left_out(*, lanes: int, beats: int) -> list[bool]:
    """Which elements of a frame's results are not passed on, of ``beats`` beats of ``lanes``
    elements: the class so far, which ends each beat but the last.
    """
    last = lanes * beats - 1
    return [place % lanes == lanes - 1 and place != last for place in range(lanes * beats)]


def results_cost(network: Network, o: Lanes) -> Cost:
    """What brings results of payload ``o`` to the link one by one: nothing for those of an argmax
    of one lane; for logits, and for maps, an argmax of their own as well. Nothing where a board
    cannot answer.
    """
    if link_fault(network):
        return Cost()
    logits = logits_type(network).channels
    if ends_in_class(network):
        if o.lanes == 1:
            return Cost()
        beats = logits // (o.lanes - 1)
        split = DownsizeUnit(element=o, ratio=o.lanes, beats=beats).cost()
        tables = [left_out(lanes=o.lanes, beats=beats)]
        return split + counter_cost(o.lanes * beats, tables) + luts(2)
    argmax = ArgmaxUnit(input=logits_type(network)).cost()
    if o.lanes == 1:
        return argmax
    return argmax + DownsizeUnit(element=o, ratio=o.lanes, beats=logits // o.lanes).cost()
