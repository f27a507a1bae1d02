"""Losses on softmaxes over groups of nodes."""

from mpmath import inf, log, mpf

from .cut import is_closed
from .numbers import ONE, Impossible, Number, focal, log_sum_exp, total
from .row import NOTHING, Cost, Fraction, Loss, Term
from .weights import Lambda, node_weights


class NodeSoftmax(Loss):
    columns = "nodes"

    def scores(self, row, group):
        return {v: row.at(v) for v in group}

    def masses(self, row, group):
        """{node: a number proportional to its probability}, of the nodes of a group that are not masked."""

        def make():
            scores = {v: s for v, s in self.scores(row, group).items() if s.value != -inf}
            highest = Number(max((s.value for s in scores.values()), default=0))
            return {v: (s - highest).exp() for v, s in scores.items()}

        return row.once(("masses", group), make)

    def share(self, row, weight, v, group):
        """-(1 - P)^gamma log P(v) in a softmax over a group of nodes."""
        group = frozenset(group)

        def make():
            mass = self.masses(row, group)
            if v not in mass:
                raise Impossible
            if len(mass) == 1:
                return NOTHING
            return Fraction(mass[v], total(m for u, m in mass.items() if u != v), self.gamma)

        return Term(weight, (v, group), make)


class SiblingSoftmax(NodeSoftmax):
    def prepare(self):
        assert self.tree.is_tree
        self.lambdas = Lambda(self.tree, self.options, 0)
        self.tau = mpf(self.options.get("tau", 0))
        self.frequency = {v: mpf(n) for v, n in self.options.get("frequencies") or []}

    def scores(self, row, group):
        scores = super().scores(row, group)
        if self.tau == 0 or len(group) == 1:
            return scores
        whole = sum(self.frequency[v] for v in group)
        return {v: s + Number(self.tau * log(self.frequency[v] / whole)) for v, s in scores.items()}

    def terms(self, row, label):
        tree = self.tree
        end = tree.lca(label.nodes)
        for u in tree.path(end):
            yield self.share(row, self.lambdas.of(u), u, tree.siblings(u))
        if tree.classes_of(label.nodes) != tree.below[end]:
            yield self.union(row, self.lambdas.of_union(end, label.nodes), end, label.nodes)

    def union(self, row, weight, end, nodes):
        """-(1 - P)^gamma log P(nodes | their lca)."""
        tree = self.tree

        def product(v):
            result = ONE
            for u in tree.path(v) - tree.path(end):
                mass = self.masses(row, frozenset(tree.siblings(u)))
                if u not in mass:
                    return Number(0)
                result = result * mass[u] / total(mass.values())
            return result

        def make():
            p = total(map(product, nodes))
            return Cost(focal(-p.log(), ONE - p, self.gamma))

        return Term(weight, ("union", frozenset(nodes)), make)


class LevelwiseSoftmax(NodeSoftmax):
    def prepare(self):
        assert self.tree.is_tree
        self.w = node_weights(self.tree, self.options)
        self.level = {
            v: ("rank", self.tree.rank[v]) if v in self.tree.rank else self.tree.depth(v) for v in self.tree.nodes
        }

    def terms(self, row, label):
        (y,) = label.nodes
        for u in self.tree.path(y):
            yield self.share(row, self.w[u], u, [v for v in self.tree.nodes if self.level[v] == self.level[u]])


def difference(score, whole):
    return Cost(whole - score, lambda: [whole, score])


class DescendantSoftmax(NodeSoftmax):
    def terms(self, row, label):
        tree = self.tree
        (y,) = label.nodes

        def inclusive(c):
            return row.once(("inclusive", c), lambda: total(row.at(u).exp() for u in tree.under[c]))

        for a in tree.path(y):

            def make(a=a):
                if row.at(a).value == -inf:
                    raise Impossible
                others = [c for b in tree.path(a) for c in tree.siblings(b) if c != b]
                if not any(row.at(u).value > -inf for c in others for u in tree.under[c]):
                    return NOTHING
                return difference(row.at(a), total([row.at(a).exp()] + [inclusive(c) for c in others]).log())

            yield Term(mpf(1), (a,), make)


class SoftmaxMargin(NodeSoftmax):
    def prepare(self):
        self.tau = mpf(self.options.get("tau", 1))
        assert self.options.get("margin", "path_length") == "path_length"

    def terms(self, row, label):
        tree = self.tree
        (y,) = label.nodes

        def score(v):
            return Number(0) if v == tree.root else row.at(v)

        def make():
            if score(y).value == -inf:
                raise Impossible
            raised = [score(v) + Number(self.tau * tree.edges_between(y, v)) for v in tree.order]
            if not self.options.get("hard", False):
                return difference(score(y), log_sum_exp(raised))
            best = max(raised, key=lambda s: s.value)
            return difference(score(y), best)

        yield Term(mpf(1), (y,), make)


class RandomCut(NodeSoftmax):
    def terms(self, row, label):
        tree = self.tree
        (y,) = label.nodes
        assert not tree.down[y]
        p, seed = self.options.get("p", 0.1), self.options.get("seed", 0)
        internal = [v for v in tree.nodes if tree.down[v]]
        closed = {v for v in internal if is_closed(p, seed, 0, row.place, tree.column[v])}
        ends = [v for v in tree.nodes if (v in closed or not tree.down[v]) and not (tree.path(v) - {v}) & closed]
        (target,) = tree.path(y) & set(ends)
        yield self.share(row, mpf(1), target, ends)
