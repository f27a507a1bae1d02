"""A second opinion on testdata/golden: the definitions once more, in Python with mpmath.

    python -m venv venv && venv/bin/pip install mpmath && venv/bin/python testdata/reference/check.py

It shares nothing with the Rust reference that wrote the files. Gradients are not taken from a formula of their own: the
loss is computed on dual numbers (value, derivative by each logit), so the chain rule is all they rest on. Takes the
names of golden files as arguments; without any it reads all of them.
"""

import json
import sys
from functools import lru_cache
from pathlib import Path

from mpmath import exp, inf, log, mp, mpf

# 1 - P must keep a P of 2^-1074, the smallest number that a golden file can hold.
mp.prec = 1400


class Dual:
    """A number and its derivative by each logit, as a sparse dictionary."""

    def __init__(self, value, slope=None):
        self.value = mpf(value)
        self.slope = slope or {}

    def _chain(self, value, factor):
        return Dual(value, {k: factor * s for k, s in self.slope.items()})

    def __add__(self, other):
        slope = dict(self.slope)
        for k, s in other.slope.items():
            slope[k] = slope.get(k, 0) + s
        return Dual(self.value + other.value, slope)

    def __truediv__(self, other):
        inverse = other._chain(1 / other.value, -1 / other.value**2)
        a = self._chain(self.value * inverse.value, inverse.value)
        return a + inverse._chain(0, self.value)

    def exp(self):
        return self._chain(exp(self.value), exp(self.value))

    def focal_log(self, gamma):
        """-(1 - c)^gamma log c of a probability c."""
        c, rest = self.value, 1 - self.value
        if rest == 0:  # certain: cost 0, and whatever moves the logits it stays certain or the slope is 0 too
            return self._chain(0, -1 if gamma == 0 else 0)
        focus = rest**gamma if gamma else mpf(1)
        slope = -focus / c
        if gamma:
            slope += gamma * rest ** (gamma - 1) * log(c)
        return self._chain(-focus * log(c), slope)


def total(duals):
    result = Dual(0)
    for dual in duals:
        result = result + dual
    return result


class Tree:
    """Nodes are strings; the carrier of an internal class k is the pair ("=", k). The added root is None."""

    def __init__(self, spec):
        self.classes = spec["classes"]
        self.rank = spec.get("ranks", {})
        self.up = {c: [] for c in self.classes}
        for child, parent in spec["edges"]:
            self.up.setdefault(parent, [])
            self.up.setdefault(child, []).append(parent)
        tops = [v for v in self.up if not self.up[v]]
        if len(tops) == 1 and any(tops[0] in parents for parents in self.up.values()):
            self.root = tops[0]
        else:
            self.root = None
            for v in tops:
                self.up[v] = [None]
            self.up[None] = []
        # A node lives where a class is at or below it.
        alive = set().union(*(self._all_above(c) for c in self.classes))
        self.up = {v: parents for v, parents in self.up.items() if v in alive}
        self.carrier = list(self.classes)
        has_child = {p for parents in self.up.values() for p in parents}
        for k, c in enumerate(self.classes):
            if c in has_child or c == self.root:
                self.up[("=", k)] = [c]
                self.carrier[k] = ("=", k)
        self.down = {v: [] for v in self.up}
        for v, parents in self.up.items():
            for p in parents:
                self.down[p].append(v)
        self.above = {v: self._all_above(v) for v in self.up}
        self.below = {v: frozenset(k for k, c in enumerate(self.carrier) if v in self.above[c]) for v in self.up}
        self.is_tree = all(len(parents) <= 1 for parents in self.up.values())

    def _all_above(self, v):
        seen, todo = set(), [v]
        while todo:
            u = todo.pop()
            if u not in seen:
                seen.add(u)
                todo += self.up[u]
        return frozenset(seen)

    def path(self, v):
        return self.above[v] - {self.root}

    def depth(self, v):
        return max((self.depth(p) + 1 for p in self.up[v]), default=0)

    def height(self, v):
        return max((self.height(c) + 1 for c in self.down[v]), default=0)

    def lca(self, nodes):
        common = frozenset.intersection(*(self.above[v] for v in nodes))
        best = min((len(self.below[u]), -self.depth(u)) for u in common)
        ties = [u for u in common if (len(self.below[u]), -self.depth(u)) == best]
        # The third criterion is the order of the nodes, which is an engine's own affair: no case may hang on it.
        assert len({self.height(u) for u in ties}) == 1, ties
        return ties[0]

    def label(self, label):
        """None if ignored, a list of nodes, or {class: q}."""
        if isinstance(label, dict):
            if "class" in label:
                return [self.carrier[label["class"]]]
            return {k: mpf(q) for k, q in enumerate(label["soft"])}
        if label == "":
            return None
        nodes = []
        for part in label.split("|"):
            if part in self.up:
                nodes.append(part)
            elif part.startswith("="):
                nodes.append(self.carrier[self.classes.index(part[1:])])
            else:
                names = part.split(" > ")
                assert all(a in self.up[b] for a, b in zip(names, names[1:])), part
                nodes.append(names[-1])
        return nodes


