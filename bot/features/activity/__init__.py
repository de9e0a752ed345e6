"""“What I did here”: a person's own entries of the audit, in a window. An admin sees counts of the workspace too."""

from __future__ import annotations

from bot.errors import SlackError
from bot.features.activity.words import act_words, outcome_words
from bot.interaction import paging
from bot.interaction.feature import Feature, Handler, Interaction, Kind, Outcome, Reply
from bot.interaction.owners import any_member, own_button_context
from bot.screen.parts import DONE, NO_FORM, ONE_MOMENT, Button, Divider, Heading, Modal, Note, Part, Text
from bot.screen.pieces import Bold, Listing, Mark, Piece, When, Where, say
from bot.status.buttons import ACTIVITY_OPEN
from bot.status.words import DOT
from bot.storage.audit.entry import DIRECT, HOME, AuditEntry
from bot.storage.button_contexts import ACTIVITY_PAGE, ButtonContext, NewButtonContext

NEWER = "activity_newer"
OLDER = "activity_older"
TITLE = say("What I did here")
KEPT = say("This app keeps a record of what you do with it: never what a secret holds, its link or its name.")
NOTHING = say("Nothing is recorded yet.")


async def open_activity(interaction: Interaction, _row: None) -> Reply:
    """The window opens before the entries are read, because its trigger lives 3 seconds."""
    await interaction.show(Modal.of(NO_FORM, TITLE, Text.of(ONE_MOMENT)))
    return await _page(interaction, 0)


async def turn_page(interaction: Interaction, context: ButtonContext[None]) -> Reply:
    """Newer and Older."""
    return await _page(interaction, int(context.data["page"]))


async def _page(interaction: Interaction, page: int) -> Reply:
    """Raises `StorageUnavailable`, `Unsealable`."""
    store = interaction.services.audit.store
    entries: list[AuditEntry] = []
    total = 0
    if store is not None:
        entries, total = await store.latest_of(interaction.person, page * paging.PAGE, paging.PAGE)
    parts: list[Part] = [Note.of(KEPT), *map(_line, entries)]
    if not total:
        parts.append(Text.of(NOTHING))
    parts += await paging.foot(
        interaction.keep, page, max(0, (total - 1) // paging.PAGE),
        lambda ref: Button(say("Newer"), NEWER, ref),
        lambda ref: Button(say("Older"), OLDER, ref),
        lambda to: NewButtonContext(ACTIVITY_PAGE, "-", None, data={"page": str(to)}),
    )  # fmt: skip
    return Reply(Modal.of(NO_FORM, TITLE, *parts, *await _counts(interaction), close=DONE), Outcome.SHOWN)


def _line(entry: AuditEntry) -> Text:
    where: tuple[Piece, ...] = () if (place := _place(entry.place)) is None else (DOT, place)
    denied: tuple[Piece, ...] = () if entry.rule is None else (DOT, say("not allowed"))
    head = (Bold(act_words(entry.act)), DOT, outcome_words(entry.outcome), *denied)
    return Text((*head, Mark("\n"), When(entry.moment), *where))


def _place(place: str | None) -> Piece | None:
    if place is None:
        return None
    if place == DIRECT:
        return say("in a direct message")
    return say("in the Home tab") if place == HOME else say("in {channel}", channel=Where(place))


async def _counts(interaction: Interaction) -> list[Part]:
    """How often what was done in the workspace, for whoever Slack calls an admin right now; nothing for all others."""
    store = interaction.services.audit.store
    try:
        if store is None or not await interaction.is_admin():
            return []
    except SlackError:
        return []
    counts = await store.counts_in(interaction.person)
    acts = sorted({act for act, _ in counts})
    lines = (
        Text.of(
            Bold(act_words(act)),
            DOT,
            Listing(
                tuple(
                    say("{outcome}: {count}", outcome=outcome_words(outcome), count=number)
                    for (one, outcome), number in sorted(counts.items())
                    if one == act
                )
            ),
        )
        for act in acts
    )
    note = Note.of(say("Everybody together, in the last 30 days. Only admins of the workspace see this."))
    return [Divider(), Heading(say("In this workspace")), note, *lines]


FEATURE = Feature(
    name="activity",
    handlers={
        Kind.ACTION: {
            ACTIVITY_OPEN: Handler(open_activity, any_member, opens_window=True),
            NEWER: Handler(turn_page, own_button_context(ACTIVITY_PAGE)),
            OLDER: Handler(turn_page, own_button_context(ACTIVITY_PAGE)),
        },
    },
)
