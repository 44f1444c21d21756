"""The engine: one thread that owns every llama.cpp object, and the values that go in and out."""
