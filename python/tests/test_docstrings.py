"""Every public item has a docstring, with an example where one calls it, and the examples run."""

import doctest
import inspect
from collections.abc import Iterator
from typing import Any

import pytest

import klados
import klados._klados
import klados.torch
import klados.torch.metrics
from klados.torch import functional

OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE

# Whose members have an example each; those of other classes are shown by the example of the class.
WITH_EXAMPLES = (klados.Hierarchy,)

# What the package's own code calls.
INTERNAL = (
    klados._klados.Accumulator,
    klados._klados.Criterion,
    klados._klados.Decider,
    klados._klados.NodeLogProbs,
)


def items() -> Iterator[tuple[str, Any, bool]]:
    """Name, item, and whether it needs an example."""
    for module in (klados, klados.metrics, klados.torch, functional, klados.torch.metrics):
        yield module.__name__, module, module is not functional
        for name in module.__all__:
            item = getattr(module, name)
            if inspect.ismodule(item) or isinstance(item, str):
                continue
            yield f"{module.__name__}.{name}", item, True
            if inspect.isclass(item):
                yield from members(f"{module.__name__}.{name}", item)
    for item in INTERNAL:
        yield item.__name__, item, False
        yield from members(item.__name__, item)


def members(of: str, item: type) -> Iterator[tuple[str, Any, bool]]:
    for name in vars(item):
        member = getattr(item, name)
        if not name.startswith("_") and name != "extra_repr" and (callable(member) or inspect.isdatadescriptor(member)):
            yield f"{of}.{name}", member, item in WITH_EXAMPLES


ITEMS = list(items())


@pytest.fixture(autouse=True)
def threads_as_before() -> Iterator[None]:
    """An example sets their number."""
    before = klados.get_num_threads()
    yield
    klados.set_num_threads(before)


@pytest.mark.parametrize(("name", "item", "needs_example"), ITEMS, ids=[name for name, *_ in ITEMS])
def test_it_has_a_docstring_whose_examples_run(name: str, item: Any, needs_example: bool) -> None:
    text = inspect.getdoc(item)
    assert text, "no docstring"
    examples = doctest.DocTestParser().get_doctest(text, {}, name, None, 0)
    assert examples.examples or not needs_example, "no example"
    report: list[str] = []
    doctest.DocTestRunner(optionflags=OPTIONS).run(examples, out=report.append)
    assert not report, "".join(report)


def test_it_sees_the_members_of_native_classes() -> None:
    names = {name for name, *_ in ITEMS}
    assert {"klados.Hierarchy.from_edges", "klados.Hierarchy.num_nodes", "klados.Hierarchy.encode"} <= names
    assert {"klados.Loss.compile", "klados.torch.RandomCutLoss", "klados.torch.functional.tree_min"} <= names
