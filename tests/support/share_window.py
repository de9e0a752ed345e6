"""Filling the window for sharing as a person does: choosing for whom, and folding out what is folded away."""

FOLDED = {"ttl", "passphrase_mode", "options", "account"}


async def submit_share(person, view, fields):
    """Fill the window as `fill_share` does, and press its button."""
    await fill_share(person, view, fields)
    return await person.submit(view)


async def fill_share(person, view, fields):
    """Enter values by the names of the fields. Nobody named, and nobody chosen beforehand: just the link.

    A typed passphrase needs no `passphrase_mode`: it is the person's own.
    """
    fields = dict(fields)
    if "what" in fields:
        await person.fill(view, {"what": fields.pop("what")})
        await person.until(lambda: "whom" in view.values)
    if "whom" in view.values:
        await choose_whom(person, view, fields.pop("whom", None) or _whom(view, fields))
        hidden = {"to", "channel"} - view.values.keys()
        fields = {name: value for name, value in fields.items() if value or name not in hidden}
    if fields.get("passphrase") and "passphrase" not in view.values:
        fields.setdefault("passphrase_mode", "mine")
    if fields.keys() & FOLDED:
        await unfold(person, view)
    if "passphrase" in view.values and not fields.get("passphrase") and not view.values["passphrase"]["typed"]["value"]:
        fields.setdefault("passphrase_mode", "none")  # the last time there was one
    if (mode := fields.pop("passphrase_mode", None)) is not None:
        await unfold(person, view)
        before = view.hash
        await person.fill(view, {"passphrase_mode": mode})
        await person.until(lambda: view.hash != before)
        if "apart" in fields.get("options", ()):
            await person.until(lambda: "Send the passphrase separately" in view.text)
    await person.fill(view, fields)


async def unfold(person, view):
    if "ttl" not in view.values:
        await person.click(view, label="More options")
        await person.until(lambda: "ttl" in view.values)
    return view


async def choose_whom(person, view, whom):
    if whom != view.values["whom"]["share_change"]["selected_option"]["value"]:
        await person.fill(view, {"whom": whom})
        shown = (whom == "people", whom == "channel")
        await person.until(lambda: ("to" in view.values, "channel" in view.values) == shown)


def _whom(view, fields):
    if fields.get("channel"):
        return "channel"
    chosen = view.values.get("to", {}).get("picked", {}).get("selected_users")
    if fields.get("to") or chosen:
        return "people"
    has_channel = view.values.get("channel", {}).get("picked", {}).get("selected_conversation")
    return "channel" if has_channel else "link"
