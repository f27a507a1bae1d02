"""The log-probabilities of nodes as a module."""

from __future__ import annotations

import copy
import pickle

import pytest
import torch
from every_loss import tree

from klados.torch import NodeLogProbs, functional

FORMS = ["class_softmax", "sibling_softmax", "max", "noisy_or"]


def logits_of(module: NodeLogProbs) -> torch.Tensor:
    return torch.randn(5, module.columns, generator=torch.Generator().manual_seed(0), requires_grad=True)


@pytest.mark.parametrize("impl", ["fused", "composed"])
@pytest.mark.parametrize("form", FORMS)
def test_a_module_is_the_function_compiled_or_not(form: str, impl: str) -> None:
    module = NodeLogProbs(tree(), form, 1, impl=impl)
    logits = logits_of(module)
    expected = functional.node_log_probs(logits, tree(), form, 1)
    upstream = torch.randn_like(expected)
    (grad,) = torch.autograd.grad(expected, logits, upstream)
    for call in (module, torch.compile(module, fullgraph=True, backend="aot_eager")):
        found = call(logits)
        # Rounding: plain floating point on the composed path.
        torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6)
        torch.testing.assert_close(torch.autograd.grad(found, logits, upstream)[0], grad, rtol=1e-4, atol=1e-6)


def test_copies_and_pickles_give_the_same() -> None:
    module = NodeLogProbs(tree(), level=1)
    logits = logits_of(module)
    for other in (copy.deepcopy(module), pickle.loads(pickle.dumps(module))):
        assert torch.equal(other(logits), module(logits))
    assert module.state_dict() == {}


def test_tables_are_made_where_the_module_moves() -> None:
    module = NodeLogProbs(tree())
    with pytest.raises(ValueError, match=r"the input is on meta and the tables of the module on cpu; move it: module.to\('meta'\)"):
        module(torch.empty(2, module.columns, device="meta"))
    composed = NodeLogProbs(tree(), impl="composed").to("meta")
    assert composed(torch.empty(2, composed.columns, device="meta")).shape == (2, tree().num_nodes)


def test_a_traced_function_says_where_it_runs() -> None:
    logits = logits_of(NodeLogProbs(tree()))

    def fused(logits: torch.Tensor) -> torch.Tensor:
        return functional.node_log_probs(logits, tree_, level=1)

    tree_ = tree()
    assert torch.equal(torch.compile(fused, fullgraph=True, backend="aot_eager")(logits), fused(logits))
