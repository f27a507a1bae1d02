"""The losses on NumPy arrays: layouts, types and shapes, and calls that make no sense."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import warnings

import every_loss
import numpy as np
import pytest
import torch
from every_loss import EVERY_LOSS, Example

import klados
from klados.torch import HierarchicalLoss

each_loss = pytest.mark.parametrize("example", EVERY_LOSS, ids=lambda example: example.name)


def call(example: Example, logits, target, **options):
    return klados.loss_and_grad(logits, target, example.hierarchy, example.loss, **options)


def random_logits(rows: int, columns: int = 8) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(rows, columns))


def test_importing_klados_imports_numpy_alone() -> None:
    code = """
        import sys, klados
        assert "numpy" in sys.modules
        for name in ("torch", "networkx", "scipy", "pandas"):
            assert name not in sys.modules, name
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_klados_torch_without_torch_says_what_to_install() -> None:
    code = """
        import sys
        sys.modules["torch"] = None
        try:
            import klados.torch
        except ModuleNotFoundError as error:
            assert "pip install 'klados[torch]'" in str(error), error
        else:
            raise AssertionError("no error")
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@each_loss
def test_the_gradient_is_the_central_difference(example: Example) -> None:
    for kind, target in example.targets(6).items():
        logits = example.logits(6).numpy()
        target = target.numpy()
        _, grad = call(example, logits, target, kind=kind)
        for row, column in [(0, 0), (1, 2), (2, 5), (5, 7)]:
            values = []
            for step in (1e-5, -1e-5):
                moved = logits.copy()
                moved[row, column] += step
                values.append(call(example, moved, target, kind=kind)[0])
            assert grad[row, column] == pytest.approx((values[0] - values[1]) / 2e-5, rel=1e-5, abs=1e-8)


@each_loss
def test_reductions_of_the_same_losses(example: Example) -> None:
    for kind, target in example.targets(6).items():
        logits, target = example.logits(6).numpy(), target.numpy()
        each, each_grad = call(example, logits, target, kind=kind, reduction="none")
        total, total_grad = call(example, logits, target, kind=kind, reduction="sum")
        mean, mean_grad = call(example, logits, target, kind=kind, reduction="mean")
        assert each.shape == (6,)
        assert isinstance(total, float)
        assert total == pytest.approx(each.sum(), rel=1e-14)
        np.testing.assert_array_equal(total_grad, each_grad)
        np.testing.assert_allclose(mean_grad, each_grad * (mean / total), rtol=1e-12)


@each_loss
def test_layouts(example: Example) -> None:
    for kind, target in example.targets(6).items():
        logits, target = example.logits(6).numpy(), target.numpy()
        expected = call(example, logits, target, kind=kind)
        packed = np.zeros(6, dtype=[("pad", "i1"), ("row", "f8", logits.shape[1])])
        packed["row"] = logits
        off = np.frombuffer(b"\0" + logits.tobytes(), dtype=np.uint8)[1:].view(np.float64).reshape(logits.shape)
        frozen = logits.copy()
        frozen.setflags(write=False)
        layouts = [
            np.asfortranarray(logits),
            logits[::-1][::-1],
            np.repeat(logits, 2, 1)[:, ::2],
            packed["row"],
            off,
            frozen,
        ]
        layouts += [logits.astype(">f8"), logits.tolist()]
        for layout in layouts:
            loss, grad = call(example, layout, target, kind=kind)
            assert loss == expected[0]
            np.testing.assert_array_equal(grad, expected[1])
            assert grad.dtype == np.float64
            assert grad.dtype.isnative
        targets = [target.astype(target.dtype.newbyteorder()), np.repeat(target, 2, 0)[::2], target.tolist()]
        for layout in targets:
            assert call(example, logits, layout, kind=kind)[0] == expected[0]


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int32", "bool", "longdouble"])
def test_types_of_logits(dtype: str) -> None:
    logits = np.array([[1, 0, 1, 1, 0, 0, 1, 0]], dtype=dtype)
    loss, grad = klados.loss_and_grad(logits, [0], every_loss.tree(), reduction="none")
    own = dtype in ("float16", "float32", "float64")
    assert grad.dtype == (dtype if own else "float64")
    assert loss.dtype == ("float32" if dtype in ("float16", "float32") else "float64")
    expected = klados.loss_and_grad(logits.astype(np.float64), [0], every_loss.tree())[0]
    assert loss[0] == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(
    "dtype", ["int64", "int32", "int16", "int8", "uint8", "uint16", "uint32", "bool", "float64", "float16"]
)
def test_types_of_targets(dtype: str) -> None:
    logits = random_logits(4)
    target = np.array([0, 1, 1, 0])
    expected = klados.loss_and_grad(logits, target, every_loss.tree())[0]
    assert klados.loss_and_grad(logits, target.astype(dtype), every_loss.tree(), kind="index")[0] == expected


def test_one_row_and_no_row() -> None:
    logits = random_logits(1)
    loss, grad = klados.loss_and_grad(logits[0], 3, every_loss.tree())
    assert loss == klados.loss_and_grad(logits, [3], every_loss.tree())[0]
    assert grad.shape == (8,)
    loss, grad = klados.loss_and_grad(logits[0], 3, every_loss.tree(), reduction="none")
    assert np.ndim(loss) == 0
    for reduction, shape in (("none", (0,)), ("sum", ()), ("mean", ())):
        loss, grad = klados.loss_and_grad(np.zeros((0, 8)), [], every_loss.tree(), reduction=reduction, kind="index")
        assert np.shape(loss) == shape
        assert grad.shape == (0, 8)


def test_the_logits_are_left_as_they_are() -> None:
    logits = random_logits(4)
    kept = logits.copy()
    _, grad = klados.loss_and_grad(logits, [0, 1, 2, 3], every_loss.tree())
    np.testing.assert_array_equal(logits, kept)
    assert not np.shares_memory(grad, logits)


def test_targets_from_names_and_back() -> None:
    tree = every_loss.tree()
    labels = ["crow", "mammal", "", "=dog", "dog"]
    target = tree.encode(labels)
    loss, grad = klados.loss_and_grad(random_logits(5), target, tree, reduction="none")
    assert loss[2] == 0
    assert not grad[2].any()
    assert loss[3] > 0
    one_of = klados.loss_and_grad(
        random_logits(5), tree.encode_candidates(labels), tree, reduction="none", kind="candidates"
    )[0]
    np.testing.assert_allclose(one_of[[0, 1, 2, 4]], loss[[0, 1, 2, 4]], rtol=1e-14)


FLAT = klados.Hierarchy.from_edges([("root", name) for name in "abcd"], classes=list("dacb"))


def test_multi_hot_columns_of_a_hierarchy_of_one_level() -> None:
    """There classes and nodes are as many. The columns are those of the logits, where these say which."""
    logits = random_logits(2, 4)
    marks = FLAT.encode_multi_hot(["a;d", "b;"])
    assert marks.tolist() == [[1, 0, 0, 1], [0, 1, 0, 0]]  # by first appearance, as the logits are
    loss, grad = klados.loss_and_grad(logits, marks, FLAT, "binary_cross_entropy", reduction="none")
    p = 1 / (1 + np.exp(-logits))
    np.testing.assert_allclose(grad, p - marks, rtol=1e-12)
    noisy = klados.loss("binary_cross_entropy", form="noisy_or")
    with pytest.raises(ValueError, match=r"hierarchy.with_node_columns\(hierarchy.classes\) gives them one order"):
        klados.loss_and_grad(logits, marks, FLAT, noisy)
    for impl in ("fused", "composed"):
        with pytest.raises(ValueError, match=r"hierarchy.with_node_columns\(hierarchy.classes\) gives them one order"):
            HierarchicalLoss(FLAT, noisy, impl=impl)(torch.from_numpy(logits), torch.from_numpy(marks))
    ordered = FLAT.with_node_columns(FLAT.classes)
    marks = ordered.encode_multi_hot(["a;d", "b;"])
    assert marks.tolist() == [[1, 1, 0, 0], [0, 0, 0, 1]]
    _, grad = klados.loss_and_grad(logits, marks, ordered, noisy, reduction="none")
    np.testing.assert_allclose(grad, p - marks, rtol=1e-12)


@pytest.mark.parametrize(
    ("logits", "target", "words"),
    [
        (np.zeros((2, 7)), [0, 1], r"the logits have shape \(2, 7\), expected \(batch, 8\) or \(8,\)"),
        (np.zeros((2, 8, 1)), [0, 1], r"the logits have shape \(2, 8, 1\)"),
        (0.0, 0, r"the logits have shape \(\)"),
        (np.zeros((2, 8)), [0], r"the target has shape \(1,\), expected \(2,\) for kind 'index'"),
        (np.zeros((2, 8)), 0, "the target has 0 dimensions"),
        (np.zeros((2, 8)), np.zeros((2, 8, 1)), "the target has 3 dimensions"),
        (np.zeros((2, 8)), [0, 99], r"row 1: the target is 99, expected a class \(0 to 7\), 8 \+ the index of a node"),
        (np.zeros((2, 8)), [0, -1], r"row 1: the target is -1, expected .* or -100 \(ignored\)"),
        (np.zeros((2, 8)), [0, 0.5], "row 1: the target is not an integer"),
        (np.zeros((2, 8)), [0, np.nan], "row 1: the target is not an integer"),
        (np.zeros((2, 8)), [0, np.inf], "row 1: the target is"),
        (np.zeros((2, 8)), [0, 1e300], "row 1: the target is"),
        (np.zeros((2, 8)), [0, -(2**63)], "row 1: the target is -9223372036854775808"),
        (np.zeros((2, 8)), np.full((2, 8), 0.5), "row 0: the soft label sums to 4, expected 1"),
        (np.zeros((2, 8)), np.full((2, 7), 1 / 7), "the target has 7 columns, expected 8"),
        (np.zeros((2, 8)), np.full((2, 8), 3), "row 0, column 0: the target is 3, expected 0 or 1"),
        (np.zeros((2, 8)), ["crow", "robin"], r"names.*hierarchy.encode"),
        (np.zeros((2, 8)), ["crow", None], r"names.*hierarchy.encode"),
        (np.zeros((2, 8), dtype=complex), [0, 1], "complex"),
        ([["a"] * 8], [0], "<U1|string"),
        (np.zeros((2, 8)), np.zeros(2, dtype=complex), "complex"),
    ],
)
def test_calls_that_make_no_sense(logits, target, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        klados.loss_and_grad(logits, target, every_loss.tree())


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"reduction": "average"}, 'reduction "average": expected "none", "sum" or "mean"'),
        ({"kind": "one_hot"}, "kind 'one_hot': expected 'index', 'probabilities', 'candidates' or 'multi_hot'"),
        ({"kind": "multi_hot"}, "expected"),
        ({"loss": "cross_entropy"}, "marginal_cross_entropy"),
    ],
)
def test_options_that_do_not_exist(options, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        klados.loss_and_grad(random_logits(2), [0, 1], every_loss.tree(), **options)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"ignore_index": "none"}, "str"),
        ({"ignore_index": 1.5}, "float"),
        ({"step": 1.5}, "float"),
        ({"loss": 7}, "the loss is of type int, expected a klados.Loss or a name"),
        ({"loss": None}, "the loss is of type NoneType, expected a klados.Loss or a name"),
        ({"loss": {"name": "soft_labels"}}, r"the loss is of type dict, .* such as klados.loss\("),
    ],
)
def test_options_of_another_type(options, words: str) -> None:
    with pytest.raises(TypeError, match=words):
        klados.loss_and_grad(random_logits(2), [0, 1], every_loss.tree(), **options)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"ignore_index": 2**63}, f"ignore_index is {2**63}, expected -{2**63} to {2**63 - 1}"),
        ({"ignore_index": -(2**63) - 1}, f"ignore_index is -{2**63 + 1}, expected"),
        ({"step": -1}, f"step is -1, expected 0 to {2**64 - 1}"),
        ({"step": 2**64}, f"step is {2**64}, expected"),
    ],
)
def test_options_out_of_range(options, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        klados.loss_and_grad(random_logits(2), [0, 1], every_loss.tree(), **options)


def test_options_at_the_ends_of_their_range() -> None:
    target = np.array([0, -(2**63)])
    loss, _ = klados.loss_and_grad(random_logits(2), target, every_loss.tree(), ignore_index=-(2**63), reduction="none")
    assert loss[0] > 0 and loss[1] == 0
    for step in (0, np.int64(3), 2**64 - 1):
        klados.loss_and_grad(np.zeros((1, 12)), [0], every_loss.tree(), "random_cut", step=step)


def test_unsigned_targets_do_not_turn_into_ignored_ones() -> None:
    target = np.array([0, 2**64 - 100], dtype=np.uint64)
    with pytest.raises(ValueError, match="row 1: the target is 18446744073709551516, which is no index"):
        klados.loss_and_grad(random_logits(2), target, every_loss.tree())
    marks = np.zeros((2, 8), dtype=np.uint64)
    marks[1, 3] = 2**64 - 100
    with pytest.raises(ValueError, match="row 1: column 3: the target is 18446744073709551516"):
        klados.loss_and_grad(random_logits(2), marks, every_loss.tree())
    target[1] = 1
    expected = klados.loss_and_grad(random_logits(2), [0, 1], every_loss.tree())[0]
    assert klados.loss_and_grad(random_logits(2), target, every_loss.tree())[0] == expected


@pytest.mark.parametrize(
    ("form", "error", "words"),
    [
        (None, TypeError, "the form is of type NoneType, expected a word such as"),
        (["class_softmax"], TypeError, "the form is of type list, expected a word such as"),
        ({}, ValueError, "the form is a dict of 0 entries, expected a word such as"),
        ({"weighted_sigmoid": {"map": []}, "max": {}}, ValueError, "the form is a dict of 2 entries"),
    ],
)
def test_forms_that_are_none(form, error, words: str) -> None:
    with pytest.raises(error, match=words):
        klados.node_log_probs(random_logits(1), every_loss.tree(), form)


@pytest.mark.parametrize("level", [-1, 2**64, 99])
def test_levels_that_are_none(level: int) -> None:
    with pytest.raises(ValueError, match=r"level|depth"):
        klados.node_log_probs(random_logits(1), every_loss.tree(), level=level)


def test_a_label_that_a_loss_does_not_take_names_its_row() -> None:
    tree = every_loss.tree()
    with pytest.raises(ValueError, match="row 1: random_cut takes a class or a distribution"):
        klados.loss_and_grad(np.zeros((2, 12)), tree.encode(["crow", "mammal"]), tree, "random_cut")
    with pytest.raises(ValueError, match="row 0: .*no meaning for a union"):
        klados.loss_and_grad(np.zeros((1, 12)), tree.encode_candidates(["crow|bat"]), tree, "levelwise_softmax")
    with pytest.raises(ValueError, match="row 0: "):
        klados.loss_and_grad(np.zeros((1, 8)), tree.encode_multi_hot(["crow;bat"]), tree, kind="multi_hot")


def test_random_calls_never_crash() -> None:
    """Whatever the arguments are, there is a result or an exception of Python's."""
    random = np.random.default_rng(5)
    values = [0, 1, -1, 7, 8, 20, 255, -100, 2**31, -(2**63), 0.5, np.nan, np.inf, 1e300]
    dtypes = [
        "int64",
        "int32",
        "int8",
        "uint8",
        "uint64",
        "bool",
        "float16",
        "float32",
        "float64",
        ">i4",
        ">f4",
        "complex64",
        "O",
    ]
    kinds = [None, "index", "probabilities", "candidates", "multi_hot"]
    done = 0
    with np.errstate(all="ignore"):
        for _ in range(3000):
            example = EVERY_LOSS[random.integers(len(EVERY_LOSS))]
            rows = int(random.integers(4))
            columns = int(random.choice([example.columns(), 8, 12]))
            logits = (random.normal(size=(rows, columns)) * 10.0 ** random.integers(-3, 6)).astype(
                random.choice(dtypes)
            )
            shape = [(rows,), (rows, 8), (rows, 12), (), (rows, columns, 1)][random.integers(5)]
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                target = np.array(random.choice(values, size=shape)).astype(random.choice(dtypes))
            kind = kinds[random.integers(len(kinds))]
            try:
                loss, grad = call(example, logits, target, kind=kind, ignore_index=int(random.choice([-100, 0, 255])))
            except (ValueError, TypeError, OverflowError):
                continue
            assert grad.shape == logits.shape
            done += 1
    assert done > 100
