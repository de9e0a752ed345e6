"""What Slack sends, read: what was entered in a window."""

import pytest

from bot.slack.payloads import read_form


def submitted(**values):
    return {"type": "view_submission", "view": {"id": "V1", "callback_id": "any", "state": {"values": values}}}


def boxes(selected):
    return {"checked": {"type": "checkboxes", "selected_options": selected}}


ONE, TWO = ({"text": {"type": "plain_text", "text": one}, "value": one} for one in ("one", "two"))


@pytest.mark.parametrize(
    ("selected", "values"),
    [
        pytest.param([], frozenset(), id="none"),
        pytest.param(None, frozenset(), id="none, in other words"),
        pytest.param([TWO], frozenset({"two"}), id="one"),
        pytest.param([ONE, TWO], frozenset({"one", "two"}), id="all"),
    ],
)
def test_ticked_boxes_are_known_by_their_values(selected, values):
    assert read_form(submitted(news=boxes(selected)), "form").checkboxes == {"news": values}


def test_each_kind_of_field_is_read_apart():
    menu = {"chosen": {"type": "static_select", "selected_option": {"value": "eu"}}}
    line = {"typed": {"type": "plain_text_input", "value": "hunter2"}}

    incoming = read_form(submitted(host=menu, token=line, news=boxes([ONE])), "form")

    assert incoming.selects == {"host": "eu"}
    assert incoming.text_inputs["token"].reveal() == "hunter2"
    assert incoming.checkboxes == {"news": {"one"}}
    assert "hunter2" not in repr(incoming)
