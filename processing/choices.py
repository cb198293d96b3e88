"""The choices that dialogs offer: those of core, which would have to be loaded to be asked for them."""

from __future__ import annotations

ORBIT_CHOICES = ("unknown", "ascending", "descending")
LOOK_SIDE_CHOICES = ("as told", "right", "left")
PRODUCT_CHOICES = (
    "auto",
    "hyp3",
    "licsar",
    "aria",
    "isce2",
    "snap",
    "gmtsar",
    "gamma",
    "geotiff",
    "roipac",
    "licsbas",
    "nisar",
)
REFERENCE_CHOICES = ("none", "auto", "point", "area", "median")
RAMP_CHOICES = ("none", "plane", "quadratic")
SIGN_CHOICES = ("toward", "away")
UNIT_CHOICES = ("mm/yr", "m/yr")
BACKEND_CHOICES = ("auto", "onnxruntime", "torch")
CHANNEL_CHOICES = (
    "phase_rate",
    "phase_rate_wrapped",
    "los_rate",
    "dem",
    "slope",
    "coherence",
    "los_sensitivity",
    "standard_error",
    "closure",
)
NETWORK_CHOICES = ("compact", "resnet50_unet", "vgg16_unet")
ANSWER_CHOICES = ("auto", "probabilities", "logits")
LOSS_CHOICES = ("dice_cross_entropy", "dice")
DEVICE_CHOICES = ("auto", "cuda", "mps", "cpu")
ROLE_CHOICES = ("test", "validation", "training")
STRATIFICATION_CHOICES = ("none", "orbit", "size", "rate", "district")
