"""Circumstances that share a run: cheap as long as it works, and traced to one of them where it does not."""

from collections.abc import Callable, Sequence


def together(names: Sequence[str], attempt: Callable, alone: Callable | None = None) -> None:
    """Attempt it in all circumstances at once; where that fails, in each `alone`, to say which one it is."""
    try:
        attempt(*names)
    except AssertionError as error:
        culprits = [name for name in names if _fails(alone or attempt, name)]
        raise AssertionError(f"fails {' and '.join(culprits) or 'only in all at once'}: {error}") from error


def _fails(attempt: Callable, name: str) -> bool:
    try:
        attempt(name)
    except AssertionError:
        return True
    return False