def marginal_weights(tree, how):
    """{node: weight} without the root."""
    nodes = [v for v in tree.up if v != tree.root]
    if how == "uniform":
        return {v: mpf(1) for v in nodes}
    if how == "leaves":
        return {v: mpf(not tree.down[v]) for v in nodes}
    if isinstance(how, dict) and "levels" in how:
        levels = how["levels"]
        if isinstance(levels, dict):
            return {v: mpf(levels.get(tree.rank.get(v), 0)) for v in nodes}
        return {v: mpf((levels + [0] * 99)[tree.depth(v) - 1]) for v in nodes}
    assert tree.is_tree
    H = tree.height(tree.root)
    q, T = (how["power"]["q"], how["power"].get("total", 1)) if isinstance(how, dict) else (1, 1)
    q, T = mpf(q), mpf(T)
    weights = {}
    for v in sorted(nodes, key=tree.depth):
        left = T - sum(weights[u] for u in tree.path(v) - {v})
        h = tree.height(v)
        if how == "lazy":
            weights[v] = T / H if h else left
        elif how == "greedy":
            weights[v] = left - h * T / H
        else:
            weights[v] = left / sum(q**i for i in range(h + 1))
    return weights


class Sample:
    """One row's softmax, and the loss of a set of nodes on it. A loss of inf is the float inf."""

    def __init__(self, tree, name, options, logits):
        self.tree, self.name, self.options = tree, name, options
        self.gamma = mpf(options.get("gamma", 0))
        self.everything = frozenset(range(len(logits)))
        self.open = frozenset(k for k, z in enumerate(logits) if z != -inf)
        highest = max((z for z in logits if z != -inf), default=0)
        self.mass = {k: Dual(logits[k] - highest, {k: mpf(1)}).exp() for k in self.open}
        self.known = {}
        self.scale, self.parts = mpf(1), {}

    def cost(self, weight, classes, given=None):
        """-weight (1 - P)^gamma log P(classes | given), {logit: slope} with it."""
        if weight == 0:
            return Dual(0)
        classes, given = frozenset(classes) & self.open, (self.everything if given is None else given) & self.open
        if not classes:
            return inf
        if (classes, given) not in self.known:
            p = total(self.mass[k] for k in classes) / total(self.mass[k] for k in given)
            self.known[classes, given] = p.focal_log(self.gamma)
        focal = self.known[classes, given]
        self.parts[classes, given] = self.parts.get((classes, given), 0) + self.scale * weight
        return focal._chain(weight * focal.value, weight)

    def add(self, costs):
        costs = list(costs)
        return inf if any(c is inf for c in costs) else total(costs)

    def of(self, nodes):
        return getattr(self, self.name)(nodes)

    def marginal_cross_entropy(self, nodes):
        tree = self.tree
        w = WEIGHTS(tree, json.dumps(self.options.get("weights", "uniform")))
        U = frozenset.intersection(*(tree.path(a) for a in nodes))
        S = frozenset().union(*(tree.below[a] for a in nodes))
        costs = [self.cost(w[u], tree.below[u]) for u in U]
        if self.options.get("unresolved", "label") == "label":
            r = max(sum(w[u] for u in tree.path(tree.carrier[k]) - U) for k in S)
            costs.append(self.cost(mpf(r), S))
        return self.add(costs)

    def hierarchical_cross_entropy(self, nodes):
        tree = self.tree
        alpha, how = mpf(self.options.get("alpha", 0.1)), self.options.get("weighting", "depth")

        def weight(depth, height):
            if how == "depth":
                return exp(-alpha * (depth - 1))
            if how == "height":
                return exp(-alpha * height)
            return exp(-alpha * depth) / sum(exp(-alpha * tree.depth(v)) for v in tree.up)

        end = tree.lca(nodes)
        costs = [
            self.cost(weight(tree.depth(u), tree.height(u)), tree.below[u], tree.below[tree.up[u][0]])
            for u in tree.path(end)
        ]
        S = frozenset().union(*(tree.below[a] for a in nodes))
        if S != tree.below[end]:
            costs.append(self.cost(weight(tree.depth(end) + 1, max(map(tree.height, nodes))), S, tree.below[end]))
        return self.add(costs)

    def soft_labels(self, nodes):
        (y,) = nodes
        tree = self.tree
        if not tree.below[y] & self.open:
            return inf
        beta, H = mpf(self.options.get("beta", 10)), tree.height(tree.root)
        q = {k: exp(-beta * tree.height(tree.lca([y, tree.carrier[k]])) / H) for k in self.open}
        return self.add(self.cost(q[k] / sum(q.values()), {k}) for k in q)

    def loss(self, label):
        """With the options."""
        c = [mpf(x) for x in self.options.get("class_weight") or [1] * len(self.everything)]
        eps = mpf(self.options.get("label_smoothing", 0))

        def scaled(weight, nodes):
            if weight == 0:
                return Dual(0)
            if not self.open:
                return inf
            self.scale = weight
            cost = self.of(nodes)
            return inf if cost is inf else cost._chain(weight * cost.value, weight)

        if isinstance(label, dict):
            mass = sum(label[k] for k in self.open)
            if mass == 0:
                return inf
            parts = [scaled((1 - eps) * c[k] * label[k] / mass, [self.tree.carrier[k]]) for k in self.open]
        else:
            S = frozenset().union(*(self.tree.below[a] for a in label))
            parts = [scaled((1 - eps) * sum(c[k] for k in S) / len(S), label)]
        if eps:
            parts += [scaled(eps / len(c) * c[k], [self.tree.carrier[k]]) for k in self.open]
        return self.add(parts)


    def magnitude(self, is_distribution):
        """The largest summand of a gradient entry, once the loss is known: of each logarithm's whole derivative, or where
        the target is a distribution of its two halves, by log P(classes) and by log P(given)."""
        summands = [mpf(0)]
        for (classes, given), weight in self.parts.items():
            if classes == given:
                continue
            if not is_distribution:
                summands += [abs(weight * s) for s in self.known[classes, given].slope.values()]
                continue
            inner, outer = ([self.mass[k].value for k in group] for group in (classes, given))
            c = sum(inner) / sum(outer)
            by_log = Dual(c, {"log c": c}).focal_log(self.gamma).slope["log c"]
            summands += [abs(weight * by_log) * max(group) / sum(group) for group in (inner, outer)]
        return max(summands)


