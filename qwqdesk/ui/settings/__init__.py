"""The settings page and the engine settings dialog."""
