/** A stranger's browser: a person without an account opens a link to the emulated Onetime Secret. */

import { dialog } from "./dialog.js";
import { el, newId } from "./dom.js";
import { control } from "./feed.js";
import { icon } from "./icons.js";
import { t } from "./language.js";

/** Opens `url` in the browser of a stranger. The secret stays unopened until the person presses the button. */
export async function openInBrowser(url) {
  const answer = await control({ do: "look", link: url });
  const page = el("div", { class: "browser-page" }, answer.is_there ? sealedPage(url, answer) : emptyPage(answer));
  const body = el("div", { class: "dialog-body browser" }, el("p", { class: "browser-bar" }, icon("globe"), el("span", {}, url)), page);
  dialog(t("strangers_browser"), body, { kind: "dialog-site" });
}

function emptyPage({ cannot }) {
  return el("p", { class: "browser-said" }, cannot ?? t("no_secret"));
}

function sealedPage(url, { has_passphrase: hasPassphrase }) {
  const id = newId("passphrase");
  const field = hasPassphrase && el("input", { id, class: "field", type: "text", autocomplete: "off" });
  const said = el("p", { class: "browser-said", role: "status" });
  const open = async (event) => {
    event.preventDefault();
    const { text } = await control({ do: "open", link: url, passphrase: field ? field.value : "" });
    if (typeof text === "string") showText(form, text);
    else said.textContent = t("did_not_open");
  };
  const form = el(
    "form",
    { novalidate: true, onsubmit: open },
    el("p", {}, t("waiting")),
    field && el("div", { class: "block-input" }, el("label", { for: id }, t("passphrase")), field),
    el("button", { type: "submit", class: "button primary" }, t("show_secret")),
    said,
  );
  return form;
}

function showText(form, text) {
  const pre = el("pre", { class: "mono-block", tabindex: "0" }, text);
  form.replaceWith(el("div", {}, el("p", {}, t("this_is_it")), pre));
  pre.focus();
}
