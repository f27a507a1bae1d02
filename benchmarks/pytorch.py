"""What a superclass loss costs in PyTorch: forward and backward, one thread, ratios in one run.

    python benchmarks/pytorch.py            # the shapes of the README, some minutes
    python benchmarks/pytorch.py --quick    # the small ones, few repeats

Every contender is checked against the others first: the same loss and the same gradient, where it claims to compute them.
Then all take turns, so that what else the machine does falls on each; the figures are medians of the turns, of processor
time, which with one thread is the time that passes, unless others run in between. "peak" is the
memory that the allocator gave out beyond what was held before, at its highest, in units of the logits; while it is measured
klados goes by its registered operator, which holds one copy of the logits more than the path that is timed.

The hierarchy is a tree of branching 10, so 1,000 classes have 2 levels above them. The contenders:

flat            torch.nn.functional.cross_entropy, of the classes alone
klados          MarginalCrossEntropyLoss, all levels, the fused path
composed        the same with impl="composed"
gathered        log_softmax, then at each level logsumexp over the label's own members, from padded lists: the best composed
                code that is known
loop            what forums give: a loop over the superclasses, logsumexp over the log-probabilities under a mask
index_add       probabilities summed by index_add, log(p + 1e-12): loses the gradient of the worst mistakes
matmul          probabilities times a 0/1 matrix, log(p + 1e-12): the same, and classes x superclasses in memory
"""

from __future__ import annotations

import argparse
import csv
import os
import sys
import time

os.environ.setdefault("OMP_WAIT_POLICY", "passive")

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.utils._python_dispatch import TorchDispatchMode

import klados
from klados.torch import MarginalCrossEntropyLoss

BRANCHING = 10


