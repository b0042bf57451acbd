"""Numbers and names as people read them: sensible digits, a thin unit, a dash for what does not exist. No torch."""

import math
import re
from typing import TypeGuard

MISSING = "–"
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def percent(fraction: float | None, digits: int = 1) -> str:
    """A fraction in [0, 1] as per cent: 0.0834 -> "8.3 %"."""
    if not is_number(fraction):
        return MISSING
    return f"{100 * fraction:.{digits}f} %"


def count(number: float | None) -> str:
    """Parameters, operations, pictures: exact below 100,000, then 0.27 M, 19.4 M, 11.3 G."""
    if not is_number(number):
        return MISSING
    if abs(number) < 100_000:
        return f"{round(number):,}"
    for unit, size in (("M", 1e6), ("G", 1e9), ("T", 1e12)):
        scaled = number / size
        if abs(scaled) < 999.95:
            return f"{scaled:.{2 if abs(scaled) < 0.995 else 1}f} {unit}"
    return scientific(number)


def rate(images_per_s: float | None) -> str:
    """Throughput to three digits: 1123.4 -> "1,120 images/s"."""
    if not is_number(images_per_s):
        return MISSING
    return f"{three_digits(images_per_s)} images/s"


def duration(seconds: float | None) -> str:
    """The two largest units: "0.4 s", "12 s", "3 min 20 s", "1 h 5 min", "2 d 3 h"."""
    if not is_number(seconds) or seconds < 0:
        return MISSING
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    for size, unit, small_size, small_unit in (
        (86_400, "d", 3_600, "h"),
        (3_600, "h", 60, "min"),
        (60, "min", 1, "s"),
    ):
        if whole >= size:
            small = whole % size // small_size
            return f"{whole // size} {unit}" + (f" {small} {small_unit}" if small else "")
    return f"{whole} s"


def file_size(n_bytes: float | None) -> str:
    """Bytes in decimal units: "812 B", "3.2 kB", "170 MB", "1.1 GB"."""
    if not is_number(n_bytes):
        return MISSING
    size = float(n_bytes)
    for unit in ("B", "kB", "MB", "GB"):
        if size < 999.5:
            return f"{size:.1f} {unit}" if unit != "B" and size < 99.95 else f"{size:.0f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"


def escape_markdown(text: str) -> str:
    """Text from outside, such as the name of a class, so that Streamlit shows it as it is, in one line.

    Signs of Markdown get a backslash. Addresses, colours and icons are recognised in plain text, too: an invisible
    space after their first sign keeps them from that.
    """
    escaped = re.sub(r"([\\`*_\[\]<>&$~|])", r"\\\1", " ".join(text.split()))
    escaped = re.sub(r"^([#+=-])|^(\d+)([.)])(?=\s|$)", r"\2\\\1\3", escaped)  # what makes headings and lists
    return re.sub(r"(?i):(?=\S)|@(?=\w)|www(?=\.)", "\\g<0>\u200b", escaped)


def scientific(value: float | None) -> str:
    """Sizes over decades: 0.032 and 1,230 plain, 3.2 × 10⁻⁵ otherwise; zero and non-finite values by name."""
    if value is None or math.isnan(value):
        return "not a number"
    if math.isinf(value):
        return "infinite"
    if value == 0:
        return "exactly 0"
    if 0.00995 <= abs(value) < 9_995:
        return three_digits(value)
    mantissa, exponent = f"{value:.1e}".split("e")
    return f"{mantissa} × 10{str(int(exponent)).translate(_SUPERSCRIPTS)}"


def decade(exponent: int) -> str:
    """A power of ten for an axis: -6 -> "10⁻⁶", 0 -> "1"."""
    return {0: "1", 1: "10"}.get(exponent, f"10{str(exponent).translate(_SUPERSCRIPTS)}")


def three_digits(value: float) -> str:
    """Three significant digits, thousands set off, no exponent: 1123.4 -> "1,120", 0.03456 -> "0.0346"."""
    if value == 0:
        return "0"
    places = 2 - math.floor(math.log10(abs(value)))
    return f"{round(value, places):,.{max(places, 0)}f}"


def is_number(value: float | None) -> TypeGuard[float]:
    """False for None, NaN and infinities."""
    return value is not None and math.isfinite(value)
