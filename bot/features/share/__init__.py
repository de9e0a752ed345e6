"""`/ots share`: a secret for people, for a channel, or just a link; and what its sender can do with it afterwards.

What sharing has in common with generating and with answering a request is in bot/sharing.
"""

from __future__ import annotations

from bot.feature import Call, Feature, Handler, Verb, any_member, own_handle, own_parcel, own_share
from bot.features.share import buttons
from bot.features.share.after_crash import look_after
from bot.screen.parts import Modal
from bot.sharing import drafts, form
from bot.sharing.submit import submit
from bot.storage.handles import Handle


async def open_window(call: Call, _row: None) -> Modal:
    """`/ots share [@person … | #channel]`. Any other text is refused unseen."""
    return await form.open_form(call, drafts.mentioned(call.text))


async def more_room(call: Call, handle: Handle) -> Modal:
    return form.more_room(call, handle)


FEATURE = Feature(
    name="share",
    verbs=(
        Verb(
            "share",
            "shares a secret that can be opened once",
            "[@person]",
            aliases=("send",),
            handler=Handler(open_window, any_member, opens_window=True),
        ),
    ),
    actions={
        "share_more": Handler(more_room, own_handle(drafts.KIND)),
        "share_burn": Handler(buttons.burn, own_parcel),
        "share_burn_ask": Handler(buttons.ask_to_burn, own_parcel, opens_window=True),
        "share_burn_all": Handler(buttons.burn_all, own_share),
        "share_burn_all_ask": Handler(buttons.ask_to_burn_all, own_share, opens_window=True),
        "share_remind": Handler(buttons.remind, own_share),
        "share_copy": Handler(buttons.copy, own_share, opens_window=True),
        "share_link": Handler(buttons.link, own_parcel, opens_window=True),
        "share_passphrase": Handler(buttons.passphrase, own_parcel, opens_window=True),
    },
    forms={
        form.FORM: Handler(submit, own_handle(drafts.KIND)),
        "share_burn": Handler(buttons.burn_with_passphrase, own_parcel),
        "share_burn_all": Handler(buttons.burn_all_with_passphrase, own_share),
    },
    look_after=look_after,
)
