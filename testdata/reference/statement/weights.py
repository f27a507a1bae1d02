"""Weights of nodes, and of superclasses on classes."""

import json
from functools import lru_cache

from mpmath import exp, mpf


def node_weights(tree, options, default="uniform"):
    """{node: weight} without the root."""
    return _node_weights(tree, json.dumps(options.get("weights", default)))


@lru_cache(maxsize=64)
def _node_weights(tree, how):
    how = json.loads(how)
    nodes = tree.nodes
    if how == "uniform":
        return {v: mpf(1) for v in nodes}
    if how == "leaves":
        return {v: mpf(v in tree.carrier) for v in nodes}
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


class Lambda:
    """The weights of hierarchical cross-entropy."""

    def __init__(self, tree, options, alpha):
        self.tree, self.alpha = tree, mpf(options.get("alpha", alpha))
        self.how = options.get("weighting", "depth")
        self._decay = {}

    def decay(self, distance):
        if distance not in self._decay:
            self._decay[distance] = exp(-self.alpha * distance)
        return self._decay[distance]

    def at(self, depth, height):
        if self.how == "depth":
            return self.decay(depth - 1)
        if self.how == "height":
            return self.decay(height)
        return self.decay(depth) / sum(self.decay(self.tree.depth(v)) for v in self.tree.up)

    def of(self, v):
        return self.at(self.tree.depth(v), self.tree.height(v))

    def of_union(self, end, nodes):
        return self.at(self.tree.depth(end) + 1, max(map(self.tree.height, nodes)))


class Superclasses:
    """The weights of a map; each class's sum to 1, or with `by_superclass` each superclass's."""

    def __init__(self, tree, options, by_superclass):
        self.weight = {}
        for name, superclass, w in options.get("map") or []:
            k = tree.classes.index(name)
            assert (k, superclass) not in self.weight, (name, superclass)
            self.weight[k, superclass] = mpf(w)
        self.names = list(dict.fromkeys(v for _, v in self.weight))
        self.weight = {pair: w for pair, w in self.weight.items() if w}
        axis = 1 if by_superclass else 0
        sums = {}
        for pair, w in self.weight.items():
            sums[pair[axis]] = sums.get(pair[axis], 0) + w
        if options.get("normalize"):
            self.weight = {pair: w / sums[pair[axis]] for pair, w in self.weight.items()}
        else:
            assert all(abs(s - 1) <= 1e-6 for s in sums.values()), sums

    def of_class(self, k):
        return {v: w for (j, v), w in self.weight.items() if j == k}

    def of_superclass(self, v):
        return {k: w for (k, u), w in self.weight.items() if u == v}
