"""A training that starts from the weights of a model with other channels."""

from __future__ import annotations

from dataclasses import replace

import pytest

torch = pytest.importorskip("torch")

from ada_mapper.core.errors import InputError
from ada_mapper.core.learning.warm_start import with_channels_of
from ada_mapper.core.models import COMPACT_WIDTHS, NETWORKS
from learning_tiles import CHANNELS
from tiny_network import tiny_card, trained_network, use_tiny_network

PHASE_RATE, LOS_RATE, DEM, SLOPE = CHANNELS


@pytest.fixture(autouse=True)
def _tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    use_tiny_network(monkeypatch)


def answer(network: torch.nn.Module, inputs: torch.Tensor) -> torch.Tensor:
    with torch.inference_mode():
        return network.eval()(inputs)


def test_new_channels_have_no_influence_and_the_old_ones_find_their_weights_by_name() -> None:
    own = tiny_card((PHASE_RATE, SLOPE))
    network = trained_network("tiny", 2)
    wider = with_channels_of(network, own, tiny_card((DEM, SLOPE, LOS_RATE, PHASE_RATE)))
    old = torch.randn(3, 2, 16, 16)
    for filled in (torch.zeros(3, 16, 16), torch.randn(3, 16, 16), torch.full((3, 16, 16), 1e3)):
        new = torch.stack([filled, old[:, 1], filled, old[:, 0]], dim=1)
        torch.testing.assert_close(answer(wider, new), answer(network, old))


def test_a_channel_that_is_gone_leaves_what_the_others_gave() -> None:
    own = tiny_card((PHASE_RATE, DEM, SLOPE))
    network = trained_network("tiny", 3)
    fewer = with_channels_of(network, own, tiny_card((SLOPE, PHASE_RATE)))
    old = torch.randn(2, 3, 16, 16)
    old[:, 1] = 0
    torch.testing.assert_close(answer(fewer, old[:, [2, 0]]), answer(network, old))


def test_the_network_that_it_starts_from_stays_as_it_is() -> None:
    card = tiny_card((PHASE_RATE, SLOPE))
    network = trained_network("tiny", 2)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    started = with_channels_of(network, card, card)
    for name, tensor in started.state_dict().items():
        assert torch.equal(tensor, before[name])
        tensor.zero_()
    for name, tensor in network.state_dict().items():
        assert torch.equal(tensor, before[name])


def test_new_channels_can_be_learned() -> None:
    network = with_channels_of(trained_network("tiny", 1), tiny_card((PHASE_RATE,)), tiny_card((PHASE_RATE, DEM)))
    network.train()(torch.randn(2, 2, 16, 16)).square().mean().backward()
    assert network.conv1.weight.grad[:, 1].abs().sum() > 0


@pytest.mark.parametrize("changed", [{"architecture": "compact"}, {"classes": ("background", "avalanche")}])
def test_a_card_of_another_network_is_refused(changed: dict[str, object]) -> None:
    own = tiny_card((PHASE_RATE, SLOPE))
    with pytest.raises(InputError, match="is a tiny network"):
        with_channels_of(trained_network("tiny", 2), own, replace(own, **changed))


@pytest.mark.parametrize("architecture", sorted({*COMPACT_WIDTHS, *NETWORKS}))
def test_the_first_weights_of_each_network_are_those_on_its_channels(architecture: str) -> None:
    with torch.device("meta"):
        network = {**COMPACT_WIDTHS, **NETWORKS}[architecture](7)
    weights = network.state_dict()
    first = next(iter(weights))
    assert weights[first].shape[1] == 7
    assert [name for name, tensor in weights.items() if tensor.ndim == 4 and tensor.shape[1] == 7] == [first]
