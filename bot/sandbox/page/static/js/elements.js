/**
 * The interactive elements of Block Kit. Source: docs.slack.dev/reference/block-kit/block-elements.
 *
 * `scene` is the message or view around the elements: `entered(block, element)` returns the value of a field, `enter(…)`
 * stores it, `use(block, element, option)` sends an action to the app.
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

const TEXT_INPUTS = { plain_text_input: "text", email_text_input: "email", url_text_input: "url", number_input: "text" };
const DATE_INPUTS = { datepicker: "date", timepicker: "time", datetimepicker: "datetime-local" };
const DATE_LABELS = { datepicker: "Date", timepicker: "Time", datetimepicker: "Date and time" };
const SINGLE_SELECTS = ["static_select", "users_select", "conversations_select", "channels_select"];
const MULTIPLE_CHOICES = ["multi_static_select", "multi_users_select", "multi_conversations_select", "multi_channels_select", "checkboxes"];

/** The element of a block. `props` are attributes of the node that takes the focus, such as its id. */
export function element(block, one, scene, props = {}) {
  const named = { "data-focus": `${scene.name}/${block.block_id}/${one.action_id}`, ...props };
  if (one.type === "button") return button(block, one, scene, named);
  if (one.type === "overflow") return overflow(block, one, scene, named);
  if (one.type === "image") return image(one);
  if (one.type in TEXT_INPUTS) return textInput(block, one, scene, named, TEXT_INPUTS[one.type]);
  if (one.type === "rich_text_input") return textInput(block, one, scene, named, "text");
  if (one.type in DATE_INPUTS) return dateInput(block, one, scene, named, DATE_INPUTS[one.type]);
  if (SINGLE_SELECTS.includes(one.type)) return select(block, one, scene, named);
  if (one.type === "radio_buttons" || MULTIPLE_CHOICES.includes(one.type)) return choices(block, one, scene, named);
  return unknown(one);
}

/** Whether the element is a group of choices, which has a legend in the place of a label. */
export const isGroup = (one) => one.type === "radio_buttons" || MULTIPLE_CHOICES.includes(one.type);

export function image(one) {
  return el("span", { class: "image", role: "img", "aria-label": one.alt_text }, icon("eye"), one.alt_text);
}

// --- buttons and menus

function button(block, one, scene, named) {
  const label = one.accessibility_label;
  const style = { primary: "button primary", danger: "button danger" }[one.style] ?? "button";
  const act = async () => {
    if (!(await confirm(one.confirm))) return;
    if (one.url) followLink(one.url);
    scene.use(block, one, undefined, node);
  };
  const node = el("button", { type: "button", class: style, "aria-label": label, ...named, onclick: act }, textObject(one.text));
  return node;
}

function followLink(url) {
  if (isOurs(url)) openInBrowser(url);
  else toast(`In Slack this would open ${url}`);
}

function overflow(block, one, scene, named) {
  const pick = (option) => async () => {
    if (option.url) followLink(option.url);
    if (await confirm(one.confirm)) scene.use(block, one, option.value);
  };
  const items = () => one.options.map((option) => ({ label: textObject(option.text), note: option.description?.text, pick: pick(option) }));
  return menuButton({ class: "button square", "aria-label": "More actions", ...named }, icon("more", "icon icon-dots"), items);
}

// --- fields

