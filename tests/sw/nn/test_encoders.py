"""The rules of the three weight encodings in training, and the gradients of the signs."""

import numpy as np
import pytest
import torch

from subbit.sw.errors import NetworkError
from subbit.sw.ir import BinaryWeights, TiledWeights
from subbit.sw.nn.codebook import REFINE_EVERY, CodebookEncoder, draw_codewords, numbers_of
from subbit.sw.nn.encoders import PlainEncoder, TiledEncoder
from subbit.sw.nn.ste import approx_sign, clipped_sign, hard_sign

EDGES = [-2.0, -1.0, -0.5, 0.0, 0.25, 1.0, 1.5]


class TestSigns:
    def test_sign_of_zero_is_plus_one(self) -> None:
        assert hard_sign(torch.tensor(EDGES)).tolist() == [-1, -1, -1, 1, 1, 1, 1]
        assert hard_sign(torch.tensor([-0.0])).item() == 1

    def test_approximate_gradient(self) -> None:
        x = torch.tensor(EDGES, requires_grad=True)
        (approx_sign(x) * 3).sum().backward()
        assert x.grad is not None
        assert x.grad.tolist() == [0, 0, 3, 6, 4.5, 0, 0]

    def test_clipped_gradient_includes_the_ends(self) -> None:
        x = torch.tensor(EDGES, requires_grad=True)
        clipped_sign(x).sum().backward()
        assert x.grad is not None
        assert x.grad.tolist() == [0, 1, 1, 1, 1, 1, 0]


class TestPlain:
    def test_factor_is_the_mean_magnitude_and_has_no_gradient(self) -> None:
        encoder = PlainEncoder((2, 4))
        encoder.latent.data = torch.tensor([[0.5, -0.5, 1.0, 0.0], [0.1, 0.1, -0.1, 0.1]])
        signs, factors = encoder()
        assert signs.tolist() == [[1, -1, 1, 1], [1, 1, -1, 1]]
        assert factors.tolist() == pytest.approx([0.5, 0.1])
        assert not factors.requires_grad
        assert encoder.weights() == BinaryWeights(np.array([[1, 0, 1, 1], [1, 1, 0, 1]]))

    def test_shared_factor(self) -> None:
        encoder = PlainEncoder((2, 2), shared=True)
        encoder.latent.data = torch.tensor([[0.5, -0.5], [0.25, 0.25]])
        assert encoder()[1].tolist() == [0.375, 0.375]


class TestCodebook:
    def test_first_codewords_are_distinct_and_seeded(self) -> None:
        words = draw_codewords(256, torch.Generator().manual_seed(3))
        assert set(words.unique().tolist()) == {-1.0, 1.0}
        assert len(numbers_of(words).unique()) == 256
        assert torch.equal(words, draw_codewords(256, torch.Generator().manual_seed(3)))
        assert not torch.equal(words, draw_codewords(256, torch.Generator().manual_seed(4)))

    def test_kernels_take_the_nearest_codeword(self) -> None:
        encoder = CodebookEncoder((6, 5, 3, 3), tau=3)
        signs, factors = encoder()
        for out in range(6):
            for channel in range(5):
                kernel = encoder.latent[out, channel].reshape(9)
                distances = (encoder.memory - kernel).square().sum(1)
                nearest = encoder.memory[distances.argmin()]
                assert torch.equal(signs[out, channel].reshape(9), nearest)
        assert torch.allclose(factors, encoder.latent.abs().mean((1, 2, 3)))
        assert not factors.requires_grad
        dense = torch.from_numpy(encoder.weights().dense())
        assert torch.equal(dense.float(), signs.detach())

    def test_gradient_reaches_latent_within_one_and_patterns_every_25th_step(self) -> None:
        encoder = CodebookEncoder((4, 3, 3, 3), tau=2)
        encoder.latent.data[0, 0, 0, :] = torch.tensor([1.5, -1.5, 1.0])
        upstream = torch.randn(4, 3, 3, 3)
        for step in range(1, 2 * REFINE_EVERY + 1):
            encoder.zero_grad()
            (encoder()[0] * upstream).sum().backward()
            inside = encoder.latent.detach().abs() <= 1
            assert encoder.latent.grad is not None
            assert torch.equal(encoder.latent.grad, upstream * inside)
            assert (encoder.patterns.grad is not None) == (step % REFINE_EVERY == 0)
        wanted = torch.zeros(4, 9)
        wanted.index_add_(0, encoder.assign().reshape(-1), upstream.reshape(-1, 9))
        assert encoder.patterns.grad is not None
        assert torch.allclose(encoder.patterns.grad, wanted, atol=1e-6)

    def test_memory_keeps_signs_in_the_dead_zone(self) -> None:
        encoder = CodebookEncoder((4, 4, 3, 3), tau=2)
        before = encoder.memory.clone()
        encoder.patterns.data[1] = -before[1] * 0.5
        encoder.patterns.data[2] = -before[2] * 0.0009
        encoder.patterns.data[3] = before[3] * 5
        encoder()
        assert torch.equal(encoder.memory[1], -before[1])
        assert torch.equal(encoder.memory[2:], before[2:])
        assert encoder.patterns.abs().max() == 3
        assert "memory" in encoder.state_dict()

    def test_duplicates_become_fresh_kernels(self) -> None:
        encoder = CodebookEncoder((4, 4, 3, 3), tau=4)
        encoder.patterns.data[5] = encoder.patterns.data[2]
        encoder.patterns.data[9] = encoder.patterns.data[2]
        before = encoder.memory.clone()
        encoder()
        assert len(numbers_of(encoder.memory).unique()) == 16
        kept = [row for row in range(16) if row not in (5, 9)]
        assert torch.equal(encoder.memory[kept], before[kept])
        assert torch.equal(encoder.patterns.detach().sign(), encoder.memory)
        settled = encoder.memory.clone()
        encoder.settle()
        assert torch.equal(encoder.memory, settled)

    def test_evaluation_counts_no_steps(self) -> None:
        encoder = CodebookEncoder((4, 4, 3, 3), tau=2).eval()
        encoder()
        assert encoder.steps == 0

    @pytest.mark.parametrize(("shape", "tau"), [((4, 4, 5, 5), 4), ((4, 4, 3, 3), 9), ((4, 4), 2)])
    def test_what_has_no_codebook(self, shape: tuple[int, ...], tau: int) -> None:
        with pytest.raises(NetworkError, match="3x3 kernels with tau 1 to 8"):
            CodebookEncoder(shape, tau=tau)


