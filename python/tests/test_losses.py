"""Every loss as a module and as a function, with PyTorch's names and the core's defaults."""

import inspect
import warnings
from typing import Any

import pytest
import torch
from torch import nn

import klados
import klados.torch
from klados.torch import (
    HierarchicalLoss,
    LinearMarginalCrossEntropyLoss,
    MarginalCrossEntropyLoss,
    RandomCutLoss,
    ShardedMarginalCrossEntropyLoss,
    functional,
)
from klados.torch._dispatch import Impl

EDGES = [("mammal", "bat"), ("mammal", "dog"), ("bird", "crow"), ("bird", "robin")]
pytestmark = pytest.mark.filterwarnings("ignore:map. there are no superclasses", "ignore:weighting .height.")

HIERARCHY = klados.Hierarchy.from_edges(EDGES)
MAP = [("bat", "flies", 1.0), ("dog", "furry", 1.0), ("crow", "flies", 1.0), ("robin", "flies", 1.0)]

# The core's name of a parameter, where PyTorch has another; what a module says as an argument of the call.
RENAMED = {"class_weight": "weight"}

# For each loss, parameters that are not its defaults, as the module takes them.
OTHERS: dict[str, dict[str, Any]] = {
    "marginal_cross_entropy": {"weights": "balanced", "unresolved": "skip", "label_smoothing": 0.1, "gamma": 1.0},
    "hierarchical_cross_entropy": {"alpha": 0.5, "weighting": "height", "label_smoothing": 0.1, "gamma": 1.0},
    "soft_labels": {"beta": 3.0, "gamma": 1.0},
    "weighted_cross_entropy": {
        "map": [(name, above, 2 * weight) for name, above, weight in MAP],
        "normalize": True,
        "leaf_weight": 0.5,
        "superclass_weight": 2.0,
        "label_smoothing": 0.1,
        "gamma": 1.0,
    },
    "levelwise_softmax": {"weights": {"levels": [1, 0.5]}, "label_smoothing": 0.1, "gamma": 1.0},
    "sibling_softmax": {
        "alpha": 0.5,
        "weighting": "depth_normalized",
        "tau": 1.0,
        "frequencies": {"mammal": 3.0, "bird": 1.0, "bat": 1.0, "dog": 2.0, "crow": 2.0, "robin": 5.0},
        "label_smoothing": 0.1,
        "gamma": 1.0,
    },
    "parameter_sharing_softmax": {"weights": "uniform", "label_smoothing": 0.1, "gamma": 1.0},
    "conditional_sigmoid": {"weights": "leaves"},
    "binary_cross_entropy": {
        "form": "weighted",
        "gamma": 1.0,
        "pos_weight": torch.arange(1.0, 7.0),
        "incomplete": True,
        "map": [("bat", "flies", 2.0), ("crow", "flies", 2.0), ("dog", "furry", 2.0)],
        "normalize": True,
    },
    "tree_min": {"weights": "leaves", "gamma": 2.0},
    "descendant_softmax": {},
    "softmax_margin": {"tau": 0.5, "hard": True},
    "random_cut": {"p": 0.7, "seed": 3},
}


def module_of(name: str) -> type[HierarchicalLoss]:
    return getattr(klados.torch, "".join(word.capitalize() for word in name.split("_")) + "Loss")


def defaults(callable: Any) -> dict[str, Any]:
    parameters = inspect.signature(callable).parameters.values()
    return {parameter.name: parameter.default for parameter in parameters if parameter.default is not inspect.Parameter.empty}


def test_every_loss_is_there() -> None:
    assert sorted(OTHERS) == sorted(klados.Loss.NAMES)
    names = {module_of(name).__name__ for name in klados.Loss.NAMES}
    assert names <= set(klados.torch.__all__)
    assert set(klados.Loss.NAMES) | {"node_log_probs"} <= set(functional.__all__)


@pytest.mark.parametrize("name", klados.Loss.NAMES)
def test_defaults_are_those_of_the_core(name: str) -> None:
    core = klados.loss(name).parameters
    torchs = defaults(module_of(name))
    assert torchs.pop("ignore_index") == -100
    assert torchs.pop("impl") == "auto"
    for parameter, value in core.items():
        given = torchs.pop(RENAMED.get(parameter, parameter))
        assert (list(given) if isinstance(given, tuple) else given) == value, parameter
    # What the core leaves out of a loss where it is not given.
    assert all(value is None for value in torchs.values()) and set(torchs) <= {"frequencies", "map"}


