"""The public names for job authors."""

from qconsole.runtime.job_type import Context, JobType, job_type
from qconsole.runtime.policy import Dedup, Exponential, Fixed, QueuePolicy, Rate, Retention, Sla

__all__ = [
    "Context",
    "Dedup",
    "Exponential",
    "Fixed",
    "JobType",
    "QueuePolicy",
    "Rate",
    "Retention",
    "Sla",
    "job_type",
]
