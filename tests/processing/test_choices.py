"""The choices of dialogs are those that core knows."""

from __future__ import annotations

import pytest

from ada_mapper.core.areas.orbits import ORBITS
from ada_mapper.core.channels import ChannelKind
from ada_mapper.core.interferograms import PRODUCTS
from ada_mapper.core.models.backends import PREFERENCES
from ada_mapper.core.models.foreign_network import ANSWERS
from ada_mapper.core.samples.facts import ROLES
from ada_mapper.core.stacking.options import SIGNS, UNITS
from ada_mapper.core.stacking.reference_phase import MODES
from ada_mapper.core.stacking.trends import RAMPS
from ada_mapper.core.survey.sampling import STRATIFICATIONS
from ada_mapper.processing import choices


def test_choices_in_the_order_of_core():
    assert ("unknown", *ORBITS) == choices.ORBIT_CHOICES
    assert tuple(RAMPS) == choices.RAMP_CHOICES
    assert choices.SIGN_CHOICES == SIGNS
    assert choices.UNIT_CHOICES == UNITS
    assert choices.BACKEND_CHOICES == PREFERENCES
    assert choices.ANSWER_CHOICES == ANSWERS
    assert choices.STRATIFICATION_CHOICES == STRATIFICATIONS


def test_choices_in_an_order_of_their_own():
    assert set(choices.PRODUCT_CHOICES) == {"auto", *PRODUCTS}
    assert set(choices.REFERENCE_CHOICES) == set(MODES)
    assert set(choices.ROLE_CHOICES) == set(ROLES)
    assert {kind.value for kind in ChannelKind} == set(choices.CHANNEL_CHOICES)


def test_choices_of_networks_and_of_their_training():
    pytest.importorskip("torch")
    from ada_mapper.core.learning.devices import DEVICES
    from ada_mapper.core.learning.losses import LOSSES
    from ada_mapper.core.models import NETWORKS

    assert set(choices.NETWORK_CHOICES) == set(NETWORKS)
    assert set(choices.LOSS_CHOICES) == set(LOSSES)
    assert choices.DEVICE_CHOICES == DEVICES
