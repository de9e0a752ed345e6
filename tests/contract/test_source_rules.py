"""Rules of the bot's own, checked over its syntax trees. ruff's rules of flake8-bandit (`S`) are on as well.

Each rule is a function that gives the lines of a file that break it. A table of planted lines shows that it finds them.
"""

from __future__ import annotations

import ast
import functools
import re
import tomllib
from collections.abc import Iterator

from tests.readme import ROOT
from tests.support.rows import each_row

LEVELS = frozenset({"debug", "info", "warning", "warn", "error", "exception", "critical", "log"})
SQL = frozenset({"text", "execute", "exec_driver_sql", "literal_column"})
# Where a secret becomes plain text, and what for.
REVEALS = {
    "bot/features/make_link/credential_kinds.py": "the text of a message, to find kinds of credentials in it",
    "bot/interaction/parsed_text.py": "what was typed is read",
    "bot/interaction/passphrases.py": "a passphrase is compared with what phones make of it",
    "bot/onetime/client.py": "the password of an account, for the header of a call",
    "bot/onetime/links.py": "keys, for the address of a link",
    "bot/onetime/wire/recipients.py": "an address, to compare it with what a server says of it",
    "bot/onetime/wire/metadata.py": "a secret key, to compare its fingerprint with those of a list",
    "bot/onetime/wire/requests.py": "keys, passphrases and texts, for the request",
    "bot/proxy.py": "the address of the proxy, with its password",
    "bot/screen/long.py": "a long secret is cut into pages and fields",
    "bot/secret.py": "the type itself",
    "bot/slack/blocks.py": "a secret is shown in a window",
    "bot/slack/installing.py": "the client secret, for Bolt, and the token of a new installation",
    "bot/slack/diagnosis.py": "a token, for the doctor's call",
    "bot/slack/token_facts.py": "a token, to see its kind by its beginning",
    "bot/slack/signature.py": "the signing secret, for the HMAC",
    "bot/slack/socket.py": "the address of a WebSocket, with its ticket",
    "bot/slack/web.py": "tokens, response_urls and links that get a card, for the call",
    "bot/slack/workspaces.py": "the id of the app, which is part of its app token",
    "bot/storage/accounts.py": "a user name, to compare it",
    "bot/storage/engine/location.py": "DATABASE_URL, for the driver",
    "bot/storage/sealing/key_command.py": "the command that prints the keys, to run it",
    "bot/storage/sealing/key_file.py": "a new key, for its file",
    "bot/storage/sealing/keyring.py": "the lines of ENCRYPTION_KEYS",
    "bot/storage/sealing/sealer.py": "the text that is encrypted",
}

COMPOSES = {
    "bot/storage/copy_database.py": "the names of its own tables, for LOCK",
    "bot/storage/engine/sqlite.py": "settings of SQLite, which take no parameters",
    "migrations/versions/0007_standard_names.py": "names of its own tables and columns",
}


def reads_a_secret(tree: ast.AST) -> Iterator[int]:
    """`.reveal()`: only where the plain text is needed."""
    for call in calls(tree):
        if isinstance(call.func, ast.Attribute) and call.func.attr == "reveal" and not (call.args or call.keywords):
            yield call.lineno
    yield from (one.lineno for one in ast.walk(tree) if isinstance(one, ast.Attribute) and "__text" in one.attr)


def composes_a_log_line(tree: ast.AST) -> Iterator[int]:
    """An event has a fixed name, and what varies is in fields that are listed: no text is made for a logger."""
    for call in calls(tree):
        if isinstance(call.func, ast.Attribute) and call.func.attr in LEVELS and is_logger(call.func.value):
            given = [*call.args, *(keyword.value for keyword in call.keywords)]
            if any(is_composed(one) for one in given):
                yield call.lineno


def trusts_any_certificate(tree: ast.AST) -> Iterator[int]:
    """No way around the check of certificates."""
    names = {"CERT_NONE", "_create_unverified_context", "_create_stdlib_context"}
    for one in ast.walk(tree):
        if isinstance(one, ast.keyword) and one.arg in ("verify", "ssl", "verify_ssl", "check_hostname"):
            if isinstance(one.value, ast.Constant) and one.value.value is False:
                yield one.value.lineno
        elif getattr(one, "attr", None) in names or getattr(one, "id", None) in names or switches_off(one):
            yield one.lineno  # type: ignore[attr-defined]