function textInput(block, one, scene, named, kind) {
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

/** The value of a field as Slack has it. Rich text that is typed on the page has no styles. */
function asValue(one, value) {
  if (one.type !== "rich_text_input" || !value) return value;
  const section = { type: "rich_text_section", elements: [{ type: "text", text: value }] };
  return { type: "rich_text", elements: [section] };
}

function asText(value) {
  if (value?.type !== "rich_text") return value ?? "";
  return value.elements.flatMap((part) => part.elements ?? []).map((part) => part.text ?? "").join("");
}

function dateInput(block, one, scene, named, kind) {
  const isMoment = kind === "datetime-local";
  const now = scene.entered(block, one);
  const onChange = (event) => {
    const value = event.target.value;
    keepChoice(block, one, scene, isMoment && value ? Math.floor(new Date(value).getTime() / 1000) : value);
  };
  return el("input", { type: kind, class: "field", value: isMoment ? localTime(now) : (now ?? ""), "aria-label": nameOf(block, one, DATE_LABELS[one.type]), ...named, onchange: onChange });
}

function localTime(seconds) {
  if (!seconds) return "";
  const moment = new Date(seconds * 1000);
  return new Date(moment.getTime() - moment.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

// --- choices

/** The options of an element in groups: `{label, options}`, each option `{value, label, note}`. */
function optionGroups(one) {
  if (one.type.includes("users_select")) {
    const people = world.people.map((person) => ({ value: person.id, label: person.name }));
    return [{ options: people }];
  }
  if (one.type.includes("channels_select") || one.type.includes("conversations_select")) {
    const open = places().filter((place) => isOffered(place, one));
    return [{ options: open.map((place) => ({ value: place.id, label: isDirect(place) ? world.app.name : `#${place.name}` })) }];
  }
  const groups = one.option_groups ?? [{ options: one.options ?? [] }];
  return groups.map((group) => ({
    label: group.label?.text,
    options: group.options.map((option) => ({ value: option.value, label: option.text, note: option.description })),
  }));
}

/** Whether a menu of conversations or channels offers this one. The server refuses what is not offered, too. */
function isOffered(place, one) {
  if (one.type.includes("channels_select")) return place.kind === "public";
  const filter = one.filter ?? {};
  if (filter.include && !filter.include.includes(place.kind)) return false;
  if (filter.exclude_bot_users && isDirect(place)) return false;
  return !(filter.exclude_external_shared_channels && place.is_shared);
}

/** Stores a choice. Outside of a form a choice is sent to the app, after its confirm dialog if it has one. */
async function keepChoice(block, one, scene, value) {
  if (block.type === "input" && !block.dispatch_action) return scene.enter(block, one, value);
  if (await confirm(one.confirm)) return scene.use(block, one, value);
  return scene.redraw();
}

function select(block, one, scene, named) {
  const now = scene.entered(block, one);
  const option = ({ value, label }) => el("option", { value, selected: value === now }, plain(label));
  const groups = optionGroups(one).map((group) =>
    group.label ? el("optgroup", { label: group.label }, group.options.map(option)) : group.options.map(option),
  );
  const hint = el("option", { value: "", selected: !now, disabled: block.optional !== true, hidden: block.optional !== true }, one.placeholder?.text ?? "Choose…");
  const props = { class: "field select", "aria-label": nameOf(block, one, "Choose"), ...named };
  return el("select", { ...props, onchange: (event) => keepChoice(block, one, scene, event.target.value || null) }, hint, groups);
}

function choices(block, one, scene, named) {
  const isOne = one.type === "radio_buttons";
  const now = new Set([scene.entered(block, one) ?? []].flat());
  const group = `${scene.name}-${block.block_id}-${one.action_id}`;
  const onChange = (value, is) => {
    if (isOne) now.clear();
    if (is) now.add(value);
    else now.delete(value);
    return keepChoice(block, one, scene, isOne ? value : [...now]);
  };
  const choice = ({ value, label, note }, place) =>
    el(
      "label",
      { class: "choice" },
      el("input", {
        type: isOne ? "radio" : "checkbox",
        name: group,
        checked: now.has(value),
        onchange: (event) => onChange(value, event.target.checked),
        ...(place === 0 ? named : { "data-focus": `${named["data-focus"]}/${value}` }),
      }),
      el("span", {}, rich(label), note && el("span", { class: "choice-note" }, textObject(note))),
    );
  const title = (label) => label && el("div", { class: "choices-group" }, label);
  const all = optionGroups(one);
  const isLong = all.flatMap((part) => part.options).length > 6;
  return el(
    "div",
    { class: isLong ? "choices choices-long" : "choices", role: isOne ? "radiogroup" : "group", "aria-label": nameOf(block, one, "Choices") },
    all.map((part, at) => [title(part.label), part.options.map((option, place) => choice(option, at + place))]),
  );
}

/** The accessible name of an element without a label. */
function nameOf(block, one, otherwise) {
  return block.type === "input" ? null : (one.placeholder?.text ?? otherwise);
}

const plain = (label) => (typeof label === "string" ? label : withSigns(label.text));
const rich = (label) => (typeof label === "string" ? label : textObject(label));
