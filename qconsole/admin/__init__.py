"""The admin service, behind every face."""

from qconsole.admin.admin import Admin, authenticate_token
from qconsole.admin.views import Actor

__all__ = ["Actor", "Admin", "authenticate_token"]
