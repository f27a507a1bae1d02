"""A row of logits, a term of a loss, and the options that all losses share."""

from typing import Callable, NamedTuple

from mpmath import inf, mpf

from . import labels
from .numbers import ONE, Impossible, Number, focal


class Term(NamedTuple):
    """`weight` times `make().value`. Terms of the same key are the same but for the weight."""

    weight: mpf
    key: tuple
    make: Callable


class Cost:
    """The value of a term, and the numbers whose derivatives are the summands of its gradient."""

    def __init__(self, value, of_distribution=None):
        self.value = value
        self.summands = lambda: [value]
        self.of_distribution = of_distribution or self.summands


class Fraction(Cost):
    """-(1 - P)^gamma log P of P = inside / (inside + outside). In a distribution its summands come from the inside and
    from the whole."""

    def __init__(self, inside, outside, gamma):
        self.inside, self.outside, self.gamma = inside, outside, gamma
        super().__init__(self.cost(inside, outside), lambda: halves(self.of_whole, inside, inside + outside))

    def apart(self):
        """The summands from the inside and the outside where they meet in the same entries."""
        self.summands = lambda: halves(self.cost, self.inside, self.outside)
        return self

    def cost(self, inside, outside):
        whole = inside + outside
        return focal(whole.log() - inside.log(), outside / whole, self.gamma)

    def of_whole(self, inside, whole):
        p = inside / whole
        return focal(-p.log(), ONE - p, self.gamma)


class Nothing(Cost):
    """Of a certainty."""

    def __init__(self):
        super().__init__(Number(0))

    def apart(self):
        return self


def halves(f, a, b):
    return [f(a, b.frozen()), f(a.frozen(), b)]


NOTHING = Nothing()


class Loss:
    """What a loss says of itself; the base of them all."""

    columns = "classes"  # or "nodes"
    is_distribution = False
    is_multi = False  # takes multi-label labels
    is_over_classes = False  # one softmax over the classes

    def __init__(self, tree, options):
        self.tree, self.options = tree, options
        self.gamma = mpf(options.get("gamma", 0))
        self.eps = mpf(options.get("label_smoothing", 0))
        self.class_weight = [mpf(x) for x in options.get("class_weight") or [1] * len(tree.classes)]
        self.prepare()

    def prepare(self):
        pass

    def parse(self, text):
        label = labels.parse(self.tree, text)
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
        self.memory = {}
        self.is_distribution = False

    def at(self, v):
        """The score of a node."""
        return self.s[self.tree.column[v]]

    def once(self, key, make):
        if key not in self.memory:
            self.memory[key] = make()
        return self.memory[key]

    def extreme(self, nodes, sign):
        """The largest (sign 1) or smallest (sign -1) score, of the first node in hierarchy order."""
        return max((self.at(v) for v in sorted(nodes, key=self.tree.order.get)), key=lambda s: sign * s.value)

    def weighted(self, label):
        """[(weight, label that is no distribution)], with the options."""
        loss, c, eps = self.loss, self.loss.class_weight, self.loss.eps
        if label.shares is not None:
            self.is_distribution = True
            mass = sum(label.shares[k] for k in self.open)
            if mass == 0:
                raise Impossible
            result = [((1 - eps) * c[k] * label.shares[k] / mass, labels.one(self.tree, k)) for k in self.open]
        else:
            result = [((1 - eps) * loss.weight_of(label), label)]
        if eps:
            self.is_distribution = True
            result += [(eps / len(c) * c[k], labels.one(self.tree, k)) for k in self.open]
        return [(w, a) for w, a in result if w != 0]

    def evaluate(self, label):
        """The loss, {column: derivative} and the magnitude."""
        try:
            weights, made = {}, {}
            self.is_distribution = self.loss.is_distribution
            for w, part in self.weighted(label):
                if self.loss.is_over_classes and not self.open:
                    raise Impossible
                for term in self.loss.terms(self, part):
                    if w * term.weight == 0:
                        continue
                    if term.key not in made:
                        made[term.key], weights[term.key] = term.make(), mpf(0)
                    weights[term.key] += w * term.weight
        except Impossible:
            return mpf(inf), {}, mpf(0)
        value, slope, summands = mpf(0), {}, [mpf(0)]
        for key, cost in made.items():
            w = weights[key]
            value += w * cost.value.value
            for j, d in cost.value.gradient().items():
                slope[j] = slope.get(j, 0) + w * d
            for summand in cost.of_distribution() if self.is_distribution else cost.summands():
                summands += [abs(w * d) for d in summand.gradient().values()]
        return value, slope, max(summands)
