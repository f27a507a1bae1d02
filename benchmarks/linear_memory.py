"""Peak memory and time of the last linear layer and the loss: in two steps, in chunks, and in plain torch.

    python benchmarks/linear_memory.py [--classes 100000] [--features 256] [--batch 512] [--threads 1] [--repeats 3]

Each way runs in a process of its own, forward and backward with gradients by features, weight and bias. The memory is
what the process peaks at above what it had with weight and features in place; the gradients themselves, which every way
needs, are part of it and are stated beside it.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

WAYS = {
    "torch": "nn.Linear, F.cross_entropy",
    "steps": "nn.Linear, MarginalCrossEntropyLoss",
    "chunks": "LinearMarginalCrossEntropyLoss",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--classes", type=int, default=100_000)
    parser.add_argument("--features", type=int, default=256)
    parser.add_argument("--batch", type=int, default=512)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=3, help="the time is the least of so many")
    parser.add_argument("--chunk", type=int, help="rows of a chunk; the default of the loss where it is not given")
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.way is not None:
        print(json.dumps(measure(arguments)))
        return
    sizes = f"{arguments.classes} classes, {arguments.features} features, batch {arguments.batch}"
    print(f"{sizes}, threads {arguments.threads}")
    print(f"{'':38} {'peak MiB':>9} {'of it gradients':>16} {'seconds':>8}")
    for way, what in WAYS.items():
        command = [sys.executable, __file__, *sys.argv[1:], "--way", way]
        found = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
        print(f"{what:38} {found['peak']:9.0f} {found['gradients']:16.0f} {found['seconds']:8.2f}")


def measure(arguments: argparse.Namespace) -> dict[str, float]:
    import torch

    import klados
    from klados.torch import LinearMarginalCrossEntropyLoss, MarginalCrossEntropyLoss

    torch.set_num_threads(arguments.threads)
    klados.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    classes, features, batch = arguments.classes, arguments.features, arguments.batch
    edges = [(f"genus {k // 30}", f"species {k}") for k in range(classes)]
    edges += [(f"family {k // 30}", f"genus {k}") for k in range(-(-classes // 30))]
    hierarchy = klados.Hierarchy.from_edges(edges)
    if arguments.way == "chunks":
        layer = LinearMarginalCrossEntropyLoss(hierarchy, features, chunk_size=arguments.chunk)

        def loss(input: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
            return layer(input, target)
    else:
        layer = torch.nn.Linear(features, classes)
        criterion = torch.nn.CrossEntropyLoss() if arguments.way == "torch" else MarginalCrossEntropyLoss(hierarchy)

        def loss(input: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
            return criterion(layer(input), target)

    input, target = torch.randn(batch, features, requires_grad=True), torch.randint(classes, (batch,))
    # A small batch first, so that what is loaded once does not count.
    loss(input[:2].detach(), target[:2])
    before = status("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # the peak is counted from here
    seconds = float("inf")
    for _ in range(arguments.repeats):
        layer.zero_grad()
        input.grad = None
        start = time.perf_counter()
        loss(input, target).backward()
        seconds = min(seconds, time.perf_counter() - start)
    gradients = sum(tensor.numel() * tensor.element_size() for tensor in (layer.weight, layer.bias, input))
    return {"peak": (status("VmHWM") - before) / 1024, "gradients": gradients / 2**20, "seconds": seconds}


def status(entry: str) -> int:
    """An entry of this process's status, in KiB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(entry))


if __name__ == "__main__":
    main()
