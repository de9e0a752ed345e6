"""An emulated Slack workspace: see `Workspace`."""

from bot.sandbox.slack.changes import Change
from bot.sandbox.slack.elements import CannotDo, FieldsRefused
from bot.sandbox.slack.faults import Fault
from bot.sandbox.slack.member import Member
from bot.sandbox.slack.model import Channel, Message, View
from bot.sandbox.slack.records import Call, Delivery, Sent
from bot.sandbox.slack.rules import Problem, check_message, check_view
from bot.sandbox.slack.state import Refusal
from bot.sandbox.slack.workspace import Workspace

__all__ = [
    "Call",
    "CannotDo",
    "Change",
    "Channel",
    "Delivery",
    "Fault",
    "FieldsRefused",
    "Member",
    "Message",
    "Problem",
    "Refusal",
    "Sent",
    "View",
    "Workspace",
    "check_message",
    "check_view",
]
