"""What all levels of a hierarchy cost in PyTorch, beside memcpy and what else computes them; `cargo xtask bench` runs it.

    python benchmarks/contenders.py DIR     # DIR/cases.csv and the hierarchies beside it, from `klados-bench plan DIR`

Reads the cases that `klados-bench` planned and writes `DIR/python.csv`, with the columns of its `rust.csv`. Every
contender is checked before it is timed: all against klados' composed path in float64, where they compute the same loss. Then
they take turns, and a contender's figure is the median over the rounds of its time over that of memcpy in the same round.

memcpy          the logits are read and as many bytes are written
flat            torch.nn.functional.cross_entropy, of the classes alone
klados          MarginalCrossEntropyLoss, all levels, the fused path
label's         log_softmax, then at each level logsumexp over the members of the label's own superclass, from padded lists
all             the same over the members of every superclass
masked          logsumexp of log-probabilities of which a mask leaves each superclass its members, all superclasses at once
loop            what forums give: the same in a loop over the superclasses
index_add       probabilities summed by index_add, log(p + 1e-12): loses the gradient of the worst mistakes
matmul          probabilities times a 0/1 matrix, log(p + 1e-12): likewise
hierarchicalsoftmax
                the package of that name: softmaxes over siblings, a loop over the rows; beside it klados siblings, the
                same loss on the same columns

Each once as it is and once under `torch.compile`, where a C++ compiler is there.
"""

from __future__ import annotations

import csv
import importlib.util
import os
import shutil
import sys
import time
from pathlib import Path
from typing import Callable, Iterator

os.environ.setdefault("OMP_WAIT_POLICY", "passive")

import torch
from torch import Tensor
from torch.nn import functional as F

import klados
from klados.torch import MarginalCrossEntropyLoss, SiblingSoftmaxLoss

DTYPES = {"f32": torch.float32, "f64": torch.float64, "f16": torch.float16, "bf16": torch.bfloat16}
# What a contender may hold at once, in logits: the dense ones are left out where they would take gigabytes.
ELEMENTS = 1 << 28
TURN = 1.5e-3  # seconds at least that a turn takes
SECONDS = 2.0  # that the rounds of a case go on for, between ROUNDS
ROUNDS = (7, 101)
SLOW = 0.3  # seconds of a step from which on three rounds are enough
COMPILED = ["flat", "label's", "all", "masked", "index_add", "matmul"]

Loss = Callable[[Tensor, Tensor], Tensor]


class Level:
    """The superclasses of one depth: of each class its own, of which there is none for classes that end above."""

    def __init__(self, above: Tensor, dtype: torch.dtype) -> None:
        self.has = (above >= 0).to(dtype)
        # Classes without a superclass are a last one, which weighs nothing.
        self.above = torch.where(above >= 0, above, above.max() + 1)
        sizes = self.above.bincount()
        self.count, widest = len(sizes), int(sizes.max())
        self.padded = self.count * widest
        if self.padded <= 64 * len(above):
            order = torch.argsort(self.above, stable=True)
            member = torch.arange(len(above)) - (sizes.cumsum(0) - sizes)[self.above[order]]
            self.members = torch.zeros(self.count, widest, dtype=torch.long)
            self.members[self.above[order], member] = order
            self.outside = torch.zeros(self.members.shape, dtype=dtype)
            self.outside[torch.arange(widest) >= sizes[:, None]] = -torch.inf

    def dense(self, dtype: torch.dtype) -> None:
        """Masks and a matrix, of superclasses times classes."""
        self.mask = F.one_hot(self.above).T.bool()
        self.matrix = self.mask.T.to(dtype)


