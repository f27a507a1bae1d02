"""Losses on a softmax over the classes."""

from mpmath import exp, mpf

from .labels import Label
from .numbers import Impossible, Number, total
from .row import NOTHING, Fraction, Loss, Term
from .weights import Lambda, Superclasses, node_weights


class ClassSoftmax(Loss):
    is_over_classes = True

    def score(self, row, k):
        return row.s[k]

    def masses(self, row):
        """{class: a number proportional to its probability}, of the classes that are not masked."""

        def make():
            scores = {k: self.score(row, k) for k in row.open}
            highest = Number(max((s.value for s in scores.values()), default=0))
            return {k: (s - highest).exp() for k, s in scores.items()}

        return row.once("masses", make)

    def share(self, row, weight, classes, given=None):
        """-(1 - P)^gamma log P(classes | given)."""
        given = row.open if given is None else given & row.open
        classes = frozenset(classes) & given
        return Term(weight, (classes, given), lambda: self.cost(row, dict.fromkeys(classes, 1), given))

    def cost(self, row, inside, given):
        """`inside` are shares of classes."""
        outside = {k: 1 - inside.get(k, 0) for k in given if inside.get(k, 0) != 1}
        if not inside:
            raise Impossible
        if not outside:
            return NOTHING
        return Fraction(self.mass(row, inside), self.mass(row, outside), self.gamma)

    def mass(self, row, shares):
        masses = self.masses(row)
        return total(masses[k] if w == 1 else masses[k].scaled(w) for k, w in shares.items())


class MarginalCrossEntropy(ClassSoftmax):
    default_weights = "uniform"

    def prepare(self):
        self.w = node_weights(self.tree, self.options, self.default_weights)

    def terms(self, row, label):
        tree, w = self.tree, self.w
        U = frozenset.intersection(*(tree.path(a) for a in label.nodes))
        S = tree.classes_of(label.nodes)
        for u in U:
            yield self.share(row, w[u], tree.below[u])
        if self.options.get("unresolved", "label") == "label":
            r = max(sum(w[u] for u in tree.path(tree.carrier[k]) - U) for k in S)
            yield self.share(row, mpf(r), S)


class ParameterSharingSoftmax(MarginalCrossEntropy):
    columns = "nodes"
    default_weights = "leaves"

    def score(self, row, k):
        return total(row.at(u) for u in self.tree.path(self.tree.carrier[k]))


class HierarchicalCrossEntropy(ClassSoftmax):
    def prepare(self):
        self.lambdas = Lambda(self.tree, self.options, 0.1)

    def terms(self, row, label):
        tree = self.tree
        end = tree.lca(label.nodes)
        for u in tree.path(end):
            yield self.share(row, self.lambdas.of(u), tree.below[u], tree.below[tree.parent(u)])
        S = tree.classes_of(label.nodes)
        if S != tree.below[end]:
            yield self.share(row, self.lambdas.of_union(end, label.nodes), S, tree.below[end])


class SoftLabels(ClassSoftmax):
    is_distribution = True

    def terms(self, row, label):
        tree = self.tree
        (y,) = label.nodes
        if not tree.below[y] & row.open:
            raise Impossible
        beta, H = mpf(self.options.get("beta", 10)), tree.height(tree.root)
        q = {k: exp(-beta * tree.height(tree.lca([y, tree.carrier[k]])) / H) for k in row.open}
        for k in q:
            yield self.share(row, q[k] / sum(q.values()), {k})


class WeightedCrossEntropy(ClassSoftmax):
    def prepare(self):
        self.map = Superclasses(self.tree, self.options, by_superclass=False)
        self.leaf = mpf(self.options.get("leaf_weight", 1))
        self.superclass = mpf(self.options.get("superclass_weight", 1))
        if self.map.names:
            assert all(self.map.of_class(k) for k in range(len(self.tree.classes)))

    def parse(self, text):
        is_leaf = text in self.tree.carrier if isinstance(text, str) else True
        if not is_leaf and text in self.map.names:
            return Label(superclass=text)
        label = super().parse(text)
        if label is not None and label.shares is None and label.nodes[0] not in self.tree.carrier:
            assert label.nodes[0] in self.map.names, text
            return Label(superclass=label.nodes[0])
        return label

    def meant(self, label):
        if label.superclass is not None:
            return frozenset(self.map.of_superclass(label.superclass))
        return super().meant(label)

    def terms(self, row, label):
        if label.superclass is not None:
            yield self.super_share(row, self.superclass, label.superclass)
            return
        k = self.tree.carrier.index(label.nodes[0])
        yield self.share(row, self.leaf, {k})
        for v, w in self.map.of_class(k).items():
            yield self.super_share(row, self.superclass * w, v)

    def super_share(self, row, weight, v):
        """A class with a share between 0 and 1 is inside and outside: its summands are two."""
        shares = {k: w for k, w in self.map.of_superclass(v).items() if k in row.open}

        def make():
            made = self.cost(row, shares, row.open)
            return made if set(shares.values()) == {1} else made.apart()

        return Term(weight, ("superclass", v), make)
