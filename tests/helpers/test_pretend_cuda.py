"""The pretend card behaves as CUDA does."""

import numpy as np
import pytest
import torch

from helpers import pretend_cuda


@pytest.fixture
def card():
    with pretend_cuda.cards() as card:
        yield card


def on_card(*shape, **options):
    return torch.arange(float(np.prod(shape))).view(shape).to("cuda", **options)


def test_tensors_report_their_device_and_keep_it(card):
    ones = torch.ones(2, 3, device="cuda")
    some = torch.zeros_like(ones).add_(ones)[:, 1:].to(torch.float64)
    assert some.device == torch.device("cuda", 0) and some.is_cuda and some.shape == (2, 2)
    assert some.to("cuda") is some
    assert some.cpu().equal(torch.ones(2, 2, dtype=torch.float64)) and not some.cpu().is_cuda


def test_what_is_written_through_a_view_is_in_the_tensor(card):
    whole = torch.zeros(3, 4, device="cuda")
    whole.view(12)[5:7].fill_(2.0)
    torch.add(whole[0], 1.0, out=whole[2])
    whole[0, 1:3] = torch.tensor([7.0, 8.0])
    assert whole.tolist() == [[0, 7, 8, 0], [0, 2, 2, 0], [1, 1, 1, 1]]


@pytest.mark.parametrize(
    "mixed",
    [
        lambda here, there: here + there,
        lambda here, there: torch.mm(here, there.T),
        lambda here, there: torch.cat([here, there]),
        lambda here, there: here.index_select(0, torch.tensor([1])),
        lambda here, there: here.index_copy_(0, torch.tensor([1]), here[:1]),
        lambda here, there: torch.where(here > 1, here, there),
        lambda here, there: torch.add(here, 1.0, out=there),
        lambda here, there: torch.from_numpy(np.zeros((2, 3), dtype=np.float32)) * here,
    ],
)
def test_tensors_of_card_and_cpu_do_not_mix(card, mixed):
    with pytest.raises(RuntimeError, match="same device"):
        mixed(on_card(2, 3), torch.zeros(2, 3))


def test_a_single_number_and_indices_may_come_from_the_cpu(card):
    here = on_card(2, 3)
    assert (here * torch.tensor(2.0)).tolist() == [[0, 2, 4], [6, 8, 10]]
    card.forget()
    assert here[torch.tensor([1])].tolist() == [[3, 4, 5]]
    assert (card.to_device, card.to_host) == (1, 1)  # the index; the list


@pytest.mark.parametrize("read", [lambda here: here.numpy(), np.asarray])
def test_bytes_on_a_card_are_not_read_without_a_transfer(card, read):
    with pytest.raises((TypeError, RuntimeError)):
        read(on_card(2, 3))


@pytest.mark.parametrize(
    "does, launches, to_device, to_host",
    [
        (lambda here: here[1:].T.reshape(3).unsqueeze(0).expand(4, 3).detach(), 0, 0, 0),
        (lambda here: torch.empty_like(here), 0, 0, 0),
        (lambda here: here[:0] + 1, 0, 0, 0),
        (lambda here: torch.zeros(3, device="cuda"), 1, 0, 0),
        (lambda here: here + 1, 1, 0, 0),
        (lambda here: here.add_(1).mul_(2), 2, 0, 0),
        (lambda here: here.to(torch.float64), 1, 0, 0),
        (lambda here: here.T.contiguous(), 1, 0, 0),
        (lambda here: torch.tensor([1.0, 2.0], device="cuda"), 0, 1, 0),
        (lambda here: torch.from_numpy(np.ones(2)).to(here.device), 0, 1, 0),
        (lambda here: here.copy_(torch.ones(2, 3)), 0, 1, 0),
        (lambda here: here.cpu(), 0, 0, 1),
        (lambda here: torch.empty(2, 3).copy_(here), 0, 0, 1),
        (lambda here: here[0, 0].item(), 0, 0, 1),
        (lambda here: bool((here > 1).all()), 2, 0, 1),
        (lambda here: torch.equal(here, here), 1, 0, 1),
        (lambda here: here[here > 1], 2, 0, 1),
    ],
)
def test_launches_and_transfers_are_counted(card, does, launches, to_device, to_host):
    here = on_card(2, 3)
    card.forget()
    does(here)
    assert card.counts() == {"kernels": launches, "launches": launches, "to_device": to_device, "to_host": to_host}


def test_memory_is_counted_until_it_is_let_go(card):
    here = torch.zeros(1000, device="cuda")
    view, copy = here[5:], here.clone()
    assert card.in_use == 2 * 4096 == card.peak
    assert torch.cuda.mem_get_info() == (card.memory - card.in_use, card.memory)
    del here
    assert card.in_use == 2 * 4096
    del view, copy
    assert (card.in_use, card.peak) == (0, 2 * 4096)


def test_a_full_card_says_so():
    with pretend_cuda.cards(memory=2**20) as card:
        kept = torch.zeros(2**18 - 128, device="cuda")
        with pytest.raises(torch.OutOfMemoryError, match="CUDA out of memory"):
            kept + 1.0
        assert card.in_use == 2**20 - 512
        torch.zeros(128, device="cuda")


def test_each_of_two_cards_has_its_own_tensors():
    with pretend_cuda.cards(2):
        first, second = torch.ones(2, device="cuda"), torch.ones(2, device="cuda:1")
        assert (second + 1).device == torch.device("cuda:1")
        with pytest.raises(RuntimeError, match="same device"):
            first + second
        assert first.to("cuda:1").device == second.device


def test_there_is_no_second_card_of_one(card):
    with pytest.raises(RuntimeError, match="invalid device ordinal"):
        torch.ones(2, device="cuda:1")


def test_without_cards_there_is_no_cuda():
    with pretend_cuda.cards(0):
        assert not torch.cuda.is_available() and torch.cuda.device_count() == 0


def test_a_tensor_is_of_no_use_when_its_card_is_gone():
    with pretend_cuda.cards():
        here = on_card(2, 3)
    with pytest.raises(RuntimeError):
        here + here


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_a_graph_does_at_each_replay_what_was_recorded(card, monkeypatch, device):
    pretend_cuda.compute_as_a_card(monkeypatch)
    total, step, graph = torch.zeros(2, device=device), torch.ones(2, device=device), torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        doubled = step * 2
        total.view(1, 2)[0].add_(doubled)
        half = torch.full((2,), 0.5, device=device) * total
    assert total.tolist() == [0, 0]
    for number in (1.0, 2.0):
        step.fill_(number)
        graph.replay()
        assert doubled.tolist() == [2 * number] * 2
    assert total.tolist() == [6, 6] and half.tolist() == [3, 3]


def test_a_replay_is_one_launch_of_all_its_kernels(card):
    values, graph = on_card(3), torch.cuda.CUDAGraph()
    card.forget()
    with torch.cuda.graph(graph):
        (values + 1).mul_(2)
    assert card.counts() == {"kernels": 0, "launches": 0, "to_device": 0, "to_host": 0}
    graph.replay()
    assert card.counts() == {"kernels": 2, "launches": 1, "to_device": 0, "to_host": 0}


@pytest.mark.parametrize(
    "transfers", [lambda here: here.cpu(), lambda here: here.sum().item(), lambda here: here[here > 0]]
)
def test_a_graph_takes_no_transfers(card, transfers):
    values = on_card(3)
    with pytest.raises(RuntimeError, match="capturing"), torch.cuda.graph(torch.cuda.CUDAGraph()):
        transfers(values)
