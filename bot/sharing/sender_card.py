"""What the sender sees of a share: one card that is updated in place, and notifications next to it.

The card and the notifications hold no key, no link and no content. Their buttons offer what can still be done.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from bot.onetime.links import Host
from bot.screen.parts import Button, Buttons, Confirm, Copyable, Divider, Message, Note, Part, Text
from bot.screen.pieces import (
    Bold,
    HostName,
    Mark,
    Piece,
    Plain,
    SecretNamed,
    Sentences,
    When,
    Where,
    Who,
    say,
    say_count,
)
from bot.sharing.form_state import MAX_NOTE
from bot.status.burn import burn_confirm
from bot.status.names import SecretName, name_of_delivery, name_of_share
from bot.status.words import (
    DELIVERY_SIGNS,
    DOT,
    OPENED_SIGN,
    REMINDER_SIGN,
    WARNING_SIGN,
    delivery_summary,
    delivery_title,
    delivery_words,
    how_it_was_opened,
    recipient_name,
)
from bot.storage.shares.rows import NOT_GIVEN, Delivery, Share

NOT_KEPT = say("It is not kept here. To share it with those who did not get it, share it again.")
TYPE_AGAIN = say("The secret is not kept here, so type it again. This makes a new one-time secret.")

# names of actions; the handlers are in sender_buttons.py
SHOW_LINK = "share_link"
SHOW_PASSPHRASE = "share_passphrase"
ASK_TO_BURN = "share_burn_ask"
ASK_TO_BURN_ALL = "share_burn_all_ask"
BURN_ALL = "share_burn_all"
BURN = "share_burn"
REMIND = "share_remind"
CANCEL_REMINDER = "share_remind_cancel"
COPY = "share_copy"
SHARE_AGAIN = "share_again"

BURN_ALL_CONFIRM = Confirm(
    title=say("Burn all unopened?"),
    question=say("What nobody has opened yet is destroyed for good. Its buttons and links will open nothing any more."),
    yes=say("Burn all"),
    no=say("Keep them"),
)


def sender_card(share: Share, deliveries: list[Delivery]) -> Message:
    """The one message that a share has for its sender: what became of each delivery, and what can be done."""
    opened = sum(delivery.state == "opened" for delivery in deliveries)
    title = delivery_title(deliveries[0])
    if len(deliveries) > 1:
        title = say("{opened} of {count} opened", opened=opened, count=len(deliveries))
    parts: list[Part] = [Text.of(Mark(":outbox_tray: "), Bold(say("What you shared")), DOT, Bold(title))]
    if share.note:
        parts.append(Text.of(Mark("> "), Plain(share.note, MAX_NOTE)))
    for number, delivery in enumerate(deliveries, 1):
        parts.append(Divider())
        parts += _delivery_parts(share, delivery, number if len(deliveries) > 1 else None)
    if any(delivery.state in NOT_GIVEN and not delivery.recipient.is_nobody for delivery in deliveries):
        parts += [Divider(), Text.of(NOT_KEPT)]
    if share.unknown_tries:
        parts += [Divider(), _earlier_tries(share, deliveries)]
    together = (*_buttons_for_all(share, deliveries), *_again_buttons(share, deliveries))
    reminder = _next_reminder(deliveries)
    said = [Text.of(REMINDER_SIGN, say("A reminder goes out {when}.", when=When(reminder)))] if reminder else []
    if together:
        parts += [Divider(), *said, Buttons(together)]
    parts.append(_small_print(share, deliveries))
    summary = say("What you shared on {server}: {status}.", server=HostName(Host(share.host).name), status=title)
    return Message(summary, tuple(parts))


def _earlier_tries(share: Share, deliveries: list[Delivery]) -> Text:
    """What is known of the tries before, whose card this was."""
    known = say_count(
        "*{count} earlier try got no usable answer.* A secret may exist, and nobody here has its link.",
        "*{count} earlier tries got no usable answer.* Secrets may exist, and nobody here has their links.",
        share.unknown_tries,
    )
    worked = any(delivery.state not in NOT_GIVEN for delivery in deliveries)
    later = say("A later try worked: its status is above.")
    return Text.of(WARNING_SIGN, Sentences.of(known, *([later] if worked else [])))


def _small_print(share: Share, deliveries: list[Delivery]) -> Note:
    expires = max((one.expires_at for one in deliveries if one.expires_at and one.can_be_opened), default=None)
    said: list[Piece] = [*_id(share, deliveries), HostName(Host(share.host).name)]
    if expires:
        said += [DOT, say("Expires {when}", when=When(expires))]
    elif all(one.is_over for one in deliveries):
        said += [DOT, say("Nothing more will happen.")]
    return Note.of(*said)


def _id(share: Share, deliveries: list[Delivery]) -> tuple[Piece, ...]:
    """The short id of a secret without a name. The message that it was opened calls it so."""
    if share.label or share.note or len(deliveries) > 1 or not deliveries[0].metadata_key.short_id:
        return ()
    return replace(name_of_delivery(share, deliveries[0]), recipient=None).at_start(), DOT


def _delivery_parts(share: Share, delivery: Delivery, number: int | None) -> list[Part]:
    which = name_of_delivery(share, delivery).in_label(number=number)
    name, status = recipient_name(delivery.recipient), delivery_words(delivery)
    said = say("{recipient}: {status}", recipient=name, status=status)
    if delivery.state in NOT_GIVEN:  # the words are sentences
        said = say("{recipient}: {status}.", recipient=name, status=status)
    parts: list[Part] = [Text.of(DELIVERY_SIGNS[delivery.state], said)]
    buttons = [_burn_button(share, delivery, number)] if delivery.can_be_opened else []
    if delivery.recipient.is_nobody and delivery.state in {"made", "link_shown"}:
        label = say("Show the link of {secret}", secret=which)
        buttons.insert(0, Button(say("Show the link"), SHOW_LINK, delivery.id, accessibility_label=label))
    if delivery.passphrase is not None and share.passphrase_to == "sender" and delivery.can_be_opened:
        label = say("Show the passphrase of {secret}", secret=which)
        buttons.append(Button(say("Show the passphrase"), SHOW_PASSPHRASE, delivery.id, accessibility_label=label))
    return [*parts, Buttons(tuple(buttons))] if buttons else parts


def _burn_button(share: Share, delivery: Delivery, number: int | None = None) -> Button:
    name = name_of_delivery(share, delivery)
    which = name.in_label(number=number)
    if delivery.passphrase_required:
        label = say("Burn {secret}, with its passphrase", secret=which)
        return Button(say("Burn…"), ASK_TO_BURN, delivery.id, "danger", accessibility_label=label)
    label = say("Burn {secret}", secret=which)
    return Button(say("Burn"), BURN, delivery.id, "danger", burn_confirm(name), accessibility_label=label)


def _buttons_for_all(share: Share, deliveries: list[Delivery]) -> tuple[Button, ...]:
    unopened = [delivery for delivery in deliveries if delivery.can_be_opened]
    if not unopened:
        return ()
    which = name_of_share(share).in_label()
    buttons: list[Button] = []
    if any(not delivery.recipient.is_nobody for delivery in unopened):
        buttons.append(_remind_button(share))
    if _next_reminder(deliveries) is not None:
        label = say("Cancel the reminder of {secret}", secret=which)
        buttons.append(Button(say("Cancel the reminder"), CANCEL_REMINDER, share.id, accessibility_label=label))
    label = say("Show instructions for {secret}", secret=which)
    buttons.append(Button(say("Show instructions"), COPY, share.id, accessibility_label=label))
    if len(unopened) > 1:
        if any(delivery.passphrase_required for delivery in unopened):
            label = say("Burn all of {secret}, with the passphrase", secret=which)
            return (*buttons, Button(say("Burn all…"), ASK_TO_BURN_ALL, share.id, "danger", accessibility_label=label))
        label = say("Burn all that nobody has opened of {secret}", secret=which)
        buttons.append(Button(say("Burn all"), BURN_ALL, share.id, "danger", BURN_ALL_CONFIRM, label))
    return tuple(buttons)


def _next_reminder(deliveries: list[Delivery]) -> datetime | None:
    """When the next reminder goes out to somebody who has not opened theirs."""
    return min((one.remind_at for one in deliveries if one.remind_at and one.state == "sent"), default=None)


def to_share_again(deliveries: list[Delivery]) -> list[Delivery]:
    """The deliveries that *Share again* replaces: those that ended unopened, or all where everybody opened theirs."""
    unopened = [delivery for delivery in deliveries if delivery.is_over and delivery.state != "opened"]
    everybody_opened = all(delivery.state == "opened" for delivery in deliveries)
    return deliveries if everybody_opened else unopened


def _again_buttons(share: Share, deliveries: list[Delivery]) -> tuple[Button, ...]:
    if not to_share_again(deliveries):
        return ()
    label = say("Share again: {secret}", secret=name_of_share(share).in_label())
    return (Button(say("Share again…"), SHARE_AGAIN, share.id, accessibility_label=label),)


def _remind_button(share: Share) -> Button:
    label = say("Remind those who have not opened {secret}", secret=name_of_share(share).in_label())
    return Button(say("Remind…"), REMIND, share.id, accessibility_label=label)


def opened_or_over_notification(share: Share, delivery: Delivery) -> Message:
    """A message next to the card, since an edited message notifies nobody."""
    if delivery.state != "opened":
        return ended_reminder(share, delivery)
    said = _opened_sentence(share, delivery)
    return Message.of(said, Text.of(OPENED_SIGN, said))


def _opened_sentence(share: Share, delivery: Delivery) -> Piece:
    when = When(delivery.opened_at) if delivery.opened_at else None
    name = name_of_delivery(share, delivery)
    if delivery.opener is not None and not delivery.is_by_link:
        if delivery.opener == delivery.recipient.user:  # they are named as the one who opened it
            name = replace(name, recipient=None)
        who, secret = Who(delivery.opener.user_id), _in_channel(delivery, name, name.inside())
        if when is None:
            return say("{person} opened {secret}.", person=who, secret=secret)
        return say("{person} opened {secret} {when}.", person=who, secret=secret, when=when)
    secret = _in_channel(delivery, name, name.in_list())
    said = say("{secret} was opened.", secret=secret)
    if when is not None:
        said = say("{secret} was opened {when}.", secret=secret, when=when)
    return Sentences.of(said, *how_it_was_opened(delivery))


def _in_channel(delivery: Delivery, name: SecretName, said: SecretNamed) -> Piece:
    """With the channel, unless the name has it already."""
    if delivery.recipient.channel and name.words and said == name.inside():
        return say("{secret} in {channel}", secret=said, channel=Where(delivery.recipient.channel))
    return said


def expires_soon_message(share: Share, delivery: Delivery) -> Message:
    """A reminder to the sender, with buttons for what can still be done."""
    name = name_of_delivery(share, delivery).in_list()
    summary = said = say("{secret} has not been opened yet and expires soon.", secret=name)
    if delivery.expires_at:
        said = say(
            "{secret} has not been opened yet and expires {when}.", secret=Bold(name), when=When(delivery.expires_at)
        )
    buttons = [_burn_button(share, delivery)]
    if not delivery.recipient.is_nobody:
        buttons.append(_remind_button(share))
    return Message.of(
        summary,
        Text.of(REMINDER_SIGN, said),
        Buttons(tuple(buttons)),
    )


def ended_reminder(share: Share, delivery: Delivery) -> Message:
    """In the place of the reminder to the sender, when the delivery is over."""
    name = name_of_delivery(share, delivery).in_list()
    said = say("{secret}: {status}.", secret=Bold(name), status=delivery_words(delivery))
    summary = say("{secret}: {status}.", secret=name, status=delivery_summary(delivery))
    return Message.of(summary, Text.of(DELIVERY_SIGNS[delivery.state], said))


def passphrase_not_sent_message(delivery: Delivery) -> Message:
    """Tells the sender that the secret arrived and its passphrase did not."""
    said = say(
        "{recipient}: the passphrase of your one-time secret could not be sent. Burn it and share it again.",
        recipient=recipient_name(delivery.recipient),
    )
    return Message.of(said, Text.of(WARNING_SIGN, said))


def reminder_not_sent_message(delivery: Delivery) -> Message:
    """Tells the sender that a reminder whose time had come cannot be sent."""
    said = say(
        "{recipient}: your reminder of a one-time secret could not be sent.",
        recipient=recipient_name(delivery.recipient),
    )
    return Message.of(said, Text.of(WARNING_SIGN, said))


def instructions(share: Share, deliveries: list[Delivery]) -> Copyable:
    """Words to paste wherever the recipients look. No key, no link."""
    if all(delivery.recipient.is_nobody for delivery in deliveries):
        how = say("I am sending you a one-time link. Open it in a browser and press the button to see the secret.")
    elif any(delivery.recipient.channel for delivery in deliveries):
        how = say(
            "There is a one-time secret in our Slack channel, in a message of the app Onetime Secret. Press Open."
        )
    else:
        how = say("In Slack, the app Onetime Secret has sent you a direct message with a one-time secret. Press Open.")
    lines = [how, say("It works once, so know where you want to keep it before you open it.")]
    asking = [delivery for delivery in deliveries if delivery.passphrase_required]
    if any((delivery.passphrase_to or share.passphrase_to) == "recipient" for delivery in asking):
        lines.append(say("It asks for a passphrase, which the app sends in a separate message."))
    elif asking:
        lines.append(say("It asks for a passphrase, which you get from me another way."))
    expires = max((one.expires_at for one in deliveries if one.expires_at), default=None)
    if expires:
        server = HostName(Host(share.host).name)
        lines.append(say("It is kept on {server} until {when}.", server=server, when=When(expires)))
    return Copyable(tuple(lines))
