"""The policy of a workspace, in Home: its admins and owners set the rules, within those of whoever runs the bot.

Slack is asked afresh who is an admin, before the window shows anything and before anything is saved.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from bot.errors import HostNotAllowed
from bot.interaction.admins import require_admin
from bot.interaction.feature import Feature, FieldErrors, Handler, Interaction, Kind, Outcome, Reply
from bot.interaction.owners import any_member
from bot.interaction.parsed_text import parse_field
from bot.interaction.services import Services
from bot.policy.decide import NAMES, Layers, words
from bot.policy.rules import COUNTS, MAX_COUNT, Policy
from bot.screen.parts import CANCEL, DONE, ONE_MOMENT, Checkboxes, Choice, Field, Modal, Note, Part, Text
from bot.screen.pieces import Duration, HostName, Listing, Piece, say
from bot.secret import Secret
from bot.status.buttons import POLICY_OPEN
from bot.status.words import DONE_SIGN

FORM = "policy"
SAVED_FORM = "policy_saved"
TITLE = say("Policy")
NONE = "none"  # the value of a choice that sets no rule
BOXES = ("channels", "bare_links", "guests", "retrieve", "escrow", "unfurl")


async def open_form(interaction: Interaction, _row: None) -> Reply:
    """“Open the policy”. The window opens before Slack is asked, because its trigger lives 3 seconds."""
    await interaction.show(Modal.of(FORM, TITLE, Text.of(ONE_MOMENT)))
    await require_admin(interaction)
    layers = await interaction.services.policies.fresh(interaction.person)
    return Reply(form(interaction.services, layers), Outcome.SHOWN)


def form(services: Services, layers: Layers) -> Modal:
    """The rules as they are, with what the deployment does not leave to the workspace said in words."""
    mine = layers.workspace
    offered = _offered_boxes(services, layers.deployment)
    ticked = frozenset(name for name in offered if _is_ticked(name, layers))
    hosts = _hosts_of(services, layers.deployment)
    lives = tuple((str(one), Duration(one)) for one in _lives_of(services, layers.deployment))
    life = mine.max_life
    bounds: list[Part] = [
        Note.of(words(name, "deployment")) for name in BOXES if getattr(layers.deployment, name) is False
    ]
    if layers.deployment.passphrase:
        bounds.append(Note.of(words("passphrase", "deployment")))
    box: list[Part] = []
    if offered:
        box.append(Checkboxes("allowed", say("Allowed"), tuple((name, NAMES[name]) for name in offered), ticked))
    if not layers.deployment.passphrase:
        required = (("on", say("Every secret that is shared needs a passphrase")),)
        chosen = frozenset({"on"} if mine.passphrase else ())
        box.append(Checkboxes("passphrase", NAMES["passphrase"], required, chosen))
    return Modal.of(
        FORM,
        TITLE,
        Text.of(say("What people of this workspace may do with this app. It applies at once, to everybody.")),
        *bounds,
        *box,
        Choice(
            "max_life",
            NAMES["max_life"],
            ((NONE, say("No rule")), *lives),
            str(life) if str(life) in dict(lives) else NONE,
        ),
        Field(
            "hosts",
            NAMES["hosts"],
            say("Names, separated by spaces. Empty: all that are listed below."),
            optional=True,
            initial=" ".join(one.split("://")[-1] for one in mine.hosts or ()),
        ),
        Note.of(Listing(tuple(HostName(one.name) for one in hosts))),
        Choice(
            "default_host",
            NAMES["default_host"],
            ((NONE, say("No rule")), *((one.url, HostName(one.name)) for one in hosts)),
            mine.default_host if mine.default_host in {one.url for one in hosts} else NONE,
        ),
        *(
            Field(
                name,
                NAMES[name],
                _most(services, layers.deployment, name),
                optional=True,
                max_length=7,
                initial=str(getattr(mine, name) or ""),
            )
            for name in COUNTS
        ),
        submit=say("Save"),
        close=CANCEL,
    )


def _offered_boxes(services: Services, deployment: Policy) -> tuple[str, ...]:
    """What the deployment leaves to the workspace."""
    off = {"escrow"} if not services.escrow else set()
    off |= {"unfurl"} if not services.unfurl_links else set()
    return tuple(name for name in BOXES if name not in off and getattr(deployment, name) is not False)


def _is_ticked(name: str, layers: Layers) -> bool:
    return layers.allows_guests if name == "guests" else getattr(layers.workspace, name) is not False


def _hosts_of(services: Services, deployment: Policy) -> tuple[Any, ...]:
    return tuple(one for one in services.hosts.all if deployment.hosts is None or one.url in deployment.hosts)


def _lives_of(services: Services, deployment: Policy) -> tuple[int, ...]:
    most = deployment.max_life
    return tuple(one for one in services.lives.offered if most is None or one <= most)


def _most(services: Services, deployment: Policy, name: str) -> Piece:
    return say("Empty: no rule. At most {count}.", count=_outer(services, deployment, name))


def _outer(services: Services, deployment: Policy, name: str) -> int:
    return min(getattr(deployment, name) or MAX_COUNT, services.limits.outer(name))


async def save(interaction: Interaction, _row: None) -> Reply:
    """Save the rules, if Slack says now that this is an admin and the deployment's rules leave room for them."""
    await require_admin(interaction)
    services = interaction.services
    layers = await services.policies.fresh(interaction.person)
    policy = _read(interaction, layers)
    changed = await services.policies.set(interaction.person, policy)
    for name in changed:
        services.audit.note(interaction.person, FEATURE.name, Outcome.DONE, name=name, surface=Kind.FORM)
    names = Listing(tuple(NAMES[name] for name in changed))
    said = say("Saved: {rules}.", rules=names) if changed else say("Nothing was changed.")
    return Reply(Modal.of(SAVED_FORM, TITLE, Text.of(DONE_SIGN, said), close=DONE), Outcome.DONE)