def levels(hierarchy: klados.Hierarchy, dtype: torch.dtype) -> list[Level]:
    """From the top down, without the root and without the classes themselves."""
    depths = torch.as_tensor(hierarchy.depths)
    nodes = torch.as_tensor(hierarchy.class_nodes)
    closure = torch.as_tensor(hierarchy.closure).long()
    node, of_class = closure[:, 0], closure[:, 1]
    found = []
    for depth in range(1, int(depths[nodes].max())):
        at = (depths[node] == depth) & (node != nodes[of_class])
        above = torch.full((len(nodes),), -1)
        above[of_class[at]] = torch.unique(node[at], return_inverse=True)[1]
        found.append(Level(above, dtype))
    return found


class Contenders:
    def __init__(self, hierarchy: klados.Hierarchy, batch: int, dtype: torch.dtype) -> None:
        self.levels = levels(hierarchy, dtype) if dtype == torch.float32 or dtype == torch.float64 else []
        self.loss = MarginalCrossEntropyLoss(hierarchy)
        classes = hierarchy.num_classes
        self.names = ["flat", "klados"]
        if not self.levels or dtype != torch.float32:
            return
        padded = max(level.padded for level in self.levels)
        widest = max(level.count for level in self.levels)
        if all(hasattr(level, "members") for level in self.levels):
            self.names.append("label's")
            if batch * padded <= ELEMENTS:
                self.names.append("all")
        self.names.append("index_add")
        if classes * widest <= ELEMENTS // 16:
            for level in self.levels:
                level.dense(dtype)
            self.names.append("matmul")
            if batch * classes * widest <= ELEMENTS:
                self.names += ["masked", "loop"]

    def flat(self, logits: Tensor, target: Tensor) -> Tensor:
        return F.cross_entropy(logits, target)

    def klados(self, logits: Tensor, target: Tensor) -> Tensor:
        return self.loss(logits, target)

    def labels(self, logits: Tensor, target: Tensor) -> Tensor:
        log_p = logits.log_softmax(1)
        loss = F.nll_loss(log_p, target)
        for level in self.levels:
            own = level.above[target]
            masses = (log_p.gather(1, level.members[own]) + level.outside[own]).logsumexp(1)
            loss = loss - (masses * level.has[target]).mean()
        return loss

    def all(self, logits: Tensor, target: Tensor) -> Tensor:
        log_p = logits.log_softmax(1)
        loss = F.nll_loss(log_p, target)
        for level in self.levels:
            masses = (log_p[:, level.members] + level.outside).logsumexp(2)
            loss = loss + self.at(level, masses, target)
        return loss

    def masked(self, logits: Tensor, target: Tensor) -> Tensor:
        log_p = logits.log_softmax(1)
        loss = F.nll_loss(log_p, target)
        for level in self.levels:
            masses = log_p[:, None].masked_fill(~level.mask, -torch.inf).logsumexp(2)
            loss = loss + self.at(level, masses, target)
        return loss

    def loop(self, logits: Tensor, target: Tensor) -> Tensor:
        log_p = logits.log_softmax(1)
        loss = F.nll_loss(log_p, target)
        for level in self.levels:
            masses = [log_p.masked_fill(~mask, -torch.inf).logsumexp(1) for mask in level.mask]
            loss = loss + self.at(level, torch.stack(masses, 1), target)
        return loss

    def index_add(self, logits: Tensor, target: Tensor) -> Tensor:
        p = logits.softmax(1)
        loss = F.cross_entropy(logits, target)
        for level in self.levels:
            sums = torch.zeros(len(p), level.count, dtype=p.dtype).index_add(1, level.above, p)
            loss = loss + self.at(level, (sums + 1e-12).log(), target)
        return loss

    def matmul(self, logits: Tensor, target: Tensor) -> Tensor:
        p = logits.softmax(1)
        loss = F.cross_entropy(logits, target)
        for level in self.levels:
            loss = loss + self.at(level, (p @ level.matrix + 1e-12).log(), target)
        return loss

    @staticmethod
    def at(level: Level, log_p: Tensor, target: Tensor) -> Tensor:
        """What a level costs."""
        own = log_p.gather(1, level.above[target][:, None])[:, 0]
        return -(own * level.has[target]).mean()

    def run(self, name: str) -> Loss:
        return self.labels if name == "label's" else getattr(self, name)


