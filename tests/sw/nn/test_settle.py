"""Statistics of batch normalisation, measured anew."""

import torch
from torch import nn

from subbit.sw.nn.layers import BatchNorm, BinaryConv2d, SignActivation
from subbit.sw.nn.settle import settle


def test_statistics_are_those_of_the_batches() -> None:
    torch.manual_seed(1)
    module = nn.Sequential(
        BinaryConv2d(1, 4), BatchNorm(4), SignActivation(), BinaryConv2d(4, 3), BatchNorm(3)
    )
    codes = torch.randint(200, 256, (96, 1, 7, 7)).float()
    weights = {name: value.clone() for name, value in module.named_parameters()}
    settle(module, codes, 32)
    for name, value in module.named_parameters():
        assert torch.equal(value, weights[name])
    assert not module.training
    assert [part.momentum for part in module if isinstance(part, BatchNorm)] == [0.1, 0.1]
    dots = module[0](codes)
    parts = [dots[number::3] for number in range(3)]
    mean = torch.stack([part.mean((0, 2, 3)) for part in parts]).mean(0)
    spread = torch.stack([part.var((0, 2, 3)) for part in parts]).mean(0)
    assert torch.allclose(module[1].running_mean, mean, rtol=1e-5)
    assert torch.allclose(module[1].running_var, spread, rtol=1e-4)
    normed = module[1](dots)
    assert normed.mean((0, 2, 3)).abs().max() < 1e-3
    before = module[4].running_mean.clone()
    settle(module, codes[:5], 32)
    assert not torch.equal(module[4].running_mean, before)
