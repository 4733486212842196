"""superionic: how fast ions move in disordered solid electrolytes, from a CIF to diffusivity documents."""

from importlib.metadata import version

__version__ = version("superionic")
