"""Background jobs on arq and Redis, and one console to see and steer them.

- `qconsole.runtime`: for job authors: `job_type`, `Client`, policies, flows, schedules.
- `qconsole.errors`: what is raised, and what a handler may raise.
- `qconsole.web`: `console(…)`, to mount the web console in an application.
- `qconsole.admin`: the service behind the console, for programs that ask and act as an operator does.
"""