def tree(classes: int) -> klados.Hierarchy:
    """Classes in tree order, with a node for each ten of them, for each hundred, and so on."""
    edges, size = [], BRANCHING
    while size < classes:
        below = size // BRANCHING
        name = lambda of, at: str(at) if of == 1 else f"{of}.{at}"  # noqa: E731
        edges += [(f"{size}.{at // BRANCHING}", name(below, at)) for at in range(-(-classes // below))]
        size *= BRANCHING
    return klados.Hierarchy.from_edges(edges, classes=[str(k) for k in range(classes)])


def levels(hierarchy: klados.Hierarchy) -> list[Tensor]:
    """For each level above the classes: the superclass of each class, from 0."""
    found = []
    for level in hierarchy.levels[:-1]:
        index = {node: at for at, node in enumerate(hierarchy.level_nodes(level).tolist())}
        above = torch.empty(hierarchy.num_classes, dtype=torch.long)
        for node, of_class in hierarchy.closure.tolist():
            if node in index:
                above[of_class] = index[node]
        found.append(above)
    return found


class Contenders:
    def __init__(self, hierarchy: klados.Hierarchy, dense: bool) -> None:
        self.above = levels(hierarchy)
        self.klados = MarginalCrossEntropyLoss(hierarchy)
        self.composed = MarginalCrossEntropyLoss(hierarchy, impl="composed")

        self.members = [torch.argsort(above, stable=True).reshape(-1, above.bincount().max()) for above in self.above]
        self.masks = [F.one_hot(above).T.bool() for above in self.above] if dense else []
        self.matrices = [mask.T.float() for mask in self.masks]

    def flat(self, logits: Tensor, target: Tensor) -> Tensor:
        return F.cross_entropy(logits, target)

    def gathered(self, logits: Tensor, target: Tensor) -> Tensor:
        log_p = logits.log_softmax(1)
        loss = F.nll_loss(log_p, target)
        for above, members in zip(self.above, self.members):
            loss = loss - log_p.gather(1, members[above[target]]).logsumexp(1).mean()
        return loss

    def loop(self, logits: Tensor, target: Tensor) -> Tensor:
        log_p = logits.log_softmax(1)
        loss = F.nll_loss(log_p, target)
        for above, masks in zip(self.above, self.masks):
            columns = [log_p.masked_fill(~mask, -torch.inf).logsumexp(1) for mask in masks]
            loss = loss + F.nll_loss(torch.stack(columns, 1), above[target])
        return loss

    def index_add(self, logits: Tensor, target: Tensor) -> Tensor:
        p = logits.softmax(1)
        loss = F.cross_entropy(logits, target)
        for above in self.above:
            sums = torch.zeros(len(p), int(above.max()) + 1).index_add(1, above, p)
            loss = loss + F.nll_loss((sums + 1e-12).log(), above[target])
        return loss

    def matmul(self, logits: Tensor, target: Tensor) -> Tensor:
        p = logits.softmax(1)
        loss = F.cross_entropy(logits, target)
        for above, matrix in zip(self.above, self.matrices):
            loss = loss + F.nll_loss((p @ matrix + 1e-12).log(), above[target])
        return loss


class Peak(TorchDispatchMode):
    """The most bytes of tensors that are alive at once, of those that are made under it."""

    def __init__(self) -> None:
        super().__init__()
        self.alive: dict[int, int] = {}
        self.now = self.most = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):  # noqa: ANN001, ANN204
        import weakref

        out = func(*args, **(kwargs or {}))
        for tensor in out if isinstance(out, (tuple, list)) else [out]:
            if isinstance(tensor, Tensor):
                storage = tensor.untyped_storage()
                key = storage.data_ptr()
                if key and key not in self.alive:
                    self.alive[key] = storage.nbytes()
                    self.now += storage.nbytes()
                    self.most = max(self.most, self.now)
                    weakref.finalize(storage, self.freed, key)
        return out

    def freed(self, key: int) -> None:
        self.now -= self.alive.pop(key, 0)


def step(run, logits: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    logits.grad = None
    loss = run(logits, target)
    loss.backward()
    return loss.detach(), logits.grad


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--quick", action="store_true", help="the small shapes, few turns")
    arguments.add_argument("--csv", metavar="FILE", help="also write the figures there")
    options = arguments.parse_args()
    torch.set_num_threads(1)
    klados.set_num_threads(1)
    shapes = [(256, 100), (512, 1000)] + ([] if options.quick else [(256, 10_000), (64, 100_000)])
    rows = []
    print(f"torch {torch.__version__}, klados {klados.__version__}, one thread; milliseconds for forward and backward")
    for batch, classes in shapes:
        torch.manual_seed(0)
        hierarchy = tree(classes)
        dense = classes <= 1_000  # the loop keeps a [batch, classes] for each superclass: 11 GB at 10,000
        contenders = Contenders(hierarchy, dense)
        logits = (4 * torch.randn(batch, classes)).requires_grad_()
        target = torch.randint(classes, (batch,))
        names = ["flat", "klados", "composed", "gathered", "index_add"] + (["loop", "matmul"] if dense else [])
        runs = {name: getattr(contenders, name) for name in names}
        expected = step(runs["klados"], logits, target)
        for name in names[2:]:
            loss, grad = step(runs[name], logits, target)
            torch.testing.assert_close(loss, expected[0], rtol=1e-5, atol=0)
            torch.testing.assert_close(grad, expected[1], rtol=1e-3, atol=1e-6)
        seconds: dict[str, list[float]] = {name: [] for name in names}
        turns = 15 if options.quick else 30
        for turn in range(turns):
            for name in names:
                if name == "loop" and turn >= 5:
                    continue
                repeats = max(1, 1_000_000 // logits.numel()) if name != "loop" else 1
                begun = time.thread_time()
                for _ in range(repeats):
                    step(runs[name], logits, target)
                seconds[name].append((time.thread_time() - begun) / repeats)
        middle = {name: sorted(of)[len(of) // 2] for name, of in seconds.items()}
        print(f"\n[{batch}, {classes}]  {len(hierarchy.levels)} levels")
        for name in names:
            logits.grad = None
            with Peak() as peak:
                step(runs[name], logits, target)
            row = {
                "batch": batch,
                "classes": classes,
                "contender": name,
                "milliseconds": middle[name] * 1e3,
                "times_flat": middle[name] / middle["flat"],
                "times_klados": middle[name] / middle["klados"],
                "peak": peak.most / (logits.numel() * 4),
            }
            rows.append(row)
            print(
                "  {contender:10} {milliseconds:10.3f} ms   {times_flat:8.2f} x flat   {times_klados:8.2f} x klados"
                "   peak {peak:5.2f}".format(**row)
            )
            sys.stdout.flush()
    if options.csv:
        with open(options.csv, "w", newline="") as file:
            writer = csv.DictWriter(file, rows[0])
            writer.writeheader()
            writer.writerows(rows)


if __name__ == "__main__":
    main()
