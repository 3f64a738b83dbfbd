"""What is private in torch, or differs between its versions."""

from pathlib import Path

import torch

__all__ = ["compilation_error", "cpu_instructions", "mark_static_address"]


def compilation_error() -> type[Exception]:
    """Return what a model that cannot be compiled raises; importing it takes a second."""
    error: type[Exception] = torch._dynamo.exc.TorchDynamoException
    return error


def mark_static_address(tensor: torch.Tensor) -> None:
    """Promise the compiler that a tensor stays where it is."""
    torch._dynamo.mark_static_address(tensor)


def cpu_instructions() -> set[str]:
    """Return the names of the CPU's instruction sets, as far as they are known."""
    # torch.cpu.get_capabilities came after torch 2.6.
    if hasattr(torch.cpu, "get_capabilities"):
        return {name for name, present in torch.cpu.get_capabilities().items() if present is True}
    info = Path("/proc/cpuinfo")
    return set(info.read_text().split()) if info.is_file() else set()
