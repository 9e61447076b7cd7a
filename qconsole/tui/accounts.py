"""Who may use the web console and the API: users and tokens, from the palette; needs the role admin."""

from typing import TYPE_CHECKING

from qconsole.tui.cells import fit, plain
from qconsole.tui.chore import Chore
from qconsole.tui.document import DocLine, section, text_line
from qconsole.tui.form import Answers, Ask
from qconsole.tui.format import stamp
from qconsole.tui.text_dialog import TextDialog

if TYPE_CHECKING:
    from qconsole.tui.app import ConsoleApp

_NAME = Ask("name", "Name", required=True)
_ROLE = Ask("role", "Role", "choice", default="viewer", choices=("viewer", "operator", "admin"))
_PASSWORD = Ask("password", "Password", "secret", required=True, hint="10 characters or more")


def account_chores() -> tuple[Chore, ...]:
    """Return the verbs of users and tokens."""
    return (
        Chore("list users", "who may sign in to the web console", "users list", _list_users),
        Chore("add user", "let somebody sign in to the web console", "users add", _add_user, (_NAME, _ROLE, _PASSWORD)),
        Chore("change password of user", "set another password", "users passwd", _passwd, (_NAME, _PASSWORD)),
        Chore("change role of user", "viewer, operator or admin", "users role", _role, (_NAME, _ROLE)),
        Chore("remove user", "end somebody's access", "users remove", _remove_user, (_NAME,)),
        Chore("list tokens", "API tokens and when they were used last", "tokens list", _list_tokens),
        Chore("create token", "an API token; it is shown once", "tokens create", _create_token, (_NAME, _ROLE)),
        Chore(
            "revoke token",
            "end a token's access",
            "tokens revoke",
            _revoke_token,
            (Ask("token", "Token id", required=True),),
        ),
    )


async def _show(console: "ConsoleApp", title: str, rows: list[str]) -> None:
    lines: list[DocLine] = [section(title), *(text_line(row) for row in rows or ["none"])]
    text = "\n".join(rows)
    await console.push_screen(TextDialog(title, lambda _c, _f: lines, text=text, height=len(lines) + 1))


async def _list_users(console: "ConsoleApp", _answers: Answers) -> None:
    users = await console.admin.users.list()
    await _show(console, "Users", [f"{fit(plain(user.name), 28)} {user.role}" for user in users])


async def _add_user(console: "ConsoleApp", answers: Answers) -> None:
    applied = await console.admin.users.add(answers["name"], password=answers["password"], role=answers["role"])
    console.flash(applied.sentence, "good")


async def _passwd(console: "ConsoleApp", answers: Answers) -> None:
    console.flash((await console.admin.users.passwd(answers["name"], password=answers["password"])).sentence, "good")


async def _role(console: "ConsoleApp", answers: Answers) -> None:
    console.flash((await console.admin.users.role(answers["name"], role=answers["role"])).sentence, "good")


async def _remove_user(console: "ConsoleApp", answers: Answers) -> None:
    console.flash((await console.admin.users.remove(answers["name"])).sentence, "good")


async def _list_tokens(console: "ConsoleApp", _answers: Answers) -> None:
    tokens = await console.admin.tokens.list()
    rows = [
        f"{fit(plain(t.id), 14)} {fit(plain(t.name), 24)} {fit(t.role, 9)} used {stamp(t.last_used_ms, console.zone)}"
        for t in tokens
    ]
    await _show(console, "Tokens", rows)


async def _create_token(console: "ConsoleApp", answers: Answers) -> None:
    created = await console.admin.tokens.create(answers["name"], role=answers["role"])
    await _show(console, "Token: copy it now, it is not shown again", [created.secret])


async def _revoke_token(console: "ConsoleApp", answers: Answers) -> None:
    console.flash((await console.admin.tokens.revoke(answers["token"])).sentence, "good")
