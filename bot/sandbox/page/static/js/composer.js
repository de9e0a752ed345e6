/** The message field. It suggests the commands in the app's manifest, their verbs, and names of people. */

import { report, say } from "./announce.js";
import { byId, el } from "./dom.js";
import { act } from "./feed.js";
import { icon } from "./icons.js";
import { menuButton } from "./menu.js";
import { placeName } from "./places.js";
import { here, isDirect, world } from "./store.js";
import { suggestionsFor } from "./suggest.js";
import { t } from "./language.js";

const drafts = new Map(); // "person conversation" -> text
const sent = []; // sent texts; the arrow up brings the last one back

let selected = -1;
let suggestions = [];

const isNarrow = () => window.matchMedia("(width < 860px)").matches; // as in the stylesheets

const keyOf = () => `${here.me} ${here.place}`;

export function composer(place) {
  const label = t("write_to", { name: isDirect(place) ? placeName(place) : `#${place.name}` });
  const field = el("textarea", {
    id: "composer-text",
    class: "composer-text",
    rows: 1,
    value: drafts.get(keyOf()) ?? "",
    placeholder: isNarrow() ? label : t("for_commands", { label }),
    autocomplete: "off",
    spellcheck: "false",
    "aria-label": label,
    "aria-autocomplete": "list",
    "aria-controls": "suggestions",
    "data-focus": "composer",
    oninput: onInput,
    onkeydown: onKeydown,
    onblur: () => showSuggestions([]),
  });
  return el(
    "div",
    { class: "composer" },
    el("ul", { class: "suggestions", id: "suggestions", role: "listbox", "aria-label": t("suggestions"), hidden: true }),
    el(
      "div",
      { class: "composer-box" },
      shortcuts(),
      field,
      el("button", { type: "button", class: "button primary square", "aria-label": t("send"), "data-focus": "send", onclick: send }, icon("send")),
    ),
  );
}

const field = () => byId("composer-text");

export function focusComposer() {
  field()?.focus({ preventScroll: true });
}

/** Replaces the text in the composer. */
export function insert(value) {
  if (!field()) return;
  field().value = value;
  field().focus();
  onInput();
}

function onInput() {
  const node = field();
  drafts.set(keyOf(), node.value);
  fitHeight(node);
  showSuggestions(suggestionsFor(node.value.slice(0, node.selectionStart)));
}

function fitHeight(node) {
  node.style.height = "auto";
  node.style.height = `${node.scrollHeight}px`;
}

// --- suggestions

function showSuggestions(list) {
  if (list.length === 0 && suggestions.length === 0) return;
  suggestions = list;
  selected = -1;
  const box = byId("suggestions");
  if (!box) return;
  box.replaceChildren(...list.map(suggestion));
  box.hidden = list.length === 0;
  if (list.length > 0) say(t("suggestions_found", { n: list.length }));
  field().removeAttribute("aria-activedescendant");
}

function suggestion(one, place) {
  return el(
    "li",
    {
      role: "option",
      id: `suggestion-${place}`,
      class: "suggestion",
      "aria-selected": "false",
      onpointerdown: (event) => {
        event.preventDefault(); // the field keeps the focus
        accept(one);
      },
    },
    el("span", { class: "suggestion-text" }, one.label, one.hint && el("span", { class: "suggestion-hint" }, ` ${one.hint}`)),
    one.note && el("span", { class: "suggestion-note" }, one.note),
  );
}

function select(place) {
  selected = (place + suggestions.length) % suggestions.length;
  for (const [at, node] of [...byId("suggestions").children].entries()) {
    node.setAttribute("aria-selected", String(at === selected));
    if (at === selected) node.scrollIntoView({ block: "nearest" });
  }
  field().setAttribute("aria-activedescendant", `suggestion-${selected}`);
}

function accept(one) {
  const node = field();
  const rest = node.value.slice(node.selectionStart);
  node.value = one.text + rest;
  node.setSelectionRange(one.text.length, one.text.length);
  onInput();
}

// --- keys

function onKeydown(event) {
  if (event.isComposing) return;
  if (suggestions.length > 0 && handleSuggestionKey(event.key, event)) return event.preventDefault();
  if (event.key === "Enter" && !event.shiftKey) {
    event.preventDefault();
    send();
  } else if (event.key === "ArrowUp" && field().value === "" && sent.length > 0) {
    event.preventDefault();
    insert(sent.at(-1));
  }
}

/** Returns true if the key was for the suggestions. */
function handleSuggestionKey(key, event) {
  if (key === "ArrowDown") select(selected + 1);
  else if (key === "ArrowUp") select(selected - 1);
  else if (key === "Escape") showSuggestions([]);
  else if (key === "Tab" && !event.shiftKey) accept(suggestions[Math.max(selected, 0)]);
  else if (key === "Enter" && selected >= 0) accept(suggestions[selected]);
  else return false;
  return true;
}

async function send() {
  const node = field();
  const text = node.value.trim();
  if (!text) return;
  const [me, place] = [here.me, here.place];
  node.value = "";
  drafts.delete(keyOf());
  fitHeight(node);
  showSuggestions([]);
  sent.push(text);
  const outcome = await act(me, { do: "type", channel: place, text });
  if (!report(outcome) && here.me === me && here.place === place && field()?.value === "") insert(text);
}

/** The menu of the app's global shortcuts; null if its manifest has none. */
function shortcuts() {
  const list = world.app.shortcuts.filter((one) => one.kind === "global");
  if (list.length === 0) return null;
  const pick = (one) => async () => report(await act(here.me, { do: "shortcut", callback_id: one.callback_id }));
  const items = () => list.map((one) => ({ label: one.name, note: one.description, pick: pick(one) }));
  return menuButton({ class: "button square", "aria-label": t("shortcuts"), "data-focus": "shortcuts" }, icon("bolt"), items);
}
