"""The Processing provider ``adamapper`` and its algorithms: parameters in, one core call, layers out."""
