"""What more rows could bring, before anyone pays for them."""

from sklw.advice._advice import Advice
from sklw.advice._advise import advise

__all__ = ["Advice", "advise"]