def switches_off(one: ast.AST) -> bool:
    targets = one.targets if isinstance(one, ast.Assign) else []
    return any(isinstance(to, ast.Attribute) and to.attr in ("check_hostname", "verify") for to in targets)


def follows_redirects(tree: ast.AST) -> Iterator[int]:
    """A redirect would get what was meant for somebody else."""
    for one in ast.walk(tree):
        if (
            isinstance(one, ast.keyword)
            and one.arg in ("follow_redirects", "allow_redirects")
            and not (isinstance(one.value, ast.Constant) and one.value.value is False)
        ):
            yield one.value.lineno


def composes_sql(tree: ast.AST) -> Iterator[int]:
    """A statement has parameters. Only constants of the code, in capitals, may be written into its text."""
    for call in calls(tree):
        if name_of(call) in SQL and call.args and is_composed(call.args[0]) and not is_of_constants(call.args[0]):
            yield call.lineno


def hides_any_error(tree: ast.AST) -> Iterator[int]:
    """Whoever catches everything does something about it."""
    for one in ast.walk(tree):
        if isinstance(one, ast.ExceptHandler) and catches_everything(one.type):
            if all(isinstance(line, ast.Pass | ast.Continue) or is_ellipsis(line) for line in one.body):
                yield one.lineno
        elif isinstance(one, ast.Call) and name_of(one) == "suppress" and any(map(catches_everything, one.args)):
            yield one.lineno


def calls(tree: ast.AST) -> Iterator[ast.Call]:
    return (one for one in ast.walk(tree) if isinstance(one, ast.Call))


def name_of(call: ast.Call) -> str:
    """The name of what is called, without what is before the dot."""
    return str(getattr(call.func, "attr", getattr(call.func, "id", "")))


def is_logger(value: ast.expr) -> bool:
    called = value.func if isinstance(value, ast.Call) else value
    name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
    return re.fullmatch(r"_?(\w*log|\w*logger|logs|logging|getlogger)", name, re.IGNORECASE) is not None


def is_composed(value: ast.expr) -> bool:
    """An f-string with something in it, `%`, `+` or `.format` of a text."""
    if isinstance(value, ast.JoinedStr):
        return any(isinstance(part, ast.FormattedValue) for part in value.values)
    if isinstance(value, ast.BinOp) and isinstance(value.op, ast.Mod | ast.Add):
        return any(
            is_composed(side) or isinstance(side, ast.JoinedStr) or isinstance(getattr(side, "value", None), str)
            for side in (value.left, value.right)
        )
    return isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute) and value.func.attr == "format"


def is_of_constants(value: ast.expr) -> bool:
    parts = [part.value for part in ast.walk(value) if isinstance(part, ast.FormattedValue)]
    names = [part.attr if isinstance(part, ast.Attribute) else getattr(part, "id", "") for part in parts]
    return isinstance(value, ast.JoinedStr) and all(re.fullmatch(r"_?[A-Z][A-Z0-9_]*", name) for name in names)


def catches_everything(kind: ast.expr | None) -> bool:
    kinds = kind.elts if isinstance(kind, ast.Tuple) else [kind]
    return any(one is None or getattr(one, "id", "") in ("Exception", "BaseException") for one in kinds)


def is_ellipsis(line: ast.stmt) -> bool:
    return isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant)


RULES = {
    rule.__name__: rule
    for rule in (
        reads_a_secret,
        composes_a_log_line,
        trusts_any_certificate,
        follows_redirects,
        composes_sql,
        hides_any_error,
    )
}
ALLOWED = {"reads_a_secret": REVEALS, "composes_sql": COMPOSES}


@functools.cache
def trees() -> dict[str, ast.Module]:
    files = [*(ROOT / "bot").rglob("*.py"), *(ROOT / "migrations").rglob("*.py")]
    return {path.relative_to(ROOT).as_posix(): ast.parse(path.read_text(encoding="utf-8")) for path in files}


@functools.cache
def broken(rule: str) -> dict[str, list[int]]:
    """The files of the bot that break a rule, with the lines."""
    found = {path: sorted(RULES[rule](tree)) for path, tree in trees().items()}
    return {path: lines for path, lines in found.items() if lines}


@each_row("rule", list(RULES))
def test_no_file_breaks_a_rule(rule):
    assert {path: lines for path, lines in broken(rule).items() if path not in ALLOWED.get(rule, {})} == {}


