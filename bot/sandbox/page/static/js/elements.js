/**
 * The interactive elements of Block Kit. Source: docs.slack.dev/reference/block-kit/block-elements.
 *
 * `scene` is where they stand: `entered(block, element)` is what is in a field, `enter(…)` keeps it,
 * `use(block, element, option)` tells the app.
 */

import { confirm } from "./confirm.js";
import { el } from "./dom.js";
import { icon } from "./icons.js";
import { menuButton } from "./menu.js";
import { textObject } from "./mrkdwn.js";
import { isDirect, places, world } from "./store.js";
import { unknown } from "./unknown.js";
import { withSigns } from "./emoji.js";
import { toast } from "./announce.js";
import { openInBrowser } from "./outsider.js";
import { isOurs } from "./links.js";

const TYPED = { plain_text_input: "text", email_text_input: "email", url_text_input: "url", number_input: "text" };
const PICKED = { datepicker: "date", timepicker: "time", datetimepicker: "datetime-local" };
const NAMES = { datepicker: "Date", timepicker: "Time", datetimepicker: "Date and time" };
const ONE = ["static_select", "users_select", "conversations_select", "channels_select"];
const MANY = ["multi_static_select", "multi_users_select", "multi_conversations_select", "multi_channels_select", "checkboxes"];

/** The element of a block. `props` are attributes for what takes the focus: an id, what describes it. */
export function element(block, one, scene, props = {}) {
  const named = { "data-focus": `${scene.name}/${block.block_id}/${one.action_id}`, ...props };
  if (one.type === "button") return button(block, one, scene, named);
  if (one.type === "overflow") return overflow(block, one, scene, named);
  if (one.type === "image") return image(one);
  if (one.type in TYPED) return typed(block, one, scene, named, TYPED[one.type]);
  if (one.type === "rich_text_input") return typed(block, one, scene, named, "text");
  if (one.type in PICKED) return picked(block, one, scene, named, PICKED[one.type]);
  if (ONE.includes(one.type)) return select(block, one, scene, named);
  if (one.type === "radio_buttons" || MANY.includes(one.type)) return choices(block, one, scene, named);
  return unknown(one);
}

/** Whether a label can point at it; a group of choices is named by its legend instead. */
export const isGroup = (one) => one.type === "radio_buttons" || MANY.includes(one.type);

export function image(one) {
  return el("span", { class: "image", role: "img", "aria-label": one.alt_text }, icon("eye"), one.alt_text);
}

// --- buttons and menus

function button(block, one, scene, named) {
  const label = one.accessibility_label;
  const look = { primary: "button primary", danger: "button danger" }[one.style] ?? "button";
  const act = async () => {
    if (!(await confirm(one.confirm))) return;
    if (one.url) leave(one.url);
    scene.use(block, one, undefined, made);
  };
  const made = el("button", { type: "button", class: look, "aria-label": label, ...named, onclick: act }, textObject(one.text));
  return made;
}

function leave(url) {
  if (isOurs(url)) openInBrowser(url);
  else toast(`In Slack this would open ${url}`);
}

function overflow(block, one, scene, named) {
  const pick = (option) => async () => {
    if (option.url) leave(option.url);
    if (await confirm(one.confirm)) scene.use(block, one, option.value);
  };
  const items = () => one.options.map((option) => ({ label: textObject(option.text), note: option.description?.text, pick: pick(option) }));
  return menuButton({ class: "button square", "aria-label": "More actions", ...named }, icon("more", "icon icon-dots"), items);
}

// --- fields

function typed(block, one, scene, named, kind) {
  const isLong = one.multiline || one.type === "rich_text_input";
  const props = {
    class: "field",
    value: asText(scene.entered(block, one)),
    placeholder: one.placeholder && withSigns(one.placeholder.text),
    autocomplete: "off",
    spellcheck: "false",
    "aria-label": nameOf(block, one, "Text"),
    ...named,
    ...(isLong ? { rows: 4 } : { type: kind }),
    oninput: (event) => scene.enter(block, one, asValue(one, event.target.value)),
  };
  const node = el(isLong ? "textarea" : "input", props);
  if (block.dispatch_action || block.type !== "input") {
    node.addEventListener("change", () => scene.use(block, one, asValue(one, node.value)));
  }
  return node;
}

/** Rich text that is typed here has no styles. */
function asValue(one, value) {
  if (one.type !== "rich_text_input" || !value) return value;
  const section = { type: "rich_text_section", elements: [{ type: "text", text: value }] };
  return { type: "rich_text", elements: [section] };
}

