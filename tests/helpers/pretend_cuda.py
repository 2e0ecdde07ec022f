"""CUDA devices for machines without one: tensors report `cuda:0`, keep their bytes on the CPU, and are counted.

    with pretend_cuda.cards() as card:
        ...                         # everything on device="cuda" runs
    card.kernels, card.launches, card.to_device, card.to_host, card.peak

Tensors of a card and of the CPU mix only where CUDA lets them. What waits for the device (a number read on the host,
indexing by a mask) counts as a transfer to the host. The arithmetic is the CPU's, so what runs on a card must end equal
to the bit to the same operations on the CPU. CUDA graphs are recorded and replayed, operation by operation.
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

from symmetry_constrained.kernels import seam
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

    @staticmethod
    def __new__(cls, values: Tensor, index: int):
        kinds = {"dtype": values.dtype, "device": torch.device("cuda", index), "requires_grad": False}
        return torch.Tensor._make_wrapper_subclass(
            cls, values.size(), strides=values.stride(), storage_offset=values.storage_offset(), **kinds
        )

    def __init__(self, values: Tensor, index: int):
        self.bytes = values

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
        self.graph: Graph | None = None  # that is being recorded
        self._live: Counter[int] = Counter()  # tensors by storage
        self.forget()

    def forget(self) -> None:
        """Count from here."""
        self.operations: Counter = Counter()  # that run as a kernel, or more than one
        self.launches = self.to_device = self.to_host = 0  # what the host does; the last two are transfers
        self.peak = self.in_use

    @property
    def kernels(self) -> int:
        return self.operations.total()

    def counts(self) -> dict[str, int]:
        return {name: getattr(self, name) for name in ("kernels", "launches", "to_device", "to_host")}

    def spend(self, operation, kernel: bool = False, to_device: int = 0, to_host: int = 0) -> None:
        """Count an operation. RuntimeError as CUDA has it for a transfer into what is being recorded."""
        if self.graph is not None and (to_device or to_host):
            raise RuntimeError(f"{operation}: CUDA error: operation not permitted when stream is capturing")
        (self if self.graph is None else self.graph).operations[operation] += int(kernel)
        self.launches += kernel and self.graph is None
        self.to_device += to_device
        self.to_host += to_host

    def __torch_dispatch__(self, operation, types, arguments=(), options=None):
        options = dict(options or {})
        given = [leaf for leaf in pytree.tree_leaves((arguments, options)) if isinstance(leaf, Tensor)]
        ours = [tensor for tensor in given if isinstance(tensor, OnCard)]
        target = options.get("device")
        if operation is aten._to_copy.default:
            return self._copied(operation, arguments[0], options)
        if operation is aten.copy_.default and ours:
            return self._copied_into(operation, *arguments[:2])
        if not ours and (target is None or torch.device(target).type != "cuda"):
            return operation(*arguments, **options)
        self._check(operation, ours, [tensor for tensor in given if not isinstance(tensor, OnCard)])
        index = self._index(torch.device(target) if target is not None else ours[0].device)
        if target is not None:
            options |= {"device": "cpu", "pin_memory": False}
        result = operation(*pytree.tree_map(on_cpu, arguments), **pytree.tree_map(on_cpu, options))
        self._count(operation, ours, result)
        return self._wrapped(result, ours, index)

    def _copied(self, operation, values: Tensor, options: dict):
        """`to`: a copy in another type or place."""
        target = torch.device(options.pop("device", None) or values.device)
        here, there = isinstance(values, OnCard), target.type == "cuda"
        copied = operation(on_cpu(values), **options, device="cpu")
        if copied.numel() and (here or there):
            self.spend(operation, here and there, there and not here, here and not there)
        return self._wrapped(copied, [], self._index(target)) if there else copied

    def _copied_into(self, operation, into: Tensor, values: Tensor) -> Tensor:
        here, there = isinstance(values, OnCard), isinstance(into, OnCard)
        on_cpu(into).copy_(on_cpu(values))
        if into.numel():
            self.spend(operation, here and there, there and not here, here and not there)
        return into

    def _check(self, operation, ours: list[Tensor], others: list[Tensor]) -> None:
        """RuntimeError as CUDA has it where tensors of two devices meet; a single number of the CPU may."""
        devices = {tensor.device for tensor in ours} | {tensor.device for tensor in others if tensor.dim()}
        if operation in INDEXED:
            self.spend(operation, to_device=sum(tensor.dim() > 0 for tensor in others))
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
        made = [leaf for leaf in pytree.tree_leaves(result) if isinstance(leaf, Tensor)]
        empty = bool(made) and not any(tensor.numel() for tensor in made)
        none = operation.is_view or operation in NO_KERNEL or empty or operation is aten._local_scalar_dense.default
        self.spend(operation, not none, to_host=operation in WAITS or masked)

    def _wrapped(self, result, ours: list[Tensor], index: int):
        """Tensors of the card for what an operation gave; those that it wrote into stay what they were."""
        written = {id(tensor.bytes): tensor for tensor in ours}

        def wrap(leaf):
            if not isinstance(leaf, Tensor):
                return leaf
            if id(leaf) in written:
                return written[id(leaf)]
            tensor = OnCard(leaf, index)
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


class Graph(TorchDispatchMode):
    """A CUDA graph: operations are noted, not done, while it is recorded, and done at each `replay`.

    It works on tensors of the CPU too, for tests that compare the two.
    """

    def __init__(self):
        super().__init__()
        self.operations: Counter = Counter()  # that run as a kernel
        self._noted: list[tuple] = []
        self._before: dict[int, tuple[Tensor, Tensor]] = {}  # what was overwritten, by storage

    @contextlib.contextmanager
    def recorded(self) -> Iterator[None]:
        card = _current_cards()
        if card is not None:
            card.graph = self
        try:
            with self:
                yield
        finally:
            if card is not None:
                card.graph = None
        for tensor, values in self._before.values():
            _whole(tensor).copy_(values)

    def __torch_dispatch__(self, operation, types, arguments=(), options=None):
        options = options or {}
        arguments_of = operation._schema.arguments
        given = [*zip(arguments_of, arguments, strict=False)]
        given += [(next(one for one in arguments_of if one.name == name), value) for name, value in options.items()]
        for argument, value in given:
            if argument.alias_info is not None and argument.alias_info.is_write and isinstance(value, Tensor):
                key = on_cpu(value).untyped_storage()._cdata
                self._before.setdefault(key, (on_cpu(value), _whole(on_cpu(value)).clone()))
        result = operation(*arguments, **options)
        self._noted.append((operation, arguments, options, result))
        return result

    def replay(self) -> None:
        card = _current_cards()
        if card is not None:
            card.operations.update(self.operations)
            card.launches += 1
        # Its bytes are on the CPU, where nothing counts them again.
        with torch.utils._python_dispatch._disable_current_modes():
            for operation, arguments, options, result in self._noted:
                options = {name: value for name, value in options.items() if name != "device"}
                again = operation(*pytree.tree_map(on_cpu, arguments), **pytree.tree_map(on_cpu, options))
                if operation.is_view or operation._schema.is_mutable:
                    continue
                for old, new in zip(pytree.tree_leaves(result), pytree.tree_leaves(again), strict=True):
                    if isinstance(old, Tensor):
                        on_cpu(old).copy_(new)


def on_cpu(leaf):
    """The bytes of a tensor of a card; anything else as it is."""
    return leaf.bytes if isinstance(leaf, OnCard) else leaf


def _whole(tensor: Tensor) -> Tensor:
    """All that a tensor's storage holds."""
    return torch.empty(0, dtype=tensor.dtype).set_(tensor.untyped_storage())


