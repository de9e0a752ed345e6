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
import { t } from "./language.js";
import { optionGroups, pickerGroups } from "./options.js";
import { picker } from "./picker.js";
import { unknown } from "./unknown.js";
import { withSigns } from "./emoji.js";
import { toast } from "./announce.js";
import { openInBrowser } from "./outsider.js";
import { isOurs } from "./links.js";

const TEXT_INPUTS = { plain_text_input: "text", email_text_input: "email", url_text_input: "url", number_input: "text" };
const DATE_INPUTS = { datepicker: "date", timepicker: "time", datetimepicker: "datetime-local" };
const DATE_LABELS = { datepicker: "date", timepicker: "time", datetimepicker: "date_and_time" };
const PICKERS = [
  "users_select", "conversations_select", "channels_select",
  "multi_static_select", "multi_users_select", "multi_conversations_select", "multi_channels_select",
];

/** The element of a block. `props` are attributes of the node that takes the focus, such as its id. */
export function element(block, one, scene, props = {}) {
  const named = { "data-focus": `${scene.name}/${block.block_id}/${one.action_id}`, ...props };
  if (one.type === "button") return button(block, one, scene, named);
  if (one.type === "overflow") return overflow(block, one, scene, named);
  if (one.type === "image") return image(one);
  if (one.type in TEXT_INPUTS) return textInput(block, one, scene, named, TEXT_INPUTS[one.type]);
  if (one.type === "rich_text_input") return textInput(block, one, scene, named, "text");
  if (one.type in DATE_INPUTS) return dateInput(block, one, scene, named, DATE_INPUTS[one.type]);
  if (one.type === "static_select") return select(block, one, scene, named);
  if (PICKERS.includes(one.type)) return pick(block, one, scene, named);
  if (isGroup(one)) return choices(block, one, scene, named);
  return unknown(one);
}

/** Whether the element is a group of choices, which has a legend in the place of a label. */
export const isGroup = (one) => one.type === "radio_buttons" || one.type === "checkboxes";

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
  else toast(t("would_open", { url }));
}

function overflow(block, one, scene, named) {
  const pick = (option) => async () => {
    if (option.url) followLink(option.url);
    if (await confirm(one.confirm)) scene.use(block, one, option.value);
  };
  const items = () => one.options.map((option) => ({ label: textObject(option.text), note: option.description?.text, pick: pick(option) }));
  return menuButton({ class: "button square", "aria-label": t("more_actions"), ...named }, icon("more", "icon icon-dots"), items);
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
    "aria-label": nameOf(block, one, t("text")),
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
  return el("input", { type: kind, class: "field", value: isMoment ? localTime(now) : (now ?? ""), "aria-label": nameOf(block, one, t(DATE_LABELS[one.type])), ...named, onchange: onChange });
}

function localTime(seconds) {
  if (!seconds) return "";
  const moment = new Date(seconds * 1000);
  return new Date(moment.getTime() - moment.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

// --- choices

function pick(block, one, scene, named) {
  const isMany = one.type.startsWith("multi_");
  return picker({
    groups: pickerGroups(one),
    chosen: [scene.entered(block, one) ?? []].flat(),
    most: isMany ? (one.max_selected_items ?? Infinity) : 1,
    placeholder: one.placeholder ? withSigns(one.placeholder.text) : t("search"),
    props: { "aria-label": nameOf(block, one, t("search")), ...named },
    onchange: (values) => keepChoice(block, one, scene, isMany ? values : (values[0] ?? null)),
  });
}

/** Stores a choice. Outside of a form a choice is sent to the app, after its confirm dialog if it has one. */
async function keepChoice(block, one, scene, value) {
  if (block.type === "input" && !block.dispatch_action) return scene.enter(block, one, value);
  if (await confirm(one.confirm)) return scene.use(block, one, value);
  return scene.redraw();
}

function select(block, one, scene, named) {
  const now = scene.entered(block, one);
  const option = ({ value, label }) => el("option", { value, selected: value === now }, withSigns(label.text));
  const groups = optionGroups(one).map((group) =>
    group.label ? el("optgroup", { label: group.label }, group.options.map(option)) : group.options.map(option),
  );
  const hint = el("option", { value: "", selected: !now, disabled: block.optional !== true, hidden: block.optional !== true }, one.placeholder?.text ?? t("choose"));
  const props = { class: "field select", "aria-label": nameOf(block, one, t("choose")), ...named };
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
      el("span", {}, textObject(label), note && el("span", { class: "choice-note" }, textObject(note))),
    );
  const title = (label) => label && el("div", { class: "choices-group" }, label);
  const all = optionGroups(one);
  const isLong = all.flatMap((part) => part.options).length > 6;
  return el(
    "div",
    { class: isLong ? "choices choices-long" : "choices", role: isOne ? "radiogroup" : "group", "aria-label": nameOf(block, one, t("choices")) },
    all.map((part, at) => [title(part.label), part.options.map((option, place) => choice(option, at + place))]),
  );
}

/** The accessible name of an element without a label. */
function nameOf(block, one, otherwise) {
  return block.type === "input" ? null : (one.placeholder?.text ?? otherwise);
}
