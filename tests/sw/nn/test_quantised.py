"""Activations and weights of several bits: values, gradients, starts from a higher precision."""

import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from subbit.sw.errors import DataError, NetworkError
from subbit.sw.ir import BinaryWeights, CodebookWeights, Encoding, PlanesWeights, TiledWeights
from subbit.sw.nn.checkpoint import start_from
from subbit.sw.nn.codebook import CodebookEncoder
from subbit.sw.nn.encoders import PlainEncoder, TiledEncoder
from subbit.sw.nn.layers import (
    BinaryConv2d,
    CodedConv2d,
    CodedLinear,
    QuantActivation,
    QuantConv2d,
    QuantLinear,
    Range,
    Scale,
)
from subbit.sw.nn.quantised import PlanesEncoder, QuantEncoder
from subbit.sw.nn.ste import hard_sign
from subbit.sw.train.train import checkpoint_path, train_network

XS = [-2.0, -1.0, -0.67, -0.66, -0.01, 0.0, 0.1, 0.17, 0.5, 0.66, 0.67, 1.0, 5.0]
# bits, range, outputs for XS, and the slope between the ends of the range
STAIRS = [
    (1, Range.HARD_TANH, [-1, -1, -1, -1, -1, 1, 1, 1, 1, 1, 1, 1, 1], -1.0, 1),
    (2, Range.HARD_TANH, [-3, -3, -3, -1, -1, 1, 1, 1, 1, 1, 3, 3, 3], -1.0, 3),
    (2, Range.SHIFTED, [-3, -3, -3, -3, -3, -3, -3, -1, 1, 1, 1, 3, 3], 0.0, 6),
    (2, Range.UNSIGNED, [0, 0, 0, 0, 0, 0, 0, 1, 2, 2, 2, 3, 3], 0.0, 3),
    (2, Range.RELU, [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 3, 3, 3], 0.0, 3),
    (4, Range.HARD_TANH, [-15, -15, -11, -9, -1, 1, 1, 3, 7, 9, 11, 15, 15], -1.0, 15),
]