@pytest.mark.parametrize("name", klados.Loss.NAMES)
def test_a_function_takes_what_its_module_takes(name: str) -> None:
    module, function = defaults(module_of(name)), defaults(getattr(functional, name))
    assert function.pop("kind") is None
    if name == "random_cut":
        assert function.pop("step") == 0
    assert function == module
    assert list(function) == list(module)


@pytest.mark.parametrize("name", klados.Loss.NAMES)
@pytest.mark.parametrize("reduction", ["none", "mean"])
def test_module_function_and_name_agree(name: str, reduction: str) -> None:
    given = dict(OTHERS[name])
    if "class_weight" in klados.loss(name).parameters:
        given["weight"] = torch.tensor([1.0, 2.0, 0.5, 1.5])
    module = module_of(name)(HIERARCHY, reduction=reduction, ignore_index=-1, **given)
    plain = {key: value for key, value in given.items() if key != "weight"}
    if "frequencies" in plain:
        plain["frequencies"] = list(plain["frequencies"].items())
    if "weight" in given:
        plain["class_weight"] = given["weight"]
    by_name = HierarchicalLoss(HIERARCHY, klados.loss(name, **plain), reduction=reduction, ignore_index=-1)

    input = torch.randn(5, module.columns, generator=torch.Generator().manual_seed(0))
    target = torch.tensor([0, 1, 2, 3, -1])
    expected = by_name(input, target)
    assert torch.equal(module(input, target), expected)
    of_function = getattr(functional, name)(input, target, HIERARCHY, reduction=reduction, ignore_index=-1, **given)
    assert torch.equal(of_function, expected)
    assert module.loss == by_name.loss
    defaults = klados.loss(name).parameters
    changed = {key for key, value in module.loss.parameters.items() if value != defaults.get(key)}
    assert changed == {{"weight": "class_weight"}.get(key, key) for key in given}


@pytest.mark.parametrize("name", klados.Loss.NAMES)
def test_what_a_module_prints(name: str) -> None:
    module = module_of(name)(HIERARCHY)
    columns = 4 if name in ("marginal_cross_entropy", "hierarchical_cross_entropy", "soft_labels") else module.columns
    assert repr(module) == f"{module_of(name).__name__}(columns={columns}, ignore_index=-100, reduction='mean', impl='auto')"
    changed = module_of(name)(HIERARCHY, **OTHERS[name])
    for parameter in OTHERS[name]:
        assert f"{parameter}=" in repr(changed)


def losses_of(criterion: HierarchicalLoss, steps: int) -> list[float]:
    input = torch.randn(64, criterion.columns, generator=torch.Generator().manual_seed(1), requires_grad=True)
    target = torch.arange(64) % 4
    return [criterion(input, target).item() for _ in range(steps)]


@pytest.mark.parametrize("impl", ["fused", "composed"])
def test_random_cut_draws_anew_in_training_and_the_same_in_evaluation(impl: Impl) -> None:
    criterion = RandomCutLoss(HIERARCHY, p=0.5, impl=impl)
    first = losses_of(criterion, 4)
    assert len(set(first)) == 4
    assert criterion.step == 4
    again = losses_of(criterion.eval(), 2)
    assert again[0] == again[1] and criterion.step == 4
    criterion.step.fill_(0)
    assert losses_of(criterion.train(), 4) == first
    input = torch.randn(64, criterion.columns, generator=torch.Generator().manual_seed(1))
    of_function = functional.random_cut(input, torch.arange(64) % 4, HIERARCHY, p=0.5, step=2, impl=impl)
    assert of_function.item() == first[2]


def test_random_cut_goes_on_where_a_checkpoint_was_made() -> None:
    criterion = RandomCutLoss(HIERARCHY, p=0.5)
    losses_of(criterion, 3)
    resumed = RandomCutLoss(HIERARCHY, p=0.5)
    resumed.load_state_dict(criterion.state_dict())
    assert losses_of(resumed, 2) == losses_of(criterion, 2)


def test_a_loss_that_draws_nothing_has_no_state() -> None:
    assert klados.torch.MarginalCrossEntropyLoss(HIERARCHY).state_dict() == {}


