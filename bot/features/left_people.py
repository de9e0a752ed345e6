"""Secrets of people who have left the workspace: its admins burn those that can still be opened.

Slack is asked afresh who is an admin, before the window shows anything and before anything is burned.
"""

from __future__ import annotations

from dataclasses import replace

from bot.errors import HostNotAllowed
from bot.interaction.admins import require_admin
from bot.interaction.feature import Feature, Handler, Interaction, Kind, Outcome, Reply
from bot.interaction.owners import any_member, own_button_context
from bot.person import Person
from bot.screen.parts import DONE, NO_FORM, ONE_MOMENT, Button, Buttons, Modal, Note, Part, Text
from bot.screen.pieces import Phrase, Who, say, say_count
from bot.sharing.sender_buttons import burn_unopened
from bot.sharing.sender_card import BURN_ALL_CONFIRM
from bot.status.buttons import LEFT_OPEN
from bot.status.words import DONE_SIGN, WARNING_SIGN
from bot.storage.button_contexts import LEFT_PERSON, ButtonContext, NewButtonContext
from bot.storage.shares.store import LeftBehind

BURN = "left_burn"
TITLE = say("People who left")
MAX_PEOPLE = 20  # in the window; whoever is not there comes when others have been burned
USER_ID = "user_id"  # the key in the data of the button context


async def open_list(interaction: Interaction, _row: None) -> Reply:
    """The window opens before Slack is asked, because its trigger lives 3 seconds."""
    await interaction.show(Modal.of(NO_FORM, TITLE, Text.of(ONE_MOMENT)))
    await require_admin(interaction)
    return Reply(await _list(interaction), Outcome.SHOWN)


async def burn(interaction: Interaction, context: ButtonContext[None]) -> Reply:
    """Burn everything of this person that can be opened, also where another server does not answer."""
    await require_admin(interaction)
    person = replace(interaction.person, user_id=context.data[USER_ID])
    if not await interaction.has_left(person):
        back = say("{person} is a member of this workspace again. Nothing was burned.", person=Who(person.user_id))
        return Reply(await _list(interaction, Text.of(back)), Outcome.REFUSED)
    await interaction.show(Modal.of(NO_FORM, TITLE, Text.of(ONE_MOMENT)))
    burned, failed = await _burn_all_of(interaction, person)
    said: list[Part] = []
    if burned:
        said.append(Text.of(DONE_SIGN, _burned_words(burned)))
    if failed:
        said.append(Text.of(WARNING_SIGN, _failed_words(failed)))
    outcome = Outcome.PARTLY_DONE if burned and failed else Outcome.REFUSED if failed else Outcome.DONE
    return Reply(await _list(interaction, *said), outcome)


async def _burn_all_of(interaction: Interaction, person: Person) -> tuple[int, int]:
    """How many secrets were burned, and how many were not."""
    services, burned, failed = interaction.services, 0, 0
    sent = await services.shares.sent_by(person)
    open_shares = {share.id: share for share, delivery in sent if delivery.can_be_opened}
    for share in open_shares.values():
        try:
            access = await services.access(person, services.hosts.of(share.host))
        except HostNotAllowed:
            failed += sum(delivery.can_be_opened for one, delivery in sent if one.id == share.id)
            continue
        done, errors = await burn_unopened(services, access, share.id, None)
        for delivery in done:
            services.audit.note(
                interaction.person, FEATURE.name, Outcome.DONE, name=BURN, surface=Kind.ACTION, ref=delivery.id,
                secret=services.audit.hash_secret(interaction.person, delivery.host, delivery.metadata_key),
            )  # fmt: skip
        burned, failed = burned + len(done), failed + len(errors)
    return burned, failed


def _burned_words(count: int) -> Phrase:
    return say_count("{count} secret was burned.", "{count} secrets were burned.", count)


def _failed_words(count: int) -> Phrase:
    return say_count(
        "{count} secret could not be burned: its server did not answer, or it wants a passphrase that only the sender "
        "knew. It can be opened until it expires.",
        "{count} secrets could not be burned: their server did not answer, or it wants a passphrase that only the "
        "sender knew. They can be opened until they expire.",
        count,
    )


async def _list(interaction: Interaction, *above: Part) -> Modal:
    """Everybody of the workspace who has left it with secrets that can be opened."""
    found = await interaction.services.shares.left_behind(interaction.person, MAX_PEOPLE)
    refs = await interaction.keep(
        *(NewButtonContext(LEFT_PERSON, "-", None, data={USER_ID: one.person.user_id}) for one in found)
    )
    if not found:
        nothing = say("Nobody who left this workspace has shared a secret here that can still be opened.")
        return Modal.of(NO_FORM, TITLE, *above, Text.of(nothing), close=DONE)
    note = Note.of(say("Once they are burned, nobody can open them any more."))
    numbered = enumerate(zip(found, refs, strict=True), 1)
    rows = [part for place, (one, ref) in numbered for part in _row(place, one, ref)]
    return Modal.of(NO_FORM, TITLE, *above, *rows, note, close=DONE)


def _row(place: int, left: LeftBehind, ref: str) -> tuple[Part, Part]:
    said = say_count(
        "{person} left {count} secret that can be opened.",
        "{person} left {count} secrets that can be opened.",
        left.number,
        person=Who(left.person.user_id),
    )
    label = say("Burn all of person {number} in this list", number=place)
    return Text.of(said), Buttons.of(Button(say("Burn all"), BURN, ref, "danger", BURN_ALL_CONFIRM, label))


FEATURE = Feature(
    name="left_people",
    handlers={
        Kind.ACTION: {
            LEFT_OPEN: Handler(open_list, any_member, opens_window=True),
            BURN: Handler(burn, own_button_context(LEFT_PERSON)),
        },
    },
)
