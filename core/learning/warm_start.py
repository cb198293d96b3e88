"""The weights of one model as the beginning of another with other channels."""

from __future__ import annotations

import torch

from ..errors import InputError
from ..models import ModelCard, Network, build_network


def with_channels_of(network: Network, own: ModelCard, card: ModelCard) -> Network:
    """A network for the channels of ``card`` with the weights of ``network``, whose card is ``own``.

    Bands that both have keep their weights, by name; those that are new begin with none, so that the network gives at
    first what it gave without them. InputError where the two cards are of different networks.
    """
    if (own.architecture, own.classes) != (card.architecture, card.classes):
        raise InputError(
            "The model “{own}” is a {architecture} network: a {other} network can't start from its weights.",
            own=own.name,
            architecture=own.architecture,
            other=card.architecture,
        )
    result = build_network(card.architecture, len(card.band_names), len(card.classes))
    weights = dict(network.state_dict())
    name = next(iter(weights))  # of each of our networks the first convolution
    given = weights[name]
    first = torch.zeros_like(result.state_dict()[name])
    for index, band in enumerate(card.band_names):
        if band in own.band_names:
            first[:, index] = given[:, own.band_names.index(band)]
    weights[name] = first
    result.load_state_dict(weights)
    return result
