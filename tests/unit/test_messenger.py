"""Which conversation a message goes to, with whose token, and under which id."""

import uuid

import pytest

from bot.errors import SlackError
from bot.language import Language
from bot.message_ref import ChannelRef, MessageRef
from bot.person import Person
from bot.screen.parts import Message, Text
from bot.screen.pieces import Bold, Mark, Plain, SecretNamed, Sentences, say
from bot.slack import blocks
from bot.slack.messenger import Messenger
from bot.status.names import SecretName

ADA, BEN = Person(None, "T1", "U1"), Person(None, "T1", "U2")
GUEST_OF_T1 = Person(None, "T2", "U9")
HELLO = Message.of(Mark("Hello"), Text.of(Mark("Hello")))


class Slack:
    """Every workspace in one: what was called, with the token of which workspace."""

    def __init__(self):
        self.opened, self.posted, self.updated, self.threads = [], [], [], []
        self.conversation = "D-{}"

    async def client_of(self, team_id):
        return Client(self, team_id)


class Client:
    def __init__(self, slack, team_id):
        self._slack, self._team_id = slack, team_id

    async def open_dm(self, user_id):
        self._slack.opened.append((self._team_id, user_id))
        return self._slack.conversation.format(user_id)

    async def post(self, channel, message, *, client_msg_id, thread_ts):
        self._slack.threads.append(thread_ts)
        self._slack.posted.append((self._team_id, channel, message, client_msg_id))
        return "1.5"

    async def update(self, channel, ts, message):
        self._slack.updated.append((self._team_id, channel, ts, message))


@pytest.fixture
def slack():
    return Slack()


async def read_english(_person):
    return Language.EN


@pytest.fixture
def messenger(slack):
    async def hides_names(person):
        return person == BEN

    return Messenger(slack, read_english, hides_names)


async def test_a_message_to_a_person_goes_to_their_own_conversation(slack, messenger):
    assert await messenger.send(ADA, HELLO, "one") == MessageRef("T1", "D-U1", "1.5")
    assert await messenger.send(BEN, HELLO, "two") == MessageRef("T1", "D-U2", "1.5")

    assert [channel for _, channel, _, _ in slack.posted] == ["D-U1", "D-U2"]
    assert all(message == blocks.message(HELLO, Language.EN) for _, _, message, _ in slack.posted)


NAMED = Message.of(
    Sentences.of(
        say("{secret} was opened.", secret=SecretName("the VPN").at_start()),
        SecretNamed(say("Note: {note}", note=Plain("the VPN")), None),
    ),
    Text.of(Bold(SecretName("the VPN").in_list())),
)


async def test_who_wants_no_names_gets_none_where_push_notifications_show_them(slack, messenger):
    await messenger.tell(ADA, NAMED)
    await messenger.tell(BEN, NAMED)
    await messenger.update(MessageRef("T1", "D-U2", "1.5"), NAMED, BEN)

    named, *nameless = [message for *_, message, _ in slack.posted] + [message for *_, message in slack.updated]
    assert named["text"] == "“the VPN” was opened. Note: the VPN"
    assert [message["text"] for message in nameless] == ["A secret was opened."] * 2
    assert all(message["blocks"] == named["blocks"] for message in nameless)
    assert "the VPN" in str(named["blocks"])


async def test_a_message_in_a_channel_names_its_secret_whatever_its_sharer_wants(slack, messenger):
    await messenger.send(ChannelRef("T1", "C1", BEN), NAMED, "one")

    ((_, _, message, _),) = slack.posted
    assert "the VPN" in message["text"]


async def test_a_conversation_is_opened_once(slack, messenger):
    for number in range(3):
        await messenger.tell(ADA, HELLO, str(number))
    await messenger.tell(BEN, HELLO)

    assert slack.opened == [("T1", "U1"), ("T1", "U2")]


async def test_a_message_to_a_channel_opens_no_conversation(slack, messenger):
    assert await messenger.send(ChannelRef("T1", "C7", ADA), HELLO, "one") == MessageRef("T1", "C7", "1.5")

    assert (slack.opened, [channel for _, channel, _, _ in slack.posted]) == ([], ["C7"])


async def test_a_message_to_a_thread_goes_there(slack, messenger):
    await messenger.send(ChannelRef("T1", "C7", ADA, thread="1.2"), HELLO, "one")
    await messenger.send(ChannelRef("T1", "C7", ADA), HELLO, "two")

    assert slack.threads == ["1.2", None]


async def test_every_call_has_the_token_of_the_workspace_that_it_is_about(slack, messenger):
    told = await messenger.tell(GUEST_OF_T1, HELLO, "one", install_team="T1")
    await messenger.tell(GUEST_OF_T1, HELLO, "two")
    await messenger.update(MessageRef("T3", "C3", "9.9"), HELLO, ADA)

    assert told.team_id == "T1"
    assert slack.opened == [("T1", "U9"), ("T2", "U9")]
    assert [team for team, *_ in slack.posted] == ["T1", "T2"]
    assert slack.updated == [("T3", "C3", "9.9", blocks.message(HELLO, Language.EN))]


async def test_one_key_is_one_message_id_for_ever_and_no_key_is_none(slack, messenger):
    for key in ("one", "one", "two", None):
        await messenger.tell(ADA, HELLO, key)

    first, again, other, none = [message_id for *_, message_id in slack.posted]
    assert (first, none) == (again, None)
    assert first == str(uuid.uuid5(uuid.UUID("5b7f0f2e-5c1e-4c0b-9a4e-3b8f6d3e7a11"), "one")) != other


@pytest.mark.parametrize("to", [ADA, ChannelRef("T1", "C7", ADA)], ids=["a person", "a channel"])
async def test_what_is_sent_again_with_its_key_is_the_same_message_to_slack(slack, messenger, to):
    for key in ("one", "one", "two"):
        await messenger.send(to, HELLO, key)

    first, again, other = [message_id for *_, message_id in slack.posted]
    assert first == again != other
    assert None not in (first, other)


@pytest.mark.parametrize("odd", ["C0PUBLIC", "U1", "", "d-small"])
async def test_nothing_is_posted_to_what_is_no_direct_message(slack, messenger, odd):
    slack.conversation = odd

    for _ in range(2):
        with pytest.raises(SlackError) as refused:
            await messenger.tell(ADA, HELLO, "one")
        assert (refused.value.method, refused.value.code) == ("conversations.open", "channel_not_found")

    assert slack.posted == []
