"""Where compiled code or PyTorch is chosen; nothing outside this folder knows which of them computes."""

import functools

import torch
from torch import Tensor

from symmetry_constrained.kernels import compiled
from symmetry_constrained.kernels.cuda import Cuda
from symmetry_constrained.kernels.eager import Eager
from symmetry_constrained.kernels.native import Native

_eager, _cuda = Eager(), Cuda()
_native = functools.cache(Native)


def of(tensor: Tensor) -> Eager:
    """The kernels for such a tensor: a GPU's, compiled ones for contiguous float64 on the CPU, or else PyTorch's."""
    if tensor.is_cuda:
        return _cuda
    fits = tensor.is_cpu and tensor.dtype == torch.float64 and tensor.is_contiguous()
    library = compiled.library() if fits else None
    return _eager if library is None else _native(library)
