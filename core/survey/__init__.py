"""The field survey: sites, the package for a phone or tablet, what comes back from it, and what it proves."""