def step(run: Loss, logits: Tensor, target: Tensor) -> tuple[Tensor, Tensor | None]:
    logits.grad = None
    loss = run(logits, target)
    loss.backward()
    return loss.detach(), logits.grad


def check(name: str, run: Loss, exact: dict[str, Loss], logits: Tensor, target: Tensor) -> None:
    """A few rows against klados' composed path, or torch's own loss, in float64; that path is held to the golden files."""
    few = logits.detach()[:4].clone().requires_grad_()
    wide = few.detach().double().requires_grad_()
    loss, grad = step(run, few, target[:4])
    expected, expected_grad = step(exact["flat" if name == "flat" else "all"], wide, target[:4])
    half = logits.dtype in (torch.float16, torch.bfloat16)
    relative = 2.0**-7 if half else 2e-5
    torch.testing.assert_close(loss.double(), expected, rtol=relative, atol=relative)
    torch.testing.assert_close(grad.double(), expected_grad, rtol=relative, atol=relative)


def times(contenders: dict[str, Callable[[], object]]) -> tuple[dict[str, tuple[float, float]], int]:
    """Milliseconds and times of the first, which is memcpy, of each; and the number of rounds."""
    steps, slow = {}, set[str]()
    for name, run in contenders.items():
        run()
        begun = time.perf_counter()
        run()
        took = max(time.perf_counter() - begun, 1e-9)
        steps[name] = min(max(1, int(TURN / took)), 10_000)
        if took > SLOW:
            slow.add(name)
    turns: dict[str, list[float]] = {name: [] for name in contenders}
    begun, rounds = time.perf_counter(), 0
    while rounds < ROUNDS[0] or (rounds < ROUNDS[1] and time.perf_counter() - begun < SECONDS):
        for name, run in contenders.items():
            if name in slow and rounds >= 3:
                continue
            started = time.perf_counter()
            for _ in range(steps[name]):
                run()
            turns[name].append((time.perf_counter() - started) / steps[name])
        rounds += 1
    middle = lambda values: sorted(values)[len(values) // 2]  # noqa: E731
    first = turns["memcpy"]
    found = {name: (middle(own) * 1e3, middle([a / b for a, b in zip(own, first)])) for name, own in turns.items()}
    return found, rounds


def siblings(hierarchy: klados.Hierarchy, batch: int) -> Iterator[tuple[str, Callable[[], object]]]:
    """The package hierarchicalsoftmax, and klados' loss of that formula on the same columns."""
    from hierarchicalsoftmax import HierarchicalSoftmaxLoss, SoftmaxNode

    made = {0: SoftmaxNode("0")}
    for parent, child in hierarchy.edges.tolist():
        made[child] = SoftmaxNode(str(child), parent=made[parent])
    root = made[0]
    root.set_indexes()
    named = hierarchy.with_node_columns([hierarchy.path(int(node.name)) for node in root.node_list])
    logits = (4 * torch.randn(batch, len(root.node_list))).requires_grad_()
    classes = (hierarchy.num_classes // 3 + 7919 * torch.arange(batch)) % hierarchy.num_classes
    nodes = torch.as_tensor(hierarchy.class_nodes)[classes].tolist()
    theirs_of = {int(node.name): at for at, node in enumerate(root.node_list)}
    theirs, ours = HierarchicalSoftmaxLoss(root), SiblingSoftmaxLoss(named)
    columns = {node: at for at, node in enumerate(named.node_columns.tolist())}
    if [columns[node] for node in theirs_of] != list(theirs_of.values()):
        raise ValueError("the columns are in another order")
    target = torch.tensor([theirs_of[node] for node in nodes])
    expected = step(theirs, logits, target)
    found = step(ours, logits, classes)
    torch.testing.assert_close(found[0], expected[0], rtol=2e-5, atol=2e-5)
    torch.testing.assert_close(found[1], expected[1], rtol=2e-5, atol=2e-5)
    yield "hierarchicalsoftmax", lambda: step(theirs, logits, target)
    yield "klados siblings", lambda: step(ours, logits, classes)


def measured(case: dict[str, str], folder: Path, skipped: set[str]) -> Iterator[dict[str, object]]:
    batch, classes, threads = int(case["batch"]), int(case["classes"]), int(case["threads"])
    torch.set_num_threads(threads)
    klados.set_num_threads(threads)
    torch.manual_seed(0)
    hierarchy = klados.Hierarchy.from_json((folder / f"{case['hierarchy']}.{case['order']}.json").read_text("utf-8"))
    dtype = DTYPES[case["dtype"]]
    contenders = Contenders(hierarchy, batch, dtype)
    logits = (4 * torch.randn(batch, classes)).to(dtype).requires_grad_()
    target = (classes // 3 + 7919 * torch.arange(batch)) % classes
    exact: dict[str, Loss] = {"flat": F.cross_entropy, "all": MarginalCrossEntropyLoss(hierarchy, impl="composed")}
    copy, given = torch.empty_like(logits, requires_grad=False), logits.detach()
    runs: dict[str, Callable[[], object]] = {"memcpy": lambda: copy.copy_(given)}
    for name in contenders.names:
        losses = {name: contenders.run(name)}
        if case["compiled"] == "true" and name in COMPILED:
            if shutil.which("c++") is None:
                skipped.add("compiled contenders: there is no C++ compiler")
            else:
                losses[f"{name}, compiled"] = torch.compile(contenders.run(name))
        for title, loss in losses.items():
            try:
                check(name, loss, exact, logits, target)
            except AssertionError as error:
                # log(p + 1e-12) is another number where p is small: that is part of what it costs.
                if name not in ("index_add", "matmul"):
                    raise
                skipped.add(f"the check of {name} on {case['hierarchy']}: {str(error).splitlines()[0]}")
            runs[title] = lambda loss=loss: step(loss, logits, target)
    small = case["series"] == "speed" and case["threads"] == "1" and batch * classes <= 1 << 19 and classes <= 1000
    if small and hierarchy.is_tree:
        if importlib.util.find_spec("hierarchicalsoftmax") is None:
            skipped.add("hierarchicalsoftmax: the package is not installed")
        else:
            runs.update(siblings(hierarchy, batch))
    found, rounds = times(runs)
    kept = ["series", "hierarchy", "order", "dtype", "batch", "classes", "nodes", "depth", "largest", "threads"]
    for name, (milliseconds, ratio) in found.items():
        row: dict[str, object] = {"engine": "python", "contender": name} | {key: case[key] for key in kept}
        yield row | {"milliseconds": milliseconds, "times_memcpy": ratio, "rounds": rounds}


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit("usage: python benchmarks/contenders.py DIR")
    folder = Path(sys.argv[1])
    with open(folder / "cases.csv", newline="", encoding="utf-8") as file:
        cases = [case for case in csv.DictReader(file) if case["python"] == "true"]
    print(f"torch {torch.__version__}, klados {klados.__version__}")
    writer, skipped = None, set[str]()
    with open(folder / "python.csv", "w", newline="", encoding="utf-8") as file:
        for case in cases:
            torch.compiler.reset()
            for row in measured(case, folder, skipped):
                if writer is None:
                    writer = csv.DictWriter(file, row)
                    writer.writeheader()
                writer.writerow(row)
                name = "{hierarchy} {order} {dtype} [{batch}, {classes}] x{threads}".format(**case)
                print(f"{name:50} {row['contender']:22} {row['milliseconds']:10.3f} ms {row['times_memcpy']:8.2f} x memcpy")
            file.flush()
            sys.stdout.flush()
    for what in sorted(skipped):
        print(f"SKIPPED {what}")


if __name__ == "__main__":
    main()
