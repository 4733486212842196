"""The package's own exceptions; each carries one sentence that a user can act on."""


class InputError(ValueError):
    """Input that cannot be used: the message names the field, its value and what to do."""


class StoreError(RuntimeError):
    """Stored data that is missing, incomplete or corrupt: the message names the document."""


class SimulationError(RuntimeError):
    """A simulation that cannot go on (exploded, lost its framework): the message says at which step and why."""
