"""From a trained module to a Network: every real factor becomes an integer threshold, exactly."""

import copy
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from subbit.sw.errors import NetworkError
from subbit.sw.ir import (
    Argmax,
    Conv2d,
    Flatten,
    Layer,
    Linear,
    MaxPool2d,
    Network,
    TensorType,
    Threshold,
)
from subbit.sw.nn import layers as nn_layers
from subbit.sw.nn.encoders import TiledEncoder
from subbit.sw.nn.fold import fold_affine, fold_threshold, is_common_scale

__all__ = ["export", "run_module"]

ELEMENTWISE = (_BatchNorm, nn_layers.Scale, nn.Identity, nn.Dropout, nn.Dropout2d)
BATCH = 500


def export(
    module: nn.Module,
    input_type: TensorType,
    name: str,
    metadata: dict[str, Any] | None = None,
    *,
    codes: NDArray[np.uint8] | None = None,
) -> Network:
    """The Network that computes what ``module`` does in eval mode, ending in an argmax.

    ``module``: an nn.Sequential of the layers of subbit.sw.nn.layers and torch's BatchNorm; pooling
    stands after the sign or between it and its dot product, not between two BatchNorms. ``codes``
    ``[n][h][w][c]`` are the test set, on which the order of the logits decides the width of a last
    Affine. Every binary activation is the same for every input: thresholds come from evaluating the
    module's own arithmetic. What the export had to choose stands in the network's metadata under
    ``export``.

    Raises NetworkError for a module that it cannot convert, naming it, and for NaN or infinite
    parameters.
    """
    check_finite(module)
    was_training = module.training
    module.eval()
    try:
        with torch.no_grad():
            builder = Builder(input_type, module, codes)
            for step in unrolled(module):
                builder.add(step)
            builder.finish()
    finally:
        module.train(was_training)
    notes = {**(metadata or {}), "export": builder.notes}
    return Network.chain(name, input_type, builder.layers, notes)


def unrolled(module: nn.Module) -> Iterator[nn.Module]:
    """The modules of nested Sequentials, one after the other."""
    if isinstance(module, nn.Sequential):
        for child in module:
            yield from unrolled(child)
    else:
        yield module


def check_finite(module: nn.Module) -> None:
    """Raise NetworkError if a parameter or buffer is NaN or infinite."""
    for name, value in module.state_dict().items():
        if not torch.isfinite(value).all():
            raise NetworkError(
                f"parameter {name!r} holds NaN or infinite numbers; "
                "train again with a lower learning rate"
            )


def run_module(module: nn.Module, codes: NDArray[np.uint8]) -> Tensor:
    """The output of ``module`` for codes ``[n][h][w][c]``, in batches, without gradients."""
    batches = torch.split(torch.from_numpy(np.ascontiguousarray(codes)), BATCH)
    with torch.no_grad():
        return torch.cat([module(batch.permute(0, 3, 1, 2).float()) for batch in batches])


