"""The package's own exceptions; each carries one sentence that a user can act on."""


class InputError(ValueError):
    """Input that cannot be used: the message names the field, its value and what to do."""


class StoreError(RuntimeError):
    """Stored data that is missing, incomplete or corrupt: the message names the document."""


class NewerVersionError(StoreError):
    """A stored document that a newer version made."""


class UnreadableDocumentWarning(UserWarning):
    """A stored document that was left out because it cannot be read: the message names it and says why."""


class SimulationError(RuntimeError):
    """A simulation that cannot go on (exploded, lost its framework): the message says at which step and why."""


def first_error(error: Exception) -> str:
    """The first complaint of a pydantic error as ``field = value: message``, or any other error's own words."""
    complaints = getattr(error, "errors", None)
    if not callable(complaints):
        return str(error)
    first = complaints()[0]
    field, value = ".".join(map(str, first["loc"])), first.get("input")
    if first["type"] not in {"missing", "extra_forbidden"} and isinstance(value, str | int | float):
        field += f" = {value!r}"
    said = first["msg"].removeprefix("Value error, ")
    return f"{field}: {said}" if field else said  # of a model as a whole