@lru_cache(maxsize=64)
def WEIGHTS(tree, how):
    return marginal_weights(tree, json.loads(how))


def number(x):
    return mpf({"inf": "+inf"}.get(x, x)) if isinstance(x, str) else mpf(x)


def same(a, b, measure=None):
    if a == b or (a != a and b != b):
        return True
    return abs(a - b) <= mpf(2) ** -52 * abs(b if measure is None else measure) + mpf(2) ** -1074


def check(case):
    tree = Tree(case["hierarchy"])
    ((name, options),) = case["loss"].items()
    c = options.get("class_weight") or [1] * len(tree.classes)
    losses, weights = [], []
    for row, text in enumerate(case["labels"]):
        logits = [number(z) for z in case["logits"][row]]
        label = tree.label(text)
        slope = [mpf(0)] * len(logits)
        weight, magnitude = mpf(1), mpf(0)
        if label is None:
            loss, weight = mpf(0), mpf(0)
        elif any(z != z or z == inf for z in logits):
            loss, slope = mpf("nan"), [mpf("nan")] * len(logits)
        else:
            sample = Sample(tree, name, options, logits)
            dual = sample.loss(label)
            loss = mpf(inf) if dual is inf else dual.value
            if dual is not inf:
                is_distribution = isinstance(label, dict) or name == "soft_labels" or options.get("label_smoothing", 0)
                magnitude = sample.magnitude(is_distribution)
                slope = [dual.slope.get(k, mpf(0)) for k in range(len(logits))]
        if isinstance(label, list):
            S = frozenset().union(*(tree.below[a] for a in label))
            weight = sum(mpf(c[k]) for k in S) / len(S)
        losses.append(loss)
        weights.append(weight)
        where = f"{case['name']}, row {row}, label {text!r}"
        expected = number(case["losses"][row])
        assert same(expected, loss), f"{where}: loss {case['losses'][row]}, here {mp.nstr(loss, 20)}"
        for k, got in enumerate(case["grads"][row]):
            here = f"{where}, class {tree.classes[k]!r}: gradient {got}, here {mp.nstr(slope[k], 20)}"
            assert same(number(got), slope[k]), here
        here = f"{where}: magnitude {case['magnitude'][row]}, here {mp.nstr(magnitude, 20)}"
        assert same(number(case["magnitude"][row]), magnitude), here
    mean = sum(losses) / sum(weights) if sum(weights) else mpf(0)
    # The mean is of losses rounded to f64.
    assert same(number(case["mean"]), mean, 4 * mean), f"{case['name']}: mean {case['mean']}, here {mp.nstr(mean, 20)}"


def main():
    directory = Path(__file__).resolve().parent.parent / "golden"
    paths = [Path(a) for a in sys.argv[1:]] or sorted(directory.glob("*.json"))
    failures = 0
    for path in paths:
        cases = json.loads(path.read_text())["cases"]
        for case in cases:
            try:
                check(case)
            except AssertionError as error:
                failures += 1
                print(f"{path.name}: {error}")
        print(f"{path.name}: {len(cases)} cases")
    sys.exit(1 if failures or not paths else 0)


if __name__ == "__main__":
    main()
