"""The hierarchy: nodes, classes, ancestors, depths."""


class Tree:
    """Nodes are strings; the leaf that carries an internal class "dog" is "=dog". The added root is None."""

    def __init__(self, spec):
        self.classes = spec["classes"]
        self.rank = spec.get("ranks", {})
        self.up, appeared = {c: [] for c in self.classes}, {}
        for child, parent in spec["edges"]:
            self.up.setdefault(parent, [])
            above = self.up.setdefault(child, [])
            if parent not in above:
                above.append(parent)
            appeared.update({child: None, parent: None})
        appeared.update({c: None for c in self.classes})
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
                self.carrier[k] = "=" + c
                assert self.carrier[k] not in self.up
                self.up[self.carrier[k]] = [c]
        # The columns of the forms that have a logit a node.
        self.nodes = [v for v in appeared if v in self.up and v != self.root]
        self.nodes += [v for v in self.carrier if v not in appeared]
        self.column = {v: j for j, v in enumerate(self.nodes)}
        self.down = {v: [] for v in self.up}
        for v, parents in self.up.items():
            for p in parents:
                self.down[p].append(v)
        self.above = {v: self._all_above(v) for v in self.up}
        self.under = {v: frozenset(u for u in self.up if v in self.above[u]) for v in self.up}
        self.below = {v: frozenset(k for k, c in enumerate(self.carrier) if v in self.above[c]) for v in self.up}
        self.is_tree = all(len(parents) <= 1 for parents in self.up.values())
        self._depth, self._height = {}, {}
        self.order = {v: i for i, v in enumerate(reversed(self._leaving(self.root, set())))}

    def _leaving(self, v, seen):
        """Nodes as a depth-first walk leaves them, the last child first. Reversed, this is the hierarchy order."""
        if v in seen:
            return []
        seen.add(v)
        children = sorted(self.down[v], key=self.column.get, reverse=True)
        return [u for c in children for u in self._leaving(c, seen)] + [v]

    def _all_above(self, v):
        seen, todo = set(), [v]
        while todo:
            u = todo.pop()
            if u not in seen:
                seen.add(u)
                todo += self.up[u]
        return frozenset(seen)

    def path(self, v):
        """A(v): the node and its ancestors without the root."""
        return self.above[v] - {self.root}

    def depth(self, v):
        if v not in self._depth:
            self._depth[v] = max((self.depth(p) + 1 for p in self.up[v]), default=0)
        return self._depth[v]

    def height(self, v):
        if v not in self._height:
            self._height[v] = max((self.height(c) + 1 for c in self.down[v]), default=0)
        return self._height[v]

    def parent(self, v):
        (p,) = self.up[v]
        return p

    def siblings(self, v):
        """The children of its parent, itself among them."""
        return self.down[self.parent(v)]

    def lca(self, nodes):
        common = frozenset.intersection(*(self.above[v] for v in nodes))
        best = min((len(self.below[u]), -self.depth(u)) for u in common)
        ties = [u for u in common if (len(self.below[u]), -self.depth(u)) == best]
        # The third criterion is the order of the nodes, which is an engine's own affair: no case may hang on it.
        assert len({self.height(u) for u in ties}) == 1, ties
        return ties[0]

    def edges_between(self, a, b):
        assert self.is_tree
        return len(self.above[a] ^ self.above[b])

    def classes_of(self, nodes):
        return frozenset().union(*(self.below[v] for v in nodes))
