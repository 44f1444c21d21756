"""The lab: experiments, run once to be read or many times to be counted."""
