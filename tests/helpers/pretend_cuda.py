"""CUDA devices for machines without one: tensors report `cuda:0`, keep their bytes on the CPU, and are counted.

    with pretend_cuda.cards() as card:
        ...                         # everything on device="cuda" runs
    card.launches, card.to_device, card.to_host, card.peak

Tensors of a card and of the CPU mix only where CUDA lets them. What waits for the device (a number read on the host,
indexing by a mask) counts as a transfer to the host. The arithmetic is the CPU's, so what runs on a card must end equal
to the bit to the same operations on the CPU.
"""

import contextlib
import weakref
from collections import Counter
from collections.abc import Iterator
from types import SimpleNamespace
from unittest import mock

import torch
from torch import Tensor
from torch.utils import _pytree as pytree
from torch.utils._python_dispatch import TorchDispatchMode

from symmetry_constrained.kernels import compiled
from symmetry_constrained.networks import ensemble

aten = torch.ops.aten
GRAIN = 512  # bytes: the smallest amount that PyTorch's allocator hands out
# Operations that give memory without writing it, or the same memory under another shape.
NO_KERNEL = {
    aten.empty.memory_format,
    aten.empty_like.default,
    aten.empty_strided.default,
    aten.new_empty.default,
    aten.new_empty_strided.default,
    aten._unsafe_view.default,
    aten.lift_fresh.default,
}
# Operations whose result the host has to wait for.
WAITS = {aten._local_scalar_dense.default, aten.equal.default, aten.nonzero.default, aten.masked_select.default}
# Operations that take indices from the CPU, and copy them.
INDEXED = {aten.index.Tensor, aten.index_put_.default, aten.index_put.default, aten._index_put_impl_.default}


class OnCard(Tensor):
    """A tensor of a pretend card."""

    bytes: Tensor  # on the CPU
    card: "Cards"

    @staticmethod
    def __new__(cls, values: Tensor, card: "Cards", index: int):
        device = torch.device("cuda", index)
        kinds = {"dtype": values.dtype, "device": device, "requires_grad": False}
        return torch.Tensor._make_wrapper_subclass(
            cls, values.size(), strides=values.stride(), storage_offset=values.storage_offset(), **kinds
        )

    def __init__(self, values: Tensor, card: "Cards", index: int):
        self.bytes, self.card = values, card

    def __repr__(self, **options) -> str:
        return f"OnCard({self.bytes}, {self.device})"

    def tolist(self) -> list:
        return self.cpu().tolist()

    @classmethod
    def __torch_dispatch__(cls, operation, types, arguments=(), options=None):
        raise RuntimeError(f"{operation} on a tensor of a pretend card, outside `cards`")


