"""Block Kit in short, for tests of the page."""


def plain(text):
    return {"type": "plain_text", "text": text}


def options(*values):
    return [{"text": plain(value.title()), "value": value} for value in values]


def mrkdwn(text):
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def post(notes, *blocks, **more):
    return notes.workspace.state.post(notes.channel, {"text": "a message", "blocks": list(blocks), **more})


def actions(*elements):
    return {"type": "actions", "block_id": "row", "elements": list(elements)}


def modal(*blocks, **more):
    return {"type": "modal", "title": plain("A window"), "submit": plain("Save"), "blocks": list(blocks), **more}


def field(name, element, **more):
    return {
        "type": "input",
        "block_id": name,
        "label": plain(name.title()),
        "element": {"action_id": "it", **element},
        **more,
    }


def open_window(notes, view):
    return notes.workspace.state.open_view(notes.workspace.state.new_trigger(notes.ada.id), view)
