"""Command lines are quoted so that a shell reads back what was meant."""

import shlex

from hypothesis import given
from hypothesis import strategies as st

from qconsole.admin.commands import cli_command


def test_a_command_names_what_a_screen_did() -> None:
    line = cli_command(
        "dead_letters", "replay", filter='error~"a b" queue:x', rate=500.0, dry_run=True, reason=None, env="prod"
    )
    assert line == "qconsole dlq replay --filter 'error~\"a b\" queue:x' --rate 500 --dry-run --env prod"


def test_an_id_that_looks_like_a_flag_stays_an_id() -> None:
    assert cli_command("jobs", "show", "-rf", queue="q") == "qconsole jobs show --queue q -- -rf"


def test_control_characters_are_shown_not_obeyed() -> None:
    assert cli_command("jobs", "show", "a\x1b[2J'\u202e") == "qconsole jobs show $'a\\u001b[2J\\'\\u202e'"


@given(st.text(alphabet=st.characters(exclude_categories=["Cc", "Cf", "Cs", "Zl", "Zp"]), min_size=1))
def test_any_id_survives_the_shell(job_id: str) -> None:
    assert shlex.split(cli_command("jobs", "show", job_id))[-1] == job_id
