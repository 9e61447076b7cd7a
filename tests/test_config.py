"""Settings: which source wins, what is refused, and that no secret is shown."""

from pathlib import Path

import pytest

from qconsole.config import environments, load_settings
from qconsole.errors import ConfigError


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "qconsole.toml"
    path.write_text(text, encoding="utf-8")
    return path


FILE = """
redis_url = "redis://file:6379/0"
queues = ["a", "b"]
[env.prod]
redis_url = "redis://:secret@prod:6379/0"
production = true
[env.stage]
role = "viewer"
"""


def test_flags_beat_variables_beat_the_file_beats_defaults(tmp_path: Path) -> None:
    path = write(tmp_path, FILE)
    assert load_settings(config=path, environ={}).redis_url == "redis://file:6379/0"
    assert load_settings(config=path, environ={"QCONSOLE_REDIS_URL": "redis://var"}).redis_url == "redis://var"
    flags: dict[str, str | None] = {"redis_url": "redis://flag", "role": None}
    chosen = load_settings(config=path, environ={"QCONSOLE_REDIS_URL": "redis://var"}, **flags)
    assert chosen.redis_url == "redis://flag"
    assert chosen.role == "admin"
    assert dict((name, source) for name, _, source in chosen.shown())["redis_url"] == "flag"


def test_an_environment_overrides_the_top_of_the_file(tmp_path: Path) -> None:
    path = write(tmp_path, FILE)
    prod = load_settings(config=path, env="prod", environ={})
    assert (prod.production, prod.queues, prod.env) == (True, ("a", "b"), "prod")
    assert load_settings(config=path, environ={"QCONSOLE_ENV": "stage"}).role == "viewer"
    assert environments(config=path) == ("prod", "stage")


def test_no_secret_is_shown(tmp_path: Path) -> None:
    settings = load_settings(config=write(tmp_path, FILE), env="prod", environ={"QCONSOLE_WEB_SECRET": "hush"})
    assert "secret" not in repr(settings).replace("web_secret", "")
    assert "hush" not in repr(settings)
    assert "redis://***@prod:6379/0" in repr(settings)


def test_variables_are_converted() -> None:
    texts = {"PRODUCTION": "yes", "WEB_PORT": "0", "QUEUES": "a, b", "UNDO_H": "1.5"}
    settings = load_settings(environ={f"QCONSOLE_{name}": text for name, text in texts.items()})
    assert (settings.production, settings.web_port, settings.queues, settings.undo_h) == (True, 0, ("a", "b"), 1.5)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("colour = 1", "unknown settings: colour"),
        ("[env.prod]\nredis = 1", "[env.prod] has unknown settings: redis"),
        ("web_port = 'x'", "web_port"),
        ("web_port = 70000", "between 0 and 65535"),
        ("production = 3", "must be true or false, got 3"),
        ("undo_h = -1", "more than 0"),
        ("role = 'root'", "one of viewer, operator, admin"),
        ("queues = 'a'\nqueues = 'b'", "no TOML"),
        ("redact_patterns = ['(']", "no regular expression"),
        ("env = 5", "env must be"),
        ("timeout_s = nan", "must be a number"),
        ("web_port = 1.5", "whole number"),
    ],
)
def test_a_wrong_file_names_the_setting(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_settings(config=write(tmp_path, text), environ={})
    assert said in str(caught.value)


def test_a_missing_file_or_environment_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="does not exist"):
        load_settings(config=tmp_path / "none.toml", environ={})
    with pytest.raises(ConfigError, match="no environment 'qa'") as caught:
        load_settings(config=write(tmp_path, FILE), env="qa", environ={})
    assert "prod, stage" in (caught.value.hint or "")