class Builder:
    """The layers of a network so far, and the real arithmetic since the last dot product."""

    def __init__(
        self, input_type: TensorType, module: nn.Module, codes: NDArray[np.uint8] | None
    ) -> None:
        self.type, self.module, self.codes = input_type, module, codes
        self.layers: dict[str, Layer] = {}
        self.notes: dict[str, Any] = {}
        self.dot: nn_layers.DotLayer | None = None
        self.dot_name = ""
        self.tail: list[nn.Module] = []
        self.pooled_tail: int | None = None
        self.counts = {"conv": 0, "fc": 0}

    def put(self, name: str, layer: Layer) -> None:
        """Append a layer."""
        if name in self.layers:
            raise NetworkError(f"there are two {name!r}: a block has one pooling and one sign")
        self.layers[name] = layer
        self.type = layer.infer((self.type,))

    def add(self, module: nn.Module) -> None:
        """Convert the next module."""
        kinds: list[tuple[Any, Callable[[Any], None]]] = [
            (nn_layers.DotLayer, self.add_dot),
            (ELEMENTWISE, self.add_elementwise),
            (nn_layers.SignActivation, self.add_sign),
            ((nn_layers.MaxPool2d, nn.MaxPool2d), self.add_pool),
            (nn_layers.Flatten, self.add_flatten),
        ]
        for kind, convert in kinds:
            if isinstance(module, kind):
                return convert(module)
        hint = "; use subbit.sw.nn.layers.Flatten" if isinstance(module, nn.Flatten) else ""
        raise NetworkError(
            f"cannot export {type(module).__name__}: networks are made of the layers "
            f"in subbit.sw.nn.layers and BatchNorm{hint}"
        )

    def add_dot(self, module: nn_layers.DotLayer) -> None:
        """A convolution or linear layer."""
        if self.dot is not None:
            raise NetworkError(f"there is no SignActivation after {self.dot_name!r}; put one there")
        convolution = isinstance(module, nn_layers.CodedConv2d)
        kind = "conv" if convolution else "fc"
        self.counts[kind] += 1
        self.dot, self.dot_name = module, f"{kind}{self.counts[kind]}"
        self.tail, self.pooled_tail = [], None
        weights = module.encoder.weights()
        if isinstance(module, nn_layers.CodedConv2d):
            self.put(self.dot_name, Conv2d(weights, module.stride, module.padding))
        else:
            self.put(self.dot_name, Linear(weights))
        if isinstance(module.encoder, TiledEncoder) and not module.encoder.rows_shared:
            self.notes.setdefault("tile_scale_error", {})[self.dot_name] = round(
                module.encoder.scale_error(), 6
            )

    def add_elementwise(self, module: nn.Module) -> None:
        """BatchNorm or a scale, to be folded."""
        if self.dot is None:
            raise NetworkError(f"{type(module).__name__} must follow a convolution or linear layer")
        if self.pooled_tail:
            raise NetworkError(
                "put max pooling behind the last BatchNorm of its block, not between"
            )
        self.tail.append(module)

    def add_pool(self, module: nn.Module) -> None:
        """2x2 pooling: behind the sign, where it handles one bit a channel, if that is the same.

        The greatest of some numbers has the sign +1 exactly if one of them has.
        """
        if isinstance(module, nn.MaxPool2d) and not is_plain_pool(module):
            raise NetworkError("max pooling is 2x2 with stride 2 and no padding; change the module")
        if self.dot is not None:
            if self.pooled_tail is not None:
                raise NetworkError(f"{self.dot_name!r} is pooled twice before its sign")
            self.pooled_tail = len(self.tail)
        else:
            self.put_pool()

    def put_pool(self) -> None:
        """Append the pooling of the last convolution."""
        self.put(f"pool{self.counts['conv']}", MaxPool2d())

    def add_flatten(self, module: nn.Module) -> None:
        """Flatten."""
        if self.dot is not None:
            raise NetworkError(f"put Flatten behind the sign of {self.dot_name!r}")
        self.put("flatten", Flatten())

    def add_sign(self, module: nn.Module) -> None:
        """Fold the real arithmetic since the dot product into thresholds."""
        if self.dot is None:
            raise NetworkError("SignActivation must follow a convolution or linear layer")
        number = self.dot_name.removeprefix("conv")
        name = f"act{number}" if number.isdigit() else f"act_{number}"
        layer = self.threshold()
        if self.pooled_tail == 0 and not layer.rising.all():
            # The greatest integer is not the greatest code where a channel's code falls.
            self.put_pool()
            self.pooled_tail = None
        self.put(name, layer)
        if self.pooled_tail is not None:
            self.put_pool()
        self.dot = None

    def threshold(self) -> Threshold:
        """The threshold layer of the present block."""
        assert self.dot is not None
        return fold_threshold(real_part(self.dot, self.tail), self.type)

    def finish(self) -> None:
        """Fold what follows the last dot product into an Affine where the order depends on it;
        append the argmax.
        """
        if self.dot is None:
            raise NetworkError("the last layer must be a convolution or linear layer without sign")
        if self.pooled_tail is not None:
            raise NetworkError("logits cannot be pooled; put a sign before the pooling")
        exact = real_part(
            copy.deepcopy(self.dot).double(), [copy.deepcopy(m).double() for m in self.tail]
        )
        if not is_common_scale(exact, self.type):
            self.put_affine(exact)
        self.put("argmax", Argmax())

    def put_affine(self, exact: Callable[[Tensor], Tensor]) -> None:
        """Append the Affine layer that keeps the order of the logits."""
        logits, dots = self.calibration()
        fit = fold_affine(exact, self.type, logits, dots)
        self.notes["affine"] = {
            "scale_bits": fit.scale_bits,
            "orders_kept": fit.kept,
            "images": fit.images,
        }
        self.put("affine", fit.layer)

    def calibration(self) -> tuple[NDArray[np.float64] | None, NDArray[np.int64] | None]:
        """The module's logits on the test set and the last dot products that they come from."""
        if self.codes is None:
            return None, None
        seen: list[Tensor] = []
        assert self.dot is not None
        hook = self.dot.register_forward_hook(
            lambda layer, x, y: seen.append(integer_dots(layer, *x))
        )
        try:
            logits = run_module(self.module, self.codes)
        finally:
            hook.remove()
        return logits.flatten(1).double().numpy(), torch.cat(seen).flatten(1).long().numpy()


def integer_dots(layer: nn_layers.DotLayer, x: Tensor) -> Tensor:
    """The integer dot products of a layer."""
    return layer.dot(x, layer.encoder()[0]).round()


def real_part(dot: nn_layers.DotLayer, tail: list[nn.Module]) -> Callable[[Tensor], Tensor]:
    """The module's real arithmetic from integer dot products on, for one value per channel."""
    weights, factors = dot.encoder()
    sides = (1, -1, 1, 1) if isinstance(dot, nn_layers.CodedConv2d) else (1, -1)

    def real(dots: Tensor) -> Tensor:
        x = dot.apply_factors(dots.to(weights.dtype).reshape(sides), factors)
        for module in tail:
            x = module(x)
        return x.reshape(-1)

    return real


def is_plain_pool(module: nn.MaxPool2d) -> bool:
    """Whether torch's pooling is the hardware's."""
    options = (module.kernel_size, module.stride, module.padding, module.dilation)
    return not module.ceil_mode and all(
        given in (wanted, (wanted, wanted))
        for given, wanted in zip(options, (2, 2, 0, 1), strict=True)
    )
