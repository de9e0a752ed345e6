"""An emulated Slack workspace: see `SlackWorkspace`."""

from bot.sandbox.slack.changes import WorkspaceChange
from bot.sandbox.slack.elements import CannotDo, FieldsRefused
from bot.sandbox.slack.faults import SlackFault
from bot.sandbox.slack.member import WorkspaceMember
from bot.sandbox.slack.model import SlackChannel, SlackMessage, SlackView
from bot.sandbox.slack.records import AppDelivery, CallRecord, SentPayload
from bot.sandbox.slack.rules import Problem, check_message, check_view
from bot.sandbox.slack.slack_platform import SlackPlatform
from bot.sandbox.slack.state import Refusal
from bot.sandbox.slack.workflows import StepExecution, WorkflowBroken
from bot.sandbox.slack.workspace import SlackWorkspace

__all__ = [
    "AppDelivery",
    "CallRecord",
    "CannotDo",
    "FieldsRefused",
    "Problem",
    "Refusal",
    "SentPayload",
    "SlackChannel",
    "SlackFault",
    "SlackMessage",
    "SlackPlatform",
    "SlackView",
    "SlackWorkspace",
    "StepExecution",
    "WorkflowBroken",
    "WorkspaceChange",
    "WorkspaceMember",
    "check_message",
    "check_view",
]