def _read(interaction: Interaction, layers: Layers) -> Policy:
    """The rules that were entered. Raises `FieldErrors` for those that are not within the deployment's."""
    services, deployment, before = interaction.services, layers.deployment, layers.workspace
    wrong: dict[str, Piece] = {}
    found: dict[str, Any] = {}
    if "allowed" in interaction.checkboxes:
        for name in _offered_boxes(services, deployment):
            is_ticked = name in interaction.checkboxes["allowed"]
            if is_ticked != _is_ticked(name, layers):
                found[name] = is_ticked if name == "guests" else None if is_ticked else False
    if "passphrase" in interaction.checkboxes:
        found["passphrase"] = True if "on" in interaction.checkboxes["passphrase"] else None
    found["max_life"] = _read_life(interaction, deployment, wrong)
    found["hosts"] = _read_hosts(interaction, deployment, wrong)
    default = interaction.selects.get("default_host", NONE)
    found["default_host"] = None if default == NONE else default
    allowed = found["hosts"] or tuple(one.url for one in _hosts_of(services, deployment))
    if found["default_host"] is not None and found["default_host"] not in allowed:
        wrong["default_host"] = say("This server is not among those that are allowed.")
    for name in COUNTS:
        found[name] = _read_count(interaction, deployment, name, wrong)
    if wrong:
        raise FieldErrors(wrong)
    return replace(before, **found)


def _read_life(interaction: Interaction, deployment: Policy, wrong: dict[str, Piece]) -> int | None:
    chosen = interaction.selects.get("max_life", NONE)
    if chosen == NONE:
        return None
    if not chosen.isdecimal() or int(chosen) not in _lives_of(interaction.services, deployment):
        wrong["max_life"] = words("max_life", "deployment")
        return None
    return int(chosen)


def _read_hosts(interaction: Interaction, deployment: Policy, wrong: dict[str, Piece]) -> tuple[str, ...] | None:
    typed = parse_field(interaction.text_inputs.get("hosts", Secret(""))).readable.replace(",", " ").split()
    try:
        found = tuple(dict.fromkeys(interaction.services.hosts.named(one).url for one in typed))
    except HostNotAllowed as error:
        wrong["hosts"] = error.tell
        return None
    if deployment.hosts is not None and not set(found) <= set(deployment.hosts):
        wrong["hosts"] = words("hosts", "deployment")
    return found or None


def _read_count(interaction: Interaction, deployment: Policy, name: str, wrong: dict[str, Piece]) -> int | None:
    typed = parse_field(interaction.text_inputs.get(name, Secret(""))).readable.strip()
    most = _outer(interaction.services, deployment, name)
    if not typed:
        return None
    if not (typed.isascii() and typed.isdecimal() and 1 <= int(typed) <= most):
        wrong[name] = say("A whole number from 1 to {count}, please.", count=most)
        return None
    return int(typed)


FEATURE = Feature(
    name="policy",
    handlers={
        Kind.ACTION: {POLICY_OPEN: Handler(open_form, any_member, opens_window=True)},
        Kind.FORM: {FORM: Handler(save, any_member)},
    },
)
