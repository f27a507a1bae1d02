"""Runs a function in several processes that are the ranks of a process group."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
import torch.multiprocessing as mp

# Imported once, in the process that the ranks are forked from: for each rank anew they take seconds.
multiprocessing.set_forkserver_preload(
    ["torch.distributed.fsdp", "torch.distributed.tensor.parallel", "pytest", "klados.torch"]
)


def run(ranks: int, folder: Path, function: Callable[..., None], *arguments: Any) -> None:
    """Calls ``function(rank, ranks, *arguments)`` on each rank; what is raised on one is raised here. ``folder`` is
    where the ranks find each other, a fresh one."""
    arguments = (ranks, f"file://{folder / 'ranks'}", function, arguments)
    mp.start_processes(_rank, arguments, nprocs=ranks, start_method="forkserver")


def _rank(rank: int, ranks: int, init_method: str, function: Callable[..., None], arguments: tuple[Any, ...]) -> None:
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=init_method, rank=rank, world_size=ranks)
    try:
        function(rank, ranks, *arguments)
        dist.barrier()
    finally:
        dist.destroy_process_group()
