"""Modules that torch.ao prepared for quantisation-aware training, with their fake quantisers."""

import copy
from typing import Any

import numpy as np
from torch import Tensor, nn
from torch.ao.quantization.fake_quantize import FakeQuantizeBase

from subbit.sw.errors import NetworkError
from subbit.sw.importers.exact.network_builder import NetworkBuilder
from subbit.sw.importers.exact.op import Op
from subbit.sw.importers.exact.value import Const, Value
from subbit.sw.importers.torch.choice_rules import fake_quantise

__all__ = ["explicit", "fake_quantised", "weights_of_module"]

HOOKED = "activation_post_process"


def explicit(module: nn.Module) -> nn.Module:
    """A copy in which each fake quantiser that torch.ao hangs behind a module as a hook is the next
    module in a Sequential, and no observer moves a range; the module itself where there is none.
    """
    if not any(isinstance(part, FakeQuantizeBase) for part in module.modules()):
        return module
    made = nn.Sequential(copy.deepcopy(module))
    for part in list(made.modules()):
        if isinstance(part, FakeQuantizeBase):
            part.disable_observer()
    for name, part in list(made.named_modules()):
        found = getattr(part, HOOKED, None)
        if not isinstance(found, FakeQuantizeBase) or isinstance(part, FakeQuantizeBase):
            continue
        delattr(part, HOOKED)
        part._forward_hooks.clear()
        parent, _, last = name.rpartition(".")
        setattr(made.get_submodule(parent), last, nn.Sequential(part, found))
    return made


def limits(module: FakeQuantizeBase) -> tuple[Tensor, Tensor, int, int]:
    """Scales, zero points, and the least and the greatest integer."""
    parts: Any = module
    return parts.scale, parts.zero_point, int(parts.quant_min), int(parts.quant_max)


def is_on(module: FakeQuantizeBase) -> bool:
    """Whether the fake quantiser does anything."""
    return bool(module.fake_quant_enabled[0])


def fake_quantised(
    builder: NetworkBuilder, op: Op, module: FakeQuantizeBase, value: Value
) -> Value:
    """A fake quantiser of activations."""
    scale, zero, least, greatest = limits(module)
    if not is_on(module):
        return value
    if scale.numel() != 1:
        raise op.refuse("it has a scale for each channel", "quantise activations with one scale")
    return fake_quantise(builder, op, value, float(scale), int(zero), least, greatest)


def weights_of_module(module: nn.Module) -> Const | None:
    """The integer weights of a module of torch.ao and their scale; None for any other module.

    Raises NetworkError for one that torch.ao fused of several, which computes more than its name.
    """
    if type(module).__module__.startswith("torch.ao.nn.intrinsic"):
        raise NetworkError(
            "torch.ao fused it of several layers; prepare the network without fuse_modules"
        )
    found = getattr(module, "weight_fake_quant", None)
    weight = getattr(module, "weight", None)
    if (
        not isinstance(found, FakeQuantizeBase)
        or not isinstance(weight, Tensor)
        or not is_on(found)
    ):
        return None
    scale, zero, least, greatest = limits(found)
    shape = (-1, *[1] * (weight.ndim - 1))
    steps, places = scale.detach().reshape(shape), zero.detach().reshape(shape)
    # As torch computes it: the quotient as a product with the inverse, half to even.
    integers = (weight.detach() * (1.0 / steps)).round() + places
    integers = integers.clamp(least, greatest) - places
    whole = np.broadcast_to(steps.numpy(), tuple(weight.shape))
    return Const(integers.numpy(), np.ascontiguousarray(whole, np.float32))
