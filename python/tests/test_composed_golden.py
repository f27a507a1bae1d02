"""The golden suite through the composed path of PyTorch."""

from __future__ import annotations

import dataclasses

import golden
import numpy as np
import pytest
import torch
from golden import COMPOSED

from klados.torch import HierarchicalLoss

# The same in float64: an error of some units in the last place of the largest logit, and these are up to 1e4.
COMPOSED64 = dataclasses.replace(COMPOSED, name="composed, float64", relative=2e-10)


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("precision", [COMPOSED, COMPOSED64], ids=lambda precision: precision.name)
@pytest.mark.parametrize("stem", golden.FILES)
def test_golden(stem: str, precision: golden.Precision) -> None:
    failures: list[str] = []
    compared = 0
    for case in golden.load(stem):
        if case.scale == "extreme" and precision is COMPOSED:
            continue  # a plain log-softmax in float32 underflows or rounds to 1
        logits = torch.from_numpy(case.logits).to(torch.float32 if precision is COMPOSED else torch.float64)
        criterion = HierarchicalLoss(case.hierarchy, case.loss, ignore_index=golden.IGNORED, impl="composed").eval()
        for part in case.parts:
            leaf = logits.clone().requires_grad_()
            target = torch.from_numpy(part.target)
            criterion.reduction = "none"
            losses = criterion(leaf, target, kind=part.kind)
            (grads,) = torch.autograd.grad(losses.sum(), leaf)
            ours = losses.detach().numpy()[part.rows], grads.numpy()[part.rows]
            failures += golden.differences(case, part.rows, *ours, precision)
            compared += len(part.rows)
            if not part.fillers and len(part.rows) == len(case.labels):
                criterion.reduction = "mean"
                value = criterion(logits, target, kind=part.kind).item()
                if not golden.close(np.array(value), np.array(case.mean), np.array(abs(case.mean)), precision):
                    failures.append(f"{case.name}: mean is {value!r}, expected {case.mean!r} ({precision.name})")
    assert not failures, "\n".join(failures[:20])
    assert compared > 30