function asText(value) {
  if (value?.type !== "rich_text") return value ?? "";
  return value.elements.flatMap((part) => part.elements ?? []).map((part) => part.text ?? "").join("");
}

function picked(block, one, scene, named, kind) {
  const isMoment = kind === "datetime-local";
  const now = scene.entered(block, one);
  const take = (event) => {
    const value = event.target.value;
    chosen(block, one, scene, isMoment && value ? Math.floor(new Date(value).getTime() / 1000) : value);
  };
  return el("input", { type: kind, class: "field", value: isMoment ? localTime(now) : (now ?? ""), "aria-label": nameOf(block, one, NAMES[one.type]), ...named, onchange: take });
}

function localTime(seconds) {
  if (!seconds) return "";
  const moment = new Date(seconds * 1000);
  return new Date(moment.getTime() - moment.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

// --- choices

/** What an element offers, as `{value, label, note}` in groups: `{label, options}`. */
function offered(one) {
  if (one.type.includes("users_select")) {
    const people = world.people.map((person) => ({ value: person.id, label: person.name }));
    return [{ options: people }];
  }
  if (one.type.includes("channels_select") || one.type.includes("conversations_select")) {
    const open = places().filter((place) => one.type.includes("conversations") || !isDirect(place));
    return [{ options: open.map((place) => ({ value: place.id, label: isDirect(place) ? world.app.name : `#${place.name}` })) }];
  }
  const groups = one.option_groups ?? [{ options: one.options ?? [] }];
  return groups.map((group) => ({
    label: group.label?.text,
    options: group.options.map((option) => ({ value: option.value, label: option.text, note: option.description })),
  }));
}

/** Keeps a choice; in a place where choosing acts, asks first if the app wants that. */
async function chosen(block, one, scene, value) {
  if (block.type === "input" && !block.dispatch_action) return scene.enter(block, one, value);
  if (await confirm(one.confirm)) return scene.use(block, one, value);
  return scene.redraw();
}

function select(block, one, scene, named) {
  const now = scene.entered(block, one);
  const option = ({ value, label }) => el("option", { value, selected: value === now }, plain(label));
  const groups = offered(one).map((group) =>
    group.label ? el("optgroup", { label: group.label }, group.options.map(option)) : group.options.map(option),
  );
  const hint = el("option", { value: "", selected: !now, disabled: block.optional !== true, hidden: block.optional !== true }, one.placeholder?.text ?? "Choose…");
  const props = { class: "field select", "aria-label": nameOf(block, one, "Choose"), ...named };
  return el("select", { ...props, onchange: (event) => chosen(block, one, scene, event.target.value || null) }, hint, groups);
}

function choices(block, one, scene, named) {
  const isOne = one.type === "radio_buttons";
  const now = new Set([scene.entered(block, one) ?? []].flat());
  const group = `${scene.name}-${block.block_id}-${one.action_id}`;
  const take = (value, is) => {
    if (isOne) now.clear();
    if (is) now.add(value);
    else now.delete(value);
    return chosen(block, one, scene, isOne ? value : [...now]);
  };
  const choice = ({ value, label, note }, place) =>
    el(
      "label",
      { class: "choice" },
      el("input", {
        type: isOne ? "radio" : "checkbox",
        name: group,
        checked: now.has(value),
        onchange: (event) => take(value, event.target.checked),
        ...(place === 0 ? named : { "data-focus": `${named["data-focus"]}/${value}` }),
      }),
      el("span", {}, rich(label), note && el("span", { class: "choice-note" }, textObject(note))),
    );
  const title = (label) => label && el("div", { class: "choices-group" }, label);
  const all = offered(one);
  const isLong = all.flatMap((part) => part.options).length > 6;
  return el(
    "div",
    { class: isLong ? "choices choices-long" : "choices", role: isOne ? "radiogroup" : "group", "aria-label": nameOf(block, one, "Choices") },
    all.map((part, at) => [title(part.label), part.options.map((option, place) => choice(option, at + place))]),
  );
}

/** What an element is called where no label stands beside it. */
function nameOf(block, one, otherwise) {
  return block.type === "input" ? null : (one.placeholder?.text ?? otherwise);
}

const plain = (label) => (typeof label === "string" ? label : withSigns(label.text));
const rich = (label) => (typeof label === "string" ? label : textObject(label));