class TestTiled:
    def test_tile_is_the_sign_of_the_sum_and_zero_is_minus_one(self) -> None:
        encoder = TiledEncoder((4, 2), repeats=2, min_size=1)
        encoder.scores.data = torch.tensor([[1.0, -3], [0.5, 2], [-1, 1], [0.5, 3]])
        encoder.magnitudes.data = torch.tensor([[1.0, -1], [1, 1], [0.5, -0.5], [0, 0]])
        signs, factors = encoder()
        assert encoder.tile().tolist() == [-1, -1, 1, 1]
        assert signs.tolist() == [[-1, -1], [1, 1], [-1, -1], [1, 1]]
        assert factors.tolist() == [1, 1, 0.25, 0.25]
        assert encoder.weights() == TiledWeights((4, 2), np.array([0, 0, 1, 1]), np.array([1, 1]))

    def test_gradient_is_the_identity_to_scores_and_that_of_the_mean_to_magnitudes(self) -> None:
        encoder = TiledEncoder((4, 2), repeats=2, min_size=1)
        encoder.scores.data *= 100
        upstream = torch.randn(4, 2)
        signs, factors = encoder()
        (signs * upstream).sum().backward()
        assert encoder.scores.grad is not None
        assert torch.equal(encoder.scores.grad, upstream)
        factors[:2].sum().backward()
        wanted = encoder.magnitudes.detach().sign() * torch.tensor([[0.5], [0.5], [0], [0]])
        assert encoder.magnitudes.grad is not None
        assert torch.allclose(encoder.magnitudes.grad, wanted)

    def test_small_layers_stay_plain(self) -> None:
        encoder = TiledEncoder((4, 2), repeats=2, min_size=9)
        assert encoder.repeats == 1
        assert isinstance(encoder.weights(), BinaryWeights)

    @pytest.mark.parametrize("bits", [1, 3, 8])
    def test_rows_that_cross_repeats_have_integer_scales(self, bits: int) -> None:
        torch.manual_seed(bits)
        encoder = TiledEncoder((3, 8), repeats=4, min_size=1, scale_bits=bits)
        encoder.magnitudes.data *= torch.tensor([1.0, 2, 3]).reshape(3, 1)
        weights, factors = encoder()
        exported = encoder.weights()
        assert isinstance(exported, TiledWeights)
        assert torch.equal(weights.detach().long(), torch.from_numpy(exported.dense()))
        assert exported.scales.max() == (1 << bits) - 1
        assert len(factors.unique()) == 1
        real = encoder.factors().detach().repeat_interleave(6).reshape(3, 8) * weights.sign()
        step = encoder.factors().max() / ((1 << bits) - 1)
        if bits > 1:
            assert (weights * factors[:, None] - real).abs().max() <= step / 2 + 1e-6
            assert encoder.scale_error() < 0.5

    def test_repeats_must_divide(self) -> None:
        with pytest.raises(NetworkError, match="3 repeats of a tile do not divide the 8 weights"):
            TiledEncoder((4, 2), repeats=3, min_size=1)
