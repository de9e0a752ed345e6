/** The blocks of Block Kit. Source: docs.slack.dev/reference/block-kit/blocks. Each function returns an element. */

import { el, newId } from "./dom.js";
import { element, image, isGroup } from "./elements.js";
import { mrkdwn, textObject } from "./mrkdwn.js";
import { richText } from "./richtext.js";
import { unknown } from "./unknown.js";
import { fieldError, t } from "./language.js";

const DRAWN = {
  section,
  header: (block) => el("h3", { class: "block-header" }, textObject(block.text)),
  divider: () => el("hr"),
  context,
  actions,
  input,
  image: pictured,
  rich_text: richText,
  markdown: (block) => el("div", { class: "block-text markdown" }, block.text),
  alert: (block) => el("div", { class: `block-alert level-${block.level ?? "default"}` }, textObject(block.text)),
  table,
};

/** All blocks of a payload. elements.js describes `scene`; `scene.errors` has the errors of fields, by block_id. */
export function blocks(list, scene) {
  return list.map((block) => (DRAWN[block.type] ?? unknown)(block, scene));
}

function section(block, scene) {
  const accessory = block.accessory && el("div", { class: "block-accessory" }, element(block, block.accessory, scene));
  const fields = block.fields?.map((one) => el("div", { class: "block-field" }, textObject(one)));
  return el(
    "div",
    { class: "block-section" },
    el(
      "div",
      { class: "block-main" },
      block.text && el("div", { class: "block-text" }, textObject(block.text)),
      fields && el("div", { class: "block-fields" }, fields),
    ),
    accessory,
  );
}

function context(block) {
  const part = (one) => (one.type === "image" ? image(one) : el("span", {}, textObject(one)));
  return el("div", { class: "block-context" }, block.elements.map(part));
}

function actions(block, scene) {
  return el("div", { class: "block-actions" }, block.elements.map((one) => element(block, one, scene)));
}

function pictured(block) {
  return el("figure", { class: "block-image" }, block.title && el("figcaption", {}, textObject(block.title)), image(block));
}

/** A field with its label. Its error and its hint stand under it, and screen readers read them with it. */
function input(block, scene) {
  const id = newId("field");
  const error = scene.errors?.[block.block_id];
  const describes = [block.hint && `${id}-hint`, error && `${id}-error`].filter(Boolean).join(" ");
  const props = { id, "aria-describedby": describes || null, "aria-invalid": error ? "true" : null };
  const required = block.optional ? {} : { "aria-required": "true" };
  const isChoice = isGroup(block.element);
  const label = [textObject(block.label), block.optional && el("span", { class: "optional" }, ` ${t("optional")}`)];
  const control = element(block, block.element, scene, isChoice ? {} : { ...props, ...required });
  const parts = [
    control,
    error && el("p", { class: "field-error", id: `${id}-error` }, fieldError(error)),
    block.hint && el("p", { class: "field-hint", id: `${id}-hint` }, textObject(block.hint)),
  ];
  if (isChoice) return el("fieldset", { class: "block-input", "aria-describedby": describes || null }, el("legend", {}, label), parts);
  return el("div", { class: "block-input" }, el("label", { for: id }, label), parts);
}

function table(block) {
  const cell = (one) => (one.type === "rich_text" ? richText(one) : (one.text ?? unknown(one)));
  const [head, ...rows] = block.rows;
  return el(
    "div",
    { class: "block-table", tabindex: "0", role: "region", "aria-label": t("table") },
    el(
      "table",
      {},
      el("thead", {}, el("tr", {}, head.map((one) => el("th", { scope: "col" }, cell(one))))),
      el("tbody", {}, rows.map((row) => el("tr", {}, row.map((one) => el("td", {}, cell(one)))))),
    ),
  );
}

/** The text of a message that has no blocks. */
export function plainMessage(source) {
  return el("div", { class: "block-text" }, mrkdwn(source));
}