@pytest.mark.parametrize("impl", ["fused", "composed"])
def test_random_cut_under_compile_is_one_graph_that_reads_the_step(impl: Impl) -> None:
    criterion = RandomCutLoss(HIERARCHY, p=0.5, impl=impl)
    expected = losses_of(RandomCutLoss(HIERARCHY, p=0.5), 5)
    torch._dynamo.reset()
    torch._dynamo.utils.counters.clear()
    compiled = torch.compile(criterion, backend="aot_eager", fullgraph=True)
    input = torch.randn(64, criterion.columns, generator=torch.Generator().manual_seed(1), requires_grad=True)
    target = torch.arange(64) % 4
    assert [compiled(input, target).item() for _ in range(5)] == pytest.approx(expected, rel=1e-6)
    assert criterion.step == 5
    assert torch._dynamo.utils.counters["stats"]["unique_graphs"] == 1


CLASS_WEIGHT = torch.tensor([1.0, 0.1, 0.5, 1.5])


@pytest.mark.parametrize("name", klados.Loss.NAMES)
def test_weight_and_label_smoothing_are_attributes(name: str) -> None:
    takes = klados.loss(name).parameters
    given = {"weight": CLASS_WEIGHT} if "class_weight" in takes else {}
    if "label_smoothing" in takes:
        given["label_smoothing"] = 0.1
    criterion = module_of(name)(HIERARCHY, **given)
    assert module_of(name)(HIERARCHY).weight is None
    assert module_of(name)(HIERARCHY).label_smoothing == 0
    assert criterion.label_smoothing == given.get("label_smoothing", 0)
    if "weight" in given:
        assert torch.equal(criterion.weight, CLASS_WEIGHT) and criterion.weight.dtype == torch.float32
        moved = criterion.to("meta")
        assert moved.weight.is_meta
        assert torch.equal(moved.to_empty(device="cpu").weight, CLASS_WEIGHT)
    assert "weight" not in criterion.state_dict()


def test_weight_and_label_smoothing_cannot_be_set() -> None:
    criterion = MarginalCrossEntropyLoss(HIERARCHY, weight=CLASS_WEIGHT)
    with pytest.raises(AttributeError, match="cannot be set"):
        criterion.weight = None
    with pytest.raises(AttributeError):
        criterion.label_smoothing = 0.5
    sharded = ShardedMarginalCrossEntropyLoss(HIERARCHY, weight=CLASS_WEIGHT)
    assert torch.equal(sharded.weight, CLASS_WEIGHT)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16])
@pytest.mark.parametrize("name", ["marginal_cross_entropy", "random_cut"])
def test_the_state_of_a_cross_entropy_loads(name: str, dtype: torch.dtype) -> None:
    weight = CLASS_WEIGHT.to(dtype)
    criterion = nn.ModuleDict({"loss": module_of(name)(HIERARCHY, weight=weight)})
    state = nn.ModuleDict({"loss": nn.CrossEntropyLoss(weight=weight)}).state_dict()
    if name == "random_cut":
        state["loss.step"] = torch.tensor(3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        criterion.load_state_dict(state)
    assert list(state)[0] == "loss.weight"
    assert name != "random_cut" or criterion["loss"].step == 3


def test_a_state_with_other_class_weights_is_warned_of() -> None:
    for own in (None, CLASS_WEIGHT, CLASS_WEIGHT.double() + 1e-3):
        criterion = MarginalCrossEntropyLoss(HIERARCHY, weight=own)
        for saved in (torch.ones(4), torch.ones(3)):
            with pytest.warns(UserWarning, match="'weight' in the state is not the class weights of the loss"):
                criterion.load_state_dict(nn.CrossEntropyLoss(weight=saved).state_dict())
        assert (criterion.weight is None) == (own is None)
        with pytest.raises(RuntimeError, match="Unexpected key"):
            criterion.load_state_dict({"bias": torch.ones(4)})


def test_the_weight_of_a_linear_layer_is_the_layers() -> None:
    head = LinearMarginalCrossEntropyLoss(HIERARCHY, 3, class_weight=CLASS_WEIGHT)
    assert isinstance(head.weight, nn.Parameter) and head.weight.shape == (4, 3)
    other = LinearMarginalCrossEntropyLoss(HIERARCHY, 3)
    other.load_state_dict(head.state_dict())
    assert torch.equal(other.to("cpu").weight, head.weight)
    other.weight = nn.Parameter(torch.zeros(4, 3))
    assert other(torch.ones(1, 3), torch.tensor([0])) > 0