def quiet(bits: int, range: Range) -> QuantActivation:
    """An activation without the warning that belongs to its range."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return QuantActivation(bits, range)


class TestActivations:
    @pytest.mark.parametrize(("bits", "range", "wanted", "low", "slope"), STAIRS)
    def test_values_and_gradients(
        self, bits: int, range: Range, wanted: list[int], low: float, slope: int
    ) -> None:
        x = torch.tensor(XS, requires_grad=True)
        y = quiet(bits, range)(x)
        assert y.tolist() == wanted
        (2 * y).sum().backward()
        assert x.grad is not None
        inside = [2.0 * slope if low <= value <= 1 else 0.0 for value in XS]
        assert x.grad.tolist() == pytest.approx(inside)

    @pytest.mark.parametrize("bits", range(1, 9))
    @pytest.mark.parametrize("kind", Range)
    def test_codes_rise_and_fill_their_range(self, bits: int, kind: Range) -> None:
        activation = quiet(bits, kind)
        codes = activation.codes(activation(torch.linspace(-1.5, 1.5, 20_001)))
        assert (codes.diff() >= 0).all()
        first = 1 << (bits - 1) if kind is Range.RELU else 0
        assert codes.unique().tolist() == list(range(first, 1 << bits))

    def test_one_bit_is_the_sign(self) -> None:
        x = torch.randn(1000)
        assert torch.equal(QuantActivation(1)(x), hard_sign(x))

    def test_a_plain_relu_is_warned_of(self) -> None:
        with pytest.warns(UserWarning, match="its top bit is always 1; use the range hard-tanh"):
            QuantActivation(3, Range.RELU)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            QuantActivation(3, Range.SHIFTED)

    def test_refusals(self) -> None:
        for bits in (0, 9, 2.0):
            with pytest.raises(NetworkError, match="activations have 1 to 8 bits, not"):
                QuantActivation(bits)
        with pytest.raises(NetworkError, match=r"range of an activation is hard-tanh, .*'tanh'"):
            QuantActivation(2, "tanh")
        assert QuantActivation(2, Range.UNSIGNED).encoding is Encoding.UNSIGNED


class TestWeights:
    def test_values_and_gradients(self) -> None:
        encoder = QuantEncoder((1, 8), bits=2).eval()
        encoder.latent.data = torch.tensor([[-1.5, -1.0, -0.67, -0.66, -0.01, 0.0, 0.66, 0.67]])
        weights, factors = encoder()
        assert weights.tolist() == [[-3, -3, -3, -1, -1, 1, 1, 3]]
        assert factors.tolist() == pytest.approx([1 / 3])
        (weights * factors).sum().backward()
        assert encoder.latent.grad is not None
        assert encoder.latent.grad.tolist() == [pytest.approx([0, 1, 1, 1, 1, 1, 1, 1])]

    def test_latents_stay_within_one_in_training(self) -> None:
        encoder = QuantEncoder((1, 3), bits=3).train()
        encoder.latent.data = torch.tensor([[-1.5, 0.5, 2.0]])
        weights, _ = encoder()
        weights.sum().backward()
        assert encoder.latent.tolist() == [[-1, 0.5, 1]]
        assert encoder.latent.grad is not None
        assert encoder.latent.grad.tolist() == [[7, 7, 7]]

    @pytest.mark.parametrize("bits", range(1, 9))
    def test_planes_add_up_to_the_trained_integers(self, bits: int) -> None:
        torch.manual_seed(bits)
        encoder = QuantEncoder((40, 30), bits=bits)
        encoder.latent.data *= 3
        weights = encoder.weights()
        assert torch.equal(torch.from_numpy(weights.dense()).float(), encoder()[0])
        assert weights.stored_bits == bits * 1200
        assert isinstance(weights, BinaryWeights if bits == 1 else PlanesWeights)
        assert np.abs(weights.dense()).max() == (1 << bits) - 1

    def test_planes_in_other_encodings(self) -> None:
        shape = (8, 4, 3, 3)
        planes = [
            TiledEncoder(shape, repeats=4, min_size=1),
            CodebookEncoder(shape, tau=3),
            PlainEncoder(shape),
        ]
        encoder = PlanesEncoder(planes)
        weights = encoder.weights()
        kinds = [type(plane) for plane in weights.planes]
        assert kinds == [TiledWeights, CodebookWeights, BinaryWeights]
        total, factors = encoder()
        assert torch.equal(torch.from_numpy(weights.dense()).float(), total)
        assert factors.tolist() == pytest.approx([1 / 7] * 8)
        total.sum().backward()
        assert planes[0].scores.grad.unique().tolist() == [1]
        assert planes[1].latent.grad.unique().tolist() == [2]
        assert planes[2].latent.grad.unique().tolist() == [4]

    def test_refusals(self) -> None:
        for bits in (0, 9):
            with pytest.raises(NetworkError, match=f"weights have 1 to 8 bits, not {bits}"):
                QuantConv2d(2, 2, bits=bits)
        with pytest.raises(NetworkError, match="planes have one shape"):
            PlanesEncoder([PlainEncoder((2, 4)), PlainEncoder((4, 2))])
        with pytest.raises(NetworkError, match="5 repeats must divide the 2 outputs"):
            PlanesEncoder([TiledEncoder((2, 5), repeats=5, min_size=1)])
        with pytest.raises(NetworkError, match="weights have 1 to 8 bits, not 0"):
            PlanesEncoder([])


def test_dot_products_beyond_float32_are_rounded_once() -> None:
    torch.manual_seed(1)
    layer = QuantLinear(4001, 3, bits=8).eval()
    layer.encoder.latent.data.uniform_(0.9, 1)
    x = 2.0 * torch.randint(120, 128, (50, 4001)) + 1
    weights = layer.encoder()[0].detach()
    exact = (x.double() @ weights.double().T).float()
    assert exact.max() > 1 << 26
    assert torch.equal(layer.exact_dot(x, weights), exact)
    assert not torch.equal(layer.dot(x, weights).detach(), exact)


class TestProgressiveStart:
    def test_every_precision_starts_from_the_same_latents(self) -> None:
        torch.manual_seed(1)
        high = nn.Sequential(QuantConv2d(3, 8, bits=4), nn.BatchNorm2d(8), Scale(0.1, 1 / 15))
        high[0].encoder.latent.data *= 2
        high[1].weight.data.uniform_()
        high[2].log.data.fill_(0.7)
        for first, absent in (
            (QuantConv2d(3, 8, bits=2), 0),
            (BinaryConv2d(3, 8), 0),
            (CodedConv2d(CodebookEncoder((8, 3, 3, 3), tau=4)), 3),
        ):
            low = nn.Sequential(first, nn.BatchNorm2d(8), Scale(0.1, 1 / 3))
            left_out = start_from(low, high.state_dict())
            assert torch.equal(low[0].encoder.latent, high[0].encoder.latent)
            assert torch.equal(low[1].weight, high[1].weight)
            assert low[2](torch.tensor(3.0)).item() == pytest.approx(float(torch.tensor(0.7).exp()))
            assert len(left_out) == absent
        assert low[0].encoder.latent is not high[0].encoder.latent

    def test_the_top_bits_of_the_codes_are_kept(self) -> None:
        high, low = QuantEncoder((50, 40), bits=4), QuantEncoder((50, 40), bits=2)
        start_from(CodedLinear(low), CodedLinear(high).state_dict())
        # The grids' steps are 2/15 and 2/3, so a weight moves by half of each at most.
        gap = (low()[0] / 3 - high()[0] / 15).abs().max()
        assert gap <= 1 / 3 + 1 / 15 + 1e-6

    def test_modules_of_another_kind_are_refused(self) -> None:
        with pytest.raises(DataError, match=r"'encoder.latent' has the shape \(8, 3, 3, 3\)"):
            start_from(QuantConv2d(4, 8, bits=2), QuantConv2d(3, 8, bits=4).state_dict())
        with pytest.raises(DataError, match="no weights in common"):
            start_from(QuantConv2d(4, 8, bits=2), nn.BatchNorm2d(3).state_dict())

    def test_runs_start_from_a_kept_checkpoint(self, tmp_path: Path) -> None:
        first, second = tmp_path / "first.safetensors", tmp_path / "second.safetensors"
        train_network("digits-plain", first, epochs=2, keep_checkpoint=True)
        start = checkpoint_path(first)
        plain = train_network("digits-codebook", second, epochs=1)
        result = train_network("digits-codebook", second, epochs=1, start=start)
        assert result.accuracy > plain.accuracy
        told = result.network.metadata["training"]
        assert told["started_from"] == "digits-plain, epochs 2, seed 1"
        assert told["command"].endswith("--seed 1 --start first.checkpoint")
        assert "started_from" not in plain.network.metadata["training"]
        assert start.exists()
        assert not checkpoint_path(second).exists()
        with pytest.raises(DataError, match="has the shape"):
            train_network("digits-residual", second, epochs=1, start=start)
        with pytest.raises(DataError, match=r"no checkpoint .*none.checkpoint to start from"):
            train_network("digits-plain", second, start=tmp_path / "none.checkpoint")
        start.write_bytes(b"garbage")
        with pytest.raises(DataError, match="is no checkpoint"):
            train_network("digits-plain", second, start=start)