def _current_cards() -> Cards | None:
    modes = torch.utils._python_dispatch._get_current_dispatch_mode_stack()
    return next((mode for mode in modes if isinstance(mode, Cards)), None)


GRAPHS = {"CUDAGraph": Graph, "graph": Graph.recorded}


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
        "memory_reserved": lambda device=None: card.in_use,
        "memory_allocated": lambda device=None: card.in_use,
        "max_memory_allocated": lambda device=None: card.peak,
        "reset_peak_memory_stats": forget_peak,
        "get_device_name": lambda device=None: "a pretend card",
        "get_device_properties": lambda device=None: SimpleNamespace(uuid="none", total_memory=memory),
    }
    before = torch._C._only_lift_cpu_tensors()
    torch._C._set_only_lift_cpu_tensors(True)  # torch.tensor makes its tensor on the CPU, then copies it
    try:
        with mock.patch.multiple(torch.cuda, **said, **GRAPHS), card:
            yield card
    finally:
        torch._C._set_only_lift_cpu_tensors(before)


def compute_as_a_card(monkeypatch) -> None:
    """Let the CPU compute by the kernels of a card, in the same blocks."""
    monkeypatch.setattr(seam, "of", lambda tensor: seam._cuda)
    for blocks in (ensemble.LANE_BLOCK, ensemble.BLOCK_BYTES):
        monkeypatch.setitem(blocks, "cpu", blocks["cuda"])
    for name, value in GRAPHS.items():
        monkeypatch.setattr(torch.cuda, name, value)
