/** The secrets in the emulated Onetime Secret, and what people can do with them on its site. */

import { report, say } from "./announce.js";
import { insert } from "./composer.js";
import { duration } from "./dates.js";
import { dialog } from "./dialog.js";
import { byId, el, fill, newId } from "./dom.js";
import { control } from "./feed.js";
import { icon } from "./icons.js";
import { menuButton } from "./menu.js";
import { openInBrowser } from "./outsider.js";
import { showPane } from "./panes.js";
import { on, world } from "./store.js";
import { language, t } from "./language.js";

const STATES = {
  new: "state_new", viewed: "state_new", received: "state_received", burned: "state_burned", expired: "state_expired", orphaned: "state_orphaned",
};
const MARKS = { burned: "flame", expired: "clock", orphaned: "clock" }; // others: a lock while the text is there, then an eye
const LIFETIMES = [604_800, 86_400, 3600, 300]; // seconds

export function start() {
  on("everything secrets parts", draw);
}

let drawn = null; // the state that was drawn last; an open menu stays open while nothing changes

function draw() {
  if (!world.parts) return;
  const now = JSON.stringify([language(), world.parts.accounts, world.secrets.map((one) => [one.id, one.state, note(one)])]);
  if (now === drawn) return;
  drawn = now;
  const isOpen = byId("secrets").querySelector("details")?.open ?? false;
  fill(
    byId("secrets"),
    el(
      "div",
      { class: "card-head" },
      el("h3", { id: "secrets-title" }, t("holds")),
      el("button", { type: "button", class: "button small", "data-focus": "make", onclick: openForm }, icon("plus"), t("make_one")),
    ),
    world.secrets.length === 0
      ? el("p", { class: "empty" }, t("holds_nothing"))
      : el("ul", { class: "secret-list", tabindex: "0", "aria-labelledby": "secrets-title" }, world.secrets.toReversed().map(row)),
    el("details", { class: "accounts", open: isOpen }, el("summary", {}, t("accounts")), el("ul", {}, world.parts.accounts.map(account))),
  );
}

function row(secret) {
  return el(
    "li",
    { class: `secret secret-${secret.state}` },
    el("span", { class: "secret-mark" }, icon(MARKS[secret.state] ?? (secret.has_text ? "lock" : "eye"))),
    el(
      "span",
      { class: "secret-main" },
      el("span", { class: "secret-key" }, secret.key),
      el("span", { class: `state state-${secret.state}` }, t(STATES[secret.state])),
      el("span", { class: "secret-note" }, note(secret)),
    ),
    menuButton({ class: "quiet", "aria-label": t("secret", { key: secret.key }), "data-focus": `secret-${secret.id}` }, icon("more", "icon icon-dots"), () => menuItems(secret)),
  );
}

function note(secret) {
  const facts = [secret.owner ? t("by", { owner: secret.owner }) : t("by_nobody")];
  facts.push(t(secret.has_text ? "has_text" : "has_no_text"));
  if (secret.has_passphrase) facts.push(t("has_passphrase"));
  if (secret.left !== null) facts.push(t("left", { duration: duration(secret.left) }).replaceAll(" ", "\u00a0"));
  return facts.join(" · ");
}

/** The menu of a secret: what a person with its links can do. */
function menuItems(secret) {
  const fetchLinks = () => control({ do: "links", id: secret.id });
  const write = (kind) => async () => {
    const found = await fetchLinks();
    if (report(found)) insertWithCommand(found[kind]);
  };
  const copy = (kind) => async () => {
    const found = await fetchLinks();
    if (!report(found)) return;
    await navigator.clipboard.writeText(found[kind]).then(() => say(t("copied")), () => show(found[kind]));
  };
  return [
    { label: t("open_as_stranger"), note: t("in_browser"), pick: async () => openInBrowser((await fetchLinks()).secret) },
    { label: t("write_link"), note: t("into_field"), pick: write("secret") },
    { label: t("write_private_link"), note: t("into_field"), pick: write("private") },
    { label: t("copy_link"), pick: copy("secret") },
    { label: t("copy_private_link"), pick: copy("private") },
    { label: t("burn"), note: t("as_maker"), pick: async () => report(await control({ do: "burn", id: secret.id })) },
  ];
}

/** Adds a link to the command in the message field, or replaces the text there if it is no command. */
function insertWithCommand(link) {
  showPane("chat");
  const now = byId("composer-text")?.value.trimEnd() ?? "";
  insert(now.startsWith("/") ? `${now} ${link} ` : link);
}

function show(value) {
  dialog(t("copy_this"), el("div", { class: "dialog-body" }, el("p", { class: "copyable" }, value)), { kind: "dialog-small" });
}

function account({ username, token }) {
  return el(
    "li",
    {},
    el("code", {}, username),
    el("span", {}, t("token")),
    el("code", {}, token),
  );
}

// --- making a secret

function openForm() {
  const ids = { text: newId("make"), passphrase: newId("make"), owner: newId("make"), ttl: newId("make") };
  const text = el("textarea", { id: ids.text, class: "field", rows: 3, autocomplete: "off", spellcheck: "false" });
  const passphrase = el("input", { id: ids.passphrase, class: "field", type: "text", autocomplete: "off" });
  const owners = [...world.parts.accounts.map(({ username }) => [username, username]), [t("nobody"), ""]];
  const owner = select(ids.owner, owners);
  const ttl = select(ids.ttl, LIFETIMES.map((seconds) => [duration(seconds), seconds]));
  const save = async (event) => {
    event.preventDefault();
    if (!text.value) return text.focus();
    const made = await control({ do: "make", text: text.value, passphrase: passphrase.value, owner: owner.value || null, ttl: Number(ttl.value) });
    close();
    if (report(made)) showLinks(made);
  };
  const body = el(
    "form",
    { class: "dialog-body", novalidate: true, onsubmit: save },
    labelled(t("make_text"), text),
    labelled(t("make_passphrase"), passphrase),
    el("div", { class: "side-by-side" }, labelled(t("made_by"), owner), labelled(t("lives_for"), ttl)),
    el("div", { class: "dialog-foot" }, el("button", { type: "submit", class: "button primary" }, t("make_it"))),
  );
  const close = dialog(t("make_title"), body, { kind: "dialog-site" });
  text.focus();
}

function select(id, options) {
  return el("select", { id, class: "field select" }, options.map(([label, value]) => el("option", { value: String(value) }, label)));
}

function labelled(label, field) {
  return el("div", { class: "block-input" }, el("label", { for: field.id }, label), field);
}

function showLinks(made) {
  const use = (link) => () => {
    close();
    insertWithCommand(link);
  };
  const one = (title, about, link) =>
    el(
      "div",
      { class: "made" },
      el("h3", {}, title),
      el("p", {}, about),
      el("p", { class: "copyable" }, link),
      el("button", { type: "button", class: "button small", onclick: use(link) }, t("write_into_field")),
    );
  const body = el(
    "div",
    { class: "dialog-body" },
    one(t("made_link"), t("made_link_note"), made.secret),
    one(t("made_private"), t("made_private_note"), made.private),
  );
  const close = dialog(t("made"), body, { kind: "dialog-site" });
}
