"""Losses of a yes or no a node."""

from mpmath import mpf

from .numbers import focal, total
from .row import Cost, Loss, Term
from .weights import Superclasses, node_weights


class Sigmoid(Loss):
    """A sum over nodes, of which some are positive and some negative. Terms have as key (node, is positive)."""

    is_multi = True

    def prepare(self):
        self.w = node_weights(self.tree, self.options)

    def positive(self, label):
        return frozenset().union(*(self.tree.path(v) for v in label.nodes))

    def ends(self, label):
        """The positive nodes without a positive child."""
        positive = self.positive(label)
        return [v for v in positive if not positive & set(self.tree.down[v])]

    def is_root(self, label):
        """The root as a single label: nothing is above it, and all else is at or below."""
        return not label.is_multi and label.nodes == (self.tree.root,)

    def under_ends(self, label):
        return frozenset().union(*(self.tree.under[v] - {v} for v in self.ends(label)))

    def logistic(self, weight, key, score):
        """-(1 - p)^gamma log p of p = sigma(score())."""

        def make():
            s = score()
            return Cost(focal((-s).softplus(), (-s).sigmoid(), self.gamma))

        return Term(weight, key, make)


class ConditionalSigmoid(Sigmoid):
    columns = "nodes"

    def terms(self, row, label):
        tree, positive = self.tree, self.positive(label)
        if self.is_root(label):
            return
        above = [u for u in tree.up if u == tree.root or u in positive and positive & set(tree.down[u])]
        for v in (v for u in above for v in tree.down[u] if v not in label.masked):
            if v in positive:
                yield self.logistic(self.w[v], (v, True), lambda v=v: row.at(v))
            else:
                yield self.logistic(self.w[v], (v, False), lambda v=v: -row.at(v))


class TreeMin(Sigmoid):
    columns = "nodes"

    def terms(self, row, label):
        tree, positive = self.tree, self.positive(label)
        if self.is_root(label):
            return
        unknown = frozenset() if label.is_multi else self.under_ends(label)
        for v in (v for v in tree.nodes if v not in label.masked | unknown):
            if v in positive:
                yield self.logistic(self.w[v], (v, True), lambda v=v: row.extreme(tree.path(v), -1))
            else:
                yield self.logistic(self.w[v], (v, False), lambda v=v: -row.extreme(tree.under[v], 1))


class BinaryCrossEntropy(Sigmoid):
    def prepare(self):
        super().prepare()
        self.form = self.options.get("form", "independent")
        self.columns = "nodes" if self.form in ("independent", "max") else "classes"
        if self.form == "weighted":
            self.map = Superclasses(self.tree, self.options, by_superclass=True)
            assert self.options.get("weights", "uniform") == "uniform"
            order = [("superclass", v) for v in self.map.names]
            order += [("class", k) for k in range(len(self.tree.classes))]
        else:
            order = self.tree.nodes
        factor = self.options.get("pos_weight")
        factors = factor if isinstance(factor, list) else [1 if factor is None else factor] * len(order)
        assert len(factors) == len(order)
        self.pos_weight = dict(zip(order, map(mpf, factors)))

    def unknown(self, label):
        return self.under_ends(label) if self.options.get("incomplete", False) else frozenset()

    def taking_part(self, label):
        """The terms that are not masked, not unknown and of weight above 0."""
        without = label.masked | self.unknown(label)
        if self.form != "weighted":
            return [v for v in self.tree.nodes if v not in without and self.w[v] > 0]
        carrier = self.tree.carrier
        unknown = self.unknown(label)
        return [
            (kind, v)
            for kind, v in self.pos_weight
            if (carrier[v] not in without if kind == "class" else v not in label.masked)
            and not (kind == "superclass" and any(carrier[k] in unknown for k in self.map.of_superclass(v)))
        ]

    def count(self, label):
        if label is None:
            return mpf(0)
        if label.shares is not None:  # leaves, below which nothing is unknown
            label = label._replace(nodes=())
        return mpf(len(self.taking_part(label)))

    def terms(self, row, label):
        state = getattr(self, self.form)
        for v in self.taking_part(label):
            yield from state(row, v, self.positive(label))

    def independent(self, row, v, positive):
        if v in positive:
            yield self.logistic(self.w[v] * self.pos_weight[v], (v, True), lambda: row.at(v))
        else:
            yield self.logistic(self.w[v], (v, False), lambda: -row.at(v))

    def max(self, row, v, positive):
        under = self.tree.under[v]
        if v in positive:
            key = v, under & positive
            yield self.logistic(self.w[v] * self.pos_weight[v], key, lambda: row.extreme(under & positive, 1))
        else:
            yield self.logistic(self.w[v], (v, False), lambda: -row.extreme(under, 1))

    def noisy_or(self, row, v, positive):
        def none():
            return row.once(v, lambda: total(row.s[k].softplus() for k in self.tree.below[v]))

        def yes():
            S = none()
            return Cost(focal(-(-(-S).expm1()).log(), (-S).exp(), self.gamma))

        def no():
            S = none()
            return Cost(focal(S, -(-S).expm1(), self.gamma))

        if v in positive:
            yield Term(self.w[v] * self.pos_weight[v], (v, True), yes)
        else:
            yield Term(self.w[v], (v, False), no)

    def weighted(self, row, term, positive):
        kind, v = term
        column = {v: mpf(1)} if kind == "class" else self.map.of_superclass(v)
        t = sum((w for k, w in column.items() if self.tree.carrier[k] in positive), mpf(0))
        rest = sum((w for k, w in column.items() if self.tree.carrier[k] not in positive), mpf(0))

        def make(sign):
            return Cost(focal(-mean(sign).log(), mean(-sign), self.gamma))

        def mean(sign):
            return total(row.s[k].scaled(sign).sigmoid().scaled(w) for k, w in column.items())

        yield Term(t * self.pos_weight[term], (term, True), lambda: make(1))
        yield Term(rest, (term, False), lambda: make(-1))
