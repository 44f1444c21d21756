"""The conversation page: lanes, transcript, composer and what they are made of."""
