"""A case of a golden file against this statement."""

from mpmath import inf, mp, mpf

from .losses import LOSSES
from .row import Row
from .tree import Tree


def number(x):
    return mpf({"inf": "+inf"}.get(x, x)) if isinstance(x, str) else mpf(x)


def same(a, b, measure=None):
    if a == b or (a != a and b != b):
        return True
    if not (abs(a) < inf and abs(b) < inf):
        return False
    return abs(a - b) <= mpf(2) ** -52 * abs(b if measure is None else measure) + mpf(2) ** -1074


def check(case):
    """What differs is an AssertionError."""
    tree = Tree(case["hierarchy"])
    ((name, options),) = case["loss"].items()
    loss = LOSSES[name](tree, options)
    losses, divisor = [], mpf(0)
    for place, text in enumerate(case["labels"]):
        logits = [number(z) for z in case["logits"][place]]
        label = loss.parse(text)
        value, slope, magnitude = mpf(0), {}, mpf(0)
        if label is not None and any(z != z or z == inf for z in logits):
            value, slope = mpf("nan"), {j: mpf("nan") for j in range(len(logits))}
        elif label is not None:
            row = Row(loss, logits, place)
            value, slope, magnitude = row.evaluate(label)
        losses.append(value)
        divisor += loss.count(label)
        where = f"{case['name']}, row {place}, label {text!r}"
        expected = case["losses"][place]
        assert same(number(expected), value), f"{where}: loss {expected}, here {mp.nstr(value, 20)}"
        names, grads = loss.names(), case["grads"][place]
        assert len(names) == len(logits) == len(grads), f"{where}: {len(logits)} logits, here {len(names)} columns"
        for j, got in enumerate(grads):
            here = f"{where}, column {names[j]!r}: gradient {got}, here {mp.nstr(slope.get(j, mpf(0)), 20)}"
            assert same(number(got), slope.get(j, mpf(0))), here
        expected = case["magnitude"][place]
        here = f"{where}: magnitude {expected}, here {mp.nstr(magnitude, 20)}"
        assert same(number(expected), magnitude), here
    mean = sum(losses) / divisor if divisor else mpf(0)
    # The mean is of losses rounded to f64.
    assert same(number(case["mean"]), mean, 4 * mean), f"{case['name']}: mean {case['mean']}, here {mp.nstr(mean, 20)}"
