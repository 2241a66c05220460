"""Units of the two campuses: one uses SI units, the other US units."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["QUANTITIES", "Quantity", "Scale"]


@dataclass(frozen=True, slots=True)
class Scale:
    """A unit, and the conversion of SI values to it."""

    unit: str | None
    factor: float = 1.0
    shift: float = 0.0
    digits: int = 1

    def value(self, si: float) -> float:
        return round(si * self.factor + self.shift, self.digits)


@dataclass(frozen=True, slots=True)
class Quantity:
    metric: Scale
    us: Scale


def _both(unit: str | None, digits: int = 1) -> Quantity:
    scale = Scale(unit, digits=digits)
    return Quantity(scale, scale)


QUANTITIES = {
    "temp": Quantity(Scale("°C"), Scale("°F", 1.8, 32)),
    "air-flow": Quantity(Scale("L/s"), Scale("cfm", 2.11888, digits=0)),
    "water-flow": Quantity(Scale("L/s", digits=2), Scale("gal/min", 15.8503)),
    "air-pressure": Quantity(
        Scale("Pa", digits=0), Scale("inH₂O", 0.00401463, digits=2)
    ),
    "water-pressure": Quantity(Scale("kPa"), Scale("psi", 0.145038)),
    "wind": Quantity(Scale("m/s"), Scale("mph", 2.23694)),
    "volume": Quantity(Scale("m³", digits=2), Scale("gal", 264.172, digits=0)),
    "gas": Quantity(Scale("m³", digits=2), Scale("ft³", 35.3147, digits=0)),
    "gas-flow": Quantity(Scale("m³/h", digits=2), Scale("cfh", 35.3147)),
    "energy": _both("kWh"),
    "power": _both("kW", 2),
    "percent": _both("%"),
    "humidity": _both("%RH"),
    "co2": _both("ppm", 0),
    "freq": _both("Hz"),
    "volt": _both("V"),
    "factor": _both(None, 3),
    "irradiance": _both("W/m²", 0),
}
