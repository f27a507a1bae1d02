"""A row of logits, a term of a loss, and the options that all losses share."""

from typing import Callable, NamedTuple

from mpmath import inf, mpf

from .labels import one
from .numbers import Impossible, Number


class Term(NamedTuple):
    """`weight` times `cost(*parts())`. Terms of the same key are the same but for the weight. The parts are what a
    gradient entry's summands come from where the target is a distribution."""

    weight: mpf
    key: tuple
    parts: Callable
    cost: Callable


class Loss:
    """What a loss says of itself; the base of them all."""

    columns = "classes"  # or "nodes"
    is_distribution = False
    is_multi = False

    def __init__(self, tree, options):
        self.tree, self.options = tree, options
        self.gamma = mpf(options.get("gamma", 0))
        self.eps = mpf(options.get("label_smoothing", 0))
        self.class_weight = [mpf(x) for x in options.get("class_weight") or [1] * len(tree.classes)]
        self.prepare()

    def prepare(self):
        pass

    def parse(self, text):
        from .labels import parse

        label = parse(self.tree, text)
        assert self.is_multi or not (label and label.is_multi), text
        return label

    def names(self):
        return self.tree.nodes if self.columns == "nodes" else self.tree.classes

    def terms(self, row, label):
        """The terms of a label that is no distribution."""
        raise NotImplementedError

    def meant(self, label):
        """The classes whose weights a label takes the mean of."""
        return self.tree.classes_of(label.nodes) or frozenset(range(len(self.tree.classes)))

    def count(self, label):
        """What a sample adds to the divisor of the mean."""
        if label is None:
            return mpf(0)
        if label.shares is not None:
            return mpf(1)
        return self.weight_of(label)

    def weight_of(self, label):
        S = self.meant(label)
        return sum(self.class_weight[k] for k in S) / len(S)


class Row:
    def __init__(self, loss, logits, place=0):
        self.loss, self.tree, self.place = loss, loss.tree, place
        self.s = [Number(z, name=None if z == -inf else j) for j, z in enumerate(logits)]
        classes = range(len(self.tree.classes))
        if loss.columns == "nodes":
            column = self.tree.column
            masked = {v for v, j in column.items() if logits[j] == -inf}
            self.open = frozenset(k for k in classes if not self.tree.above[self.tree.carrier[k]] & masked)
        else:
            self.open = frozenset(k for k in classes if logits[k] != -inf)
        self.ties = 0
        self.memory = {}
        self.is_distribution = False
        self._evaluate = {}

    def at(self, v):
        """The score of a node."""
        return self.s[self.tree.column[v]]

    def once(self, key, make):
        if key not in self.memory:
            self.memory[key] = make()
        return self.memory[key]

    def extreme(self, nodes, sign):
        """The largest (sign 1) or smallest (sign -1) score, of the first node in the order of the columns."""
        scores = [self.at(v) for v in sorted(nodes, key=self.tree.column.get)]
        best = max(scores, key=lambda s: sign * s.value)
        self.ties += abs(best.value) != inf and sum(s.value == best.value for s in scores) > 1
        return best

    def weighted(self, label):
        """[(weight, label that is no distribution)], with the options."""
        loss, c, eps = self.loss, self.loss.class_weight, self.loss.eps
        if label.shares is not None:
            self.is_distribution = True
            mass = sum(label.shares[k] for k in self.open)
            if mass == 0:
                raise Impossible
            result = [((1 - eps) * c[k] * label.shares[k] / mass, one(self.tree, k)) for k in self.open]
        else:
            result = [((1 - eps) * loss.weight_of(label), label)]
        if eps:
            self.is_distribution = True
            result += [(eps / len(c) * c[k], one(self.tree, k)) for k in self.open]
        return [(w, a) for w, a in result if w != 0]

    def evaluate(self, label):
        """The loss, {column: derivative} and the magnitude."""
        try:
            weights, made = {}, {}
            self.is_distribution = self.loss.is_distribution
            for w, part in self.weighted(label):
                if not self.open and not self.loss.is_multi:
                    raise Impossible
                for term in self.loss.terms(self, part):
                    if w * term.weight == 0:
                        continue
                    if term.key not in made:
                        parts = term.parts()
                        made[term.key] = parts, term.cost, term.cost(*parts)
                        weights[term.key] = mpf(0)
                    weights[term.key] += w * term.weight
        except Impossible:
            return mpf(inf), {}, mpf(0)
        value, slope, summands = mpf(0), {}, [mpf(0)]
        for key, (parts, cost, whole) in made.items():
            w = weights[key]
            value += w * whole.value
            gradient = whole.gradient()
            for j, s in gradient.items():
                slope[j] = slope.get(j, 0) + w * s
            if not self.is_distribution or len(parts) < 2:
                summands += [abs(w * s) for s in gradient.values()]
                continue
            for i in range(len(parts)):
                alone = cost(*(p if i == j else p.frozen() for j, p in enumerate(parts)))
                summands += [abs(w * s) for s in alone.gradient().values()]
        return value, slope, max(summands)
