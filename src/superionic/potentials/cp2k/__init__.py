"""CP2K as a potential."""