class Cards(TorchDispatchMode):
    """The cards and what happened on them."""

    def __init__(self, number: int, memory: int):
        super().__init__()
        self.number, self.memory = number, memory
        self.in_use = self.peak = 0  # bytes
        self._live: Counter[int] = Counter()  # tensors by storage
        self.forget()

    def forget(self) -> None:
        """Count from here."""
        self.operations: Counter = Counter()  # that launch a kernel
        self.to_device = self.to_host = 0  # transfers
        self.peak = self.in_use

    @property
    def launches(self) -> int:
        """Operations that launch a kernel, or more than one."""
        return self.operations.total()

    def counts(self) -> dict[str, int]:
        return {"launches": self.launches, "to_device": self.to_device, "to_host": self.to_host}

    def __torch_dispatch__(self, operation, types, arguments=(), options=None):
        options = dict(options or {})
        given = [leaf for leaf in pytree.tree_leaves((arguments, options)) if isinstance(leaf, Tensor)]
        ours = [tensor for tensor in given if isinstance(tensor, OnCard)]
        target = options.get("device")
        if operation is aten._to_copy.default:
            return self._copied(operation, arguments[0], options)
        if operation is aten.copy_.default and ours:
            return self._copied_into(*arguments[:2])
        if not ours and (target is None or torch.device(target).type != "cuda"):
            return operation(*arguments, **options)
        self._check(operation, ours, [tensor for tensor in given if not isinstance(tensor, OnCard)])
        index = self._index(torch.device(target) if target is not None else ours[0].device)
        if target is not None:
            options |= {"device": "cpu", "pin_memory": False}
        result = operation(*pytree.tree_map(_on_cpu, arguments), **pytree.tree_map(_on_cpu, options))
        self._count(operation, ours, result)
        return self._wrapped(result, ours, index)

    def _copied(self, operation, values: Tensor, options: dict):
        """`to`: a copy in another type or place."""
        target = torch.device(options.pop("device", None) or values.device)
        here, there = isinstance(values, OnCard), target.type == "cuda"
        copied = operation(_on_cpu(values), **options, device="cpu")
        if copied.numel():
            self.operations[operation] += here and (there or values.dtype != copied.dtype)
            self.to_device += there and not here
            self.to_host += here and not there
        return self._wrapped(copied, [], self._index(target)) if there else copied

    def _copied_into(self, into: Tensor, values: Tensor) -> Tensor:
        here, there = isinstance(values, OnCard), isinstance(into, OnCard)
        _on_cpu(into).copy_(_on_cpu(values))
        if into.numel():
            self.operations[aten.copy_.default] += here and there
            self.to_device += there and not here
            self.to_host += here and not there
        return into

    def _check(self, operation, ours: list[Tensor], others: list[Tensor]) -> None:
        """RuntimeError as CUDA has it where tensors of two devices meet; a single number of the CPU may."""
        devices = {tensor.device for tensor in ours} | {tensor.device for tensor in others if tensor.dim()}
        if operation in INDEXED:
            self.to_device += sum(tensor.dim() > 0 for tensor in others)
            devices.discard(torch.device("cpu"))
        if len(devices) > 1:
            where = " and ".join(sorted(map(str, devices)))
            raise RuntimeError(f"{operation}: expected all tensors to be on the same device, but found {where}")

    def _index(self, device: torch.device) -> int:
        index = device.index or 0
        if index >= self.number:
            raise RuntimeError(f"CUDA error: invalid device ordinal ({device})")
        return index

    def _count(self, operation, ours: list[Tensor], result) -> None:
        masked = operation in INDEXED and any(tensor.dtype == torch.bool for tensor in ours[1:])
        self.to_host += operation in WAITS or masked
        made = [leaf for leaf in pytree.tree_leaves(result) if isinstance(leaf, Tensor)]
        empty = bool(made) and not any(tensor.numel() for tensor in made)
        kernel = not (operation.is_view or operation in NO_KERNEL or empty)
        self.operations[operation] += kernel and operation is not aten._local_scalar_dense.default

    def _wrapped(self, result, ours: list[Tensor], index: int):
        """Tensors of the card for what an operation gave; those that it wrote into stay what they were."""
        written = {id(tensor.bytes): tensor for tensor in ours}

        def wrap(leaf):
            if not isinstance(leaf, Tensor):
                return leaf
            if id(leaf) in written:
                return written[id(leaf)]
            tensor = OnCard(leaf, self, index)
            self._allocate(tensor)
            return tensor

        return pytree.tree_map(wrap, result)

    def _allocate(self, tensor: Tensor) -> None:
        storage = tensor.bytes.untyped_storage()
        key, size = storage._cdata, -(-storage.nbytes() // GRAIN) * GRAIN
        if not self._live[key]:
            if self.in_use + size > self.memory:
                raise torch.OutOfMemoryError(f"CUDA out of memory. Tried to allocate {size / 2**20:.2f} MiB.")
            self.in_use += size
            self.peak = max(self.peak, self.in_use)
        self._live[key] += 1
        weakref.finalize(tensor, self._release, key, size)

    def _release(self, key: int, size: int) -> None:
        self._live[key] -= 1
        if not self._live[key]:
            del self._live[key]
            self.in_use -= size


def _on_cpu(leaf):
    return leaf.bytes if isinstance(leaf, OnCard) else leaf


@contextlib.contextmanager
def cards(number: int = 1, memory: int = 2**34) -> Iterator[Cards]:
    """So many cards with so many bytes of memory in all; what PyTorch says of CUDA is said of them."""
    torch._C._ensureCUDADeviceGuardSet()
    card = Cards(number, memory)

    def forget_peak(device=None) -> None:
        card.peak = card.in_use

    said = {
        "_lazy_init": lambda: None,
        "is_available": lambda: number > 0,
        "device_count": lambda: number,
        "current_device": lambda: 0,
        "synchronize": lambda device=None: None,
        "empty_cache": lambda: None,
        "mem_get_info": lambda device=None: (memory - card.in_use, memory),
        "max_memory_allocated": lambda device=None: card.peak,
        "reset_peak_memory_stats": forget_peak,
        "get_device_name": lambda device=None: "a pretend card",
        "get_device_properties": lambda device=None: SimpleNamespace(uuid="none", total_memory=memory),
    }
    before = torch._C._only_lift_cpu_tensors()
    torch._C._set_only_lift_cpu_tensors(True)  # torch.tensor makes its tensor on the CPU, then copies it
    try:
        with mock.patch.multiple(torch.cuda, **said), card:
            yield card
    finally:
        torch._C._set_only_lift_cpu_tensors(before)


def compute_as_a_card(monkeypatch) -> None:
    """Let the CPU compute by the kernels of a card, in the same blocks."""
    monkeypatch.setattr(compiled, "library", lambda: None)
    for blocks in (ensemble.LANE_BLOCK, ensemble.BLOCK_BYTES):
        monkeypatch.setitem(blocks, "cpu", blocks["cuda"])
