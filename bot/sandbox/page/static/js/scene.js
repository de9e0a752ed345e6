/** The scene around interactive elements: their values, and what happens when they are used. See elements.js. */

import { report } from "./announce.js";
import { act } from "./feed.js";
import { here } from "./store.js";

// Values that are entered and not sent yet: message or view -> block/action -> {type, value}. They survive a redraw.
const drafts = new Map();

const keyOf = (block, one) => JSON.stringify([block.block_id, one.action_id]);

/** The value in the state of an element, whatever the type of the element. Source: docs.slack.dev/reference/interaction-payloads/view-interactions-payload. */
function plainValue(state) {
  if (!state) return null;
  const { type, ...rest } = state;
  const [value] = Object.values(rest);
  const one = (chosen) => (chosen && typeof chosen === "object" && "text" in chosen ? (chosen.value ?? chosen.text.text) : chosen);
  return Array.isArray(value) ? value.map(one) : one(value);
}

/**
 * The scene of a message or a view. `target` is `{message: key}` or `{view: id}`; `values` are the states that Slack has;
 * `redraw` draws the message or view again. `use` shows its outcome itself.
 */
export function makeScene(target, { values = {}, errors = {}, redraw = () => {} } = {}) {
  const name = target.message ?? target.view;
  const entered = (block, one) => {
    const draft = drafts.get(name)?.get(keyOf(block, one));
    return draft?.type === one.type ? draft.value : plainValue(values[block.block_id]?.[one.action_id]) ?? initial(one);
  };
  const enter = (block, one, value) => {
    if (!drafts.has(name)) drafts.set(name, new Map());
    drafts.get(name).set(keyOf(block, one), { type: one.type, value });
  };
  const use = async (block, one, option, source) => {
    if (option !== undefined) enter(block, one, option);
    source?.setAttribute("aria-busy", "true");
    const what = { do: "click", block_id: block.block_id, action_id: one.action_id, ...target, option: option ?? null };
    if (target.view) what.fields = fieldsOf(target.view);
    const outcome = await act(here.me, what);
    source?.removeAttribute("aria-busy");
    report(outcome);
  };
  return { name, errors, entered, enter, use, redraw };
}

/** What the app chose for an element: `initial_option`, `initial_users` and so on. */
function initial(one) {
  const [, chosen = null] = Object.entries(one).find(([name]) => name.startsWith("initial_")) ?? [];
  const plain = (option) => option?.value ?? option;
  return Array.isArray(chosen) ? chosen.map(plain) : plain(chosen);
}

/** All entered values of a view, as the server takes them: block -> action -> value. */
export function fieldsOf(view) {
  const fields = {};
  for (const [key, { value }] of drafts.get(view) ?? []) {
    const [block, action] = JSON.parse(key);
    fields[block] = { ...fields[block], [action]: value };
  }
  return fields;
}

/** Drops the entered values of a view. */
export function forget(view) {
  drafts.delete(view);
}