def test_no_file_is_allowed_what_it_does_not_do():
    assert {rule: broken(rule).keys() & files for rule, files in ALLOWED.items()} == {
        rule: files.keys() for rule, files in ALLOWED.items()
    }


PLANTS = {
    "reads_a_secret": [
        "print(token.reveal())",
        "key = self._token.reveal()",
        "x = secret._Secret__text",
    ],
    "composes_a_log_line": [
        'log.info(f"opened {key}")',
        'log.warning("opened", reason=f"{error}")',
        'log.info("opened %s" % key)',
        'log.info("opened " + key)',
        'log.error("opened {}".format(key))',
        'logging.info(f"{key}")',
        'self._log.debug(f"{key}")',
        'logging.getLogger("x").info(f"{key}")',
        'Log("x").info(f"{key}")',
    ],
    "trusts_any_certificate": [
        "httpx.AsyncClient(verify=False)",
        "session.get(url, ssl=False)",
        "context.check_hostname = False",
        "context.verify_mode = ssl.CERT_NONE",
        "ssl._create_unverified_context()",
        "from ssl import CERT_NONE\nmode = CERT_NONE",
    ],
    "follows_redirects": [
        "httpx.AsyncClient(follow_redirects=True)",
        "session.get(url, allow_redirects=True)",
        "session.get(url, allow_redirects=wanted)",
    ],
    "composes_sql": [
        'text(f"SELECT {column} FROM shares")',
        'sa.text("SELECT %s" % column)',
        'text("SELECT " + column)',
        'text("SELECT {}".format(column))',
        'await connection.exec_driver_sql(f"PRAGMA user_version = {number}")',
        'text(f"SELECT {column.upper()} FROM {TABLE}")',
        'cursor.execute(f"DROP TABLE {name}")',
    ],
    "hides_any_error": [
        "try:\n    act()\nexcept Exception:\n    pass",
        "try:\n    act()\nexcept:\n    ...",
        "try:\n    act()\nexcept (ValueError, BaseException):\n    pass",
        "for one in all:\n    try:\n        act()\n    except Exception:\n        continue",
        "with suppress(Exception):\n    act()",
        "with contextlib.suppress(ValueError, Exception):\n    act()",
    ],
}


@each_row(("rule", "line"), [(rule, line) for rule, lines in PLANTS.items() for line in lines])
def test_a_planted_line_is_found(rule, line):
    assert list(RULES[rule](ast.parse(line)))


@each_row(
    ("rule", "line"),
    [
        ("reads_a_secret", "await onetime.reveal(credentials, key, passphrase)"),
        ("composes_a_log_line", 'log.info("opened", ref=row.id)'),
        ("composes_a_log_line", 'words.format(f"{host}")'),
        ("trusts_any_certificate", "httpx.create_ssl_context(verify=True)"),
        ("follows_redirects", "session.get(url, allow_redirects=False)"),
        ("composes_sql", 'text("SELECT :name")'),
        ("composes_sql", "text(f\"SET LOCAL lock_timeout = '{WAIT}s'\")"),
        ("hides_any_error", "try:\n    act()\nexcept ValueError:\n    pass"),
        ("hides_any_error", "with suppress(ValueError):\n    act()"),
    ],
)
def test_a_line_that_breaks_no_rule_is_not_found(rule, line):
    assert not list(RULES[rule](ast.parse(line)))


def test_every_rule_has_plants():
    assert PLANTS.keys() == RULES.keys()


# --- ruff's rules of flake8-bandit


def test_the_rules_of_bandit_are_on_but_for_those_that_are_explained():
    lint = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["ruff"]["lint"]

    assert lint["select"] == ["ALL"]
    assert {one for one in lint["ignore"] if re.fullmatch(r"S\d*", one)} == {"S101", "S105"}
    assert set(lint["per-file-ignores"]["bot/sandbox/**"]) >= {"S104", "S105", "S106", "S311"}
    assert not [one for one in lint["per-file-ignores"].get("migrations/**", []) if one.startswith("S")]


def test_each_exception_from_them_says_why():
    said = {
        f"{path.relative_to(ROOT)}:{number}": line
        for path in (ROOT / "bot").rglob("*.py")
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if re.search(r"# noqa: [A-Z0-9, ]*\bS\d{3}", line)
    }

    assert [where for where, line in said.items() if not re.search(r"# noqa: [A-Z0-9, ]+ - \w", line)] == []
