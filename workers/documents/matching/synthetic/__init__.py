"""Generated catalogues with a known truth, for fitting and measuring the matching."""

from workers.documents.matching.synthetic.benchmark import Benchmark
from workers.documents.matching.synthetic.harsh import Traps, generate_harsh
from workers.documents.matching.synthetic.shops import Habits, generate

__all__ = ["Benchmark", "Habits", "Traps", "generate", "generate_harsh"]
