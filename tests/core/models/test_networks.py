"""The networks' sizes, shapes and strides."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from ada_mapper.core.errors import InputError
from ada_mapper.core.models import COMPACT_WIDTHS, NETWORKS, build_network, parameter_count

# Wu et al. 2024 give no numbers of parameters; these follow from their table 4 layer by layer.
PARAMETERS = {
    "resnet50_unet": (43_926_594, 43_929_730, 43_932_866, 43_936_002),
    "vgg16_unet": (24_890_050, 24_890_626, 24_891_202, 24_891_778),
}


@pytest.mark.parametrize("architecture", sorted(PARAMETERS))
def test_the_papers_networks_have_the_known_numbers_of_parameters(architecture: str) -> None:
    with torch.device("meta"):
        counts = tuple(parameter_count(build_network(architecture, channels)) for channels in (1, 2, 3, 4))
    assert counts == PARAMETERS[architecture]


def test_the_compact_network_is_compact() -> None:
    with torch.device("meta"):
        assert 1e6 < parameter_count(build_network("compact", 4)) < 5e6


def test_the_compact_widths_have_half_twice_and_four_times_the_parameters() -> None:
    with torch.device("meta"):
        counts = {name: parameter_count(build_network(name, 4)) for name in COMPACT_WIDTHS}
    ratios = [counts[name] / counts["compact"] for name in ("compact_half", "compact_double", "compact_quadruple")]
    assert ratios == pytest.approx([24**2 / 32**2, 48**2 / 32**2, 4], rel=0.01)


@pytest.mark.parametrize("architecture", sorted({*NETWORKS, *COMPACT_WIDTHS}))
@pytest.mark.parametrize("channels", [1, 3])
def test_logits_have_the_inputs_size_for_every_multiple_of_the_stride(architecture: str, channels: int) -> None:
    network = build_network(architecture, channels).eval()
    for height, width in ((1, 1), (2, 3)):
        shape = (2, channels, height * network.stride, width * network.stride)
        with torch.inference_mode():
            logits = network(torch.zeros(shape))
        assert logits.shape == (2, 2, *shape[2:])


def test_the_papers_encoder_halves_down_to_a_thirty_second() -> None:
    with torch.device("meta"):
        network = build_network("resnet50_unet", 4)
        sizes = {}
        for name in ("layer1", "layer2", "layer3", "layer4", "up1", "up2", "up3", "up4", "up5"):
            getattr(network, name).register_forward_hook(
                lambda module, inputs, output, name=name: sizes.__setitem__(name, tuple(output.shape[1:]))
            )
        network(torch.zeros(1, 4, 256, 256))
    assert sizes == {
        "layer1": (256, 64, 64),
        "layer2": (512, 32, 32),
        "layer3": (1024, 16, 16),
        "layer4": (2048, 8, 8),
        "up1": (512, 16, 16),
        "up2": (256, 32, 32),
        "up3": (128, 64, 64),
        "up4": (64, 128, 128),
        "up5": (64, 256, 256),
    }


def test_an_unknown_network_is_refused_by_name() -> None:
    with pytest.raises(InputError, match=r"resnet51.*compact"):
        build_network("resnet51", 4)
