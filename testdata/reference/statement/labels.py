"""What the text of a label means."""

from typing import NamedTuple, Optional

from mpmath import mpf


class Label(NamedTuple):
    nodes: tuple = ()  # a node, a union, or what is named of a multi-label label
    is_multi: bool = False
    masked: frozenset = frozenset()
    shares: Optional[dict] = None  # of a distribution
    superclass: Optional[str] = None  # of a map, maybe of no node


def node(tree, text):
    if text in tree.up:
        return text
    if text.startswith("="):
        return tree.carrier[tree.classes.index(text[1:])]
    names = text.split(" > ")
    assert all(a in tree.up[b] for a, b in zip(names, names[1:])), text
    return names[-1]


def parse(tree, label):
    """None where it is ignored."""
    if isinstance(label, dict):
        if "class" in label:
            return Label((tree.carrier[label["class"]],))
        if "soft" in label:
            return Label(shares={k: mpf(q) for k, q in enumerate(label["soft"])})
        named, masked = ([node(tree, v) for v in label.get(key, [])] for key in ("set", "masked"))
        return multi(tree, named, masked)
    if label == "":
        return None
    if label in tree.up:
        return Label((label,))
    if ";" in label:
        return multi(tree, [node(tree, part) for part in label.split(";") if part])
    nodes = [node(tree, part) for part in label.split("|")]
    return Label(tuple(v for v in dict.fromkeys(nodes) if not (tree.above[v] - {v}) & set(nodes)))


def multi(tree, named, masked=()):
    return Label(tuple(v for v in dict.fromkeys(named) if v != tree.root), True, frozenset(masked))


def one(tree, k):
    """The label of class k."""
    return Label((tree.carrier[k],))
