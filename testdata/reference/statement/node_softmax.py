"""Losses on softmaxes over groups of nodes."""

from mpmath import inf, log, mpf

from .cut import is_closed
from .numbers import ONE, Impossible, Number, focal, log_sum_exp, total
from .row import Loss, Term
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

        def parts():
            mass = self.masses(row, group)
            if v not in mass:
                raise Impossible
            if len(mass) == 1:
                return ()
            return mass[v], row.once(("sum", group), lambda: total(mass.values()))

        return Term(weight, (v, group), parts, self.fraction)

    def fraction(self, *parts):
        if not parts:
            return Number(0)
        p = parts[0] / parts[1]
        return focal(-p.log(), ONE - p, self.gamma)


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

        def conditional(u):
            mass = self.masses(row, frozenset(tree.siblings(u)))
            return mass[u] / total(mass.values()) if u in mass else Number(0)

        def product(v):
            result = ONE
            for u in tree.path(v) - tree.path(end):
                result = result * conditional(u)
            return result

        def cost(*sums):
            (p,) = sums
            return focal(-p.log(), ONE - p, self.gamma)

        return Term(weight, ("union", frozenset(nodes)), lambda: (total(map(product, nodes)),), cost)


class LevelwiseSoftmax(NodeSoftmax):
    def prepare(self):
        assert self.tree.is_tree
        self.w = node_weights(self.tree, self.options)
        self.level = {v: ("rank", self.tree.rank[v]) if v in self.tree.rank else self.tree.depth(v) for v in self.tree.nodes}

    def terms(self, row, label):
        (y,) = label.nodes
        for u in self.tree.path(y):
            yield self.share(row, self.w[u], u, [v for v in self.tree.nodes if self.level[v] == self.level[u]])


class DescendantSoftmax(NodeSoftmax):
    def terms(self, row, label):
        tree = self.tree
        (y,) = label.nodes

        def inclusive(c):
            return row.once(("inclusive", c), lambda: total(row.at(u).exp() for u in tree.under[c]))

        for a in tree.path(y):

            def parts(a=a):
                if row.at(a).value == -inf:
                    raise Impossible
                others = [c for b in tree.path(a) for c in tree.siblings(b) if c != b]
                return row.at(a), (total([row.at(a).exp()] + [inclusive(c) for c in others])).log()

            yield Term(mpf(1), (a,), parts, lambda score, whole: whole - score)


class SoftmaxMargin(NodeSoftmax):
    def prepare(self):
        self.tau = mpf(self.options.get("tau", 1))
        assert self.options.get("margin", "path_length") == "path_length"

    def terms(self, row, label):
        tree = self.tree
        (y,) = label.nodes

        def score(v):
            return Number(0) if v == tree.root else row.at(v)

        def parts():
            if score(y).value == -inf:
                raise Impossible
            # Parents before children, the order of the columns within a depth.
            order = sorted(tree.up, key=lambda v: (tree.depth(v), tree.column.get(v, -1)))
            raised = [score(v) + Number(self.tau * tree.edges_between(y, v)) for v in order]
            if not self.options.get("hard", False):
                return score(y), log_sum_exp(raised)
            best = max(raised, key=lambda s: s.value)
            row.ties += sum(s.value == best.value for s in raised) > 1
            return score(y), best

        yield Term(mpf(1), (y,), parts, lambda score, whole: whole - score)


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
