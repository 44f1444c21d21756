"""QwQ Desk: a desktop test bench for the sampler settings of local reasoning models."""

__version__ = "0.1.0"
