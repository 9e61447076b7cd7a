"""Mails: rendered from templates, built with a stable identity, sent over pooled SMTP connections."""
