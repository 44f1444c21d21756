"""A stand-in for Hugging Face on this machine, with faults that can be ordered."""
