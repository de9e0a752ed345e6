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

const STATES = {
  new: "not opened", viewed: "not opened", received: "opened", burned: "burned", expired: "expired", orphaned: "gone",
};
const LIFETIMES = [["7 days", 604_800], ["1 day", 86_400], ["1 hour", 3600], ["5 minutes", 300]];

export function start() {
  on("everything secrets parts", draw);
}

let drawn = null; // the state that was drawn last; an open menu stays open while nothing changes

function draw() {
  if (!world.parts) return;
  const now = JSON.stringify([world.parts.accounts, world.secrets.map((one) => [one.id, one.state, note(one)])]);
  if (now === drawn) return;
  drawn = now;
  const isOpen = byId("secrets").querySelector("details")?.open ?? false;
  fill(
    byId("secrets"),
    el(
      "div",
      { class: "card-head" },
      el("h3", { id: "secrets-title" }, "What Onetime Secret holds"),
      el("button", { type: "button", class: "button small", "data-focus": "make", onclick: openForm }, icon("plus"), "Make one"),
    ),
    world.secrets.length === 0
      ? el("p", { class: "empty" }, "Nothing yet. Make a secret, as somebody would in a browser, and hand its link to a person in the workspace.")
      : el("ul", { class: "secret-list", tabindex: "0", "aria-labelledby": "secrets-title" }, world.secrets.toReversed().map(row)),
    el("details", { class: "accounts", open: isOpen }, el("summary", {}, "Accounts to connect with"), el("ul", {}, world.parts.accounts.map(account))),
  );
}

function row(secret) {
  return el(
    "li",
    { class: `secret secret-${secret.state}` },
    el("span", { class: "secret-mark" }, icon(secret.state === "burned" ? "flame" : secret.has_text ? "lock" : "eye")),
    el(
      "span",
      { class: "secret-main" },
      el("span", { class: "secret-key" }, secret.key),
      el("span", { class: `state state-${secret.state}` }, STATES[secret.state] ?? secret.state),
      el("span", { class: "secret-note" }, note(secret)),
    ),
    menuButton({ class: "quiet", "aria-label": `Secret ${secret.key}`, "data-focus": `secret-${secret.id}` }, icon("more", "icon icon-dots"), () => menuItems(secret)),
  );
}

function note(secret) {
  const facts = [secret.owner ? `by ${secret.owner}` : "by nobody known"];
  facts.push(secret.has_text ? "its text is there" : "its text is gone");
  if (secret.has_passphrase) facts.push("has a passphrase");
  if (secret.left !== null) facts.push(`${duration(secret.left)} left`.replaceAll(" ", "\u00a0"));
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
    await navigator.clipboard.writeText(found[kind]).then(() => say("Copied"), () => show(found[kind]));
  };
  return [
    { label: "Open its link as a stranger", note: "in a browser", pick: async () => openInBrowser((await fetchLinks()).secret) },
    { label: "Write its link", note: "into the message field", pick: write("secret") },
    { label: "Write its private link", note: "into the message field", pick: write("private") },
    { label: "Copy its link", pick: copy("secret") },
    { label: "Copy its private link", pick: copy("private") },
    { label: "Burn it on the site", note: "as its maker", pick: async () => report(await control({ do: "burn", id: secret.id })) },
  ];
}

/** Adds a link to the command in the message field, or replaces the text there if it is no command. */
function insertWithCommand(link) {
  showPane("chat");
  const now = byId("composer-text")?.value.trimEnd() ?? "";
  insert(now.startsWith("/") ? `${now} ${link} ` : link);
}

function show(value) {
  dialog("Copy this", el("div", { class: "dialog-body" }, el("p", { class: "copyable" }, value)), { kind: "dialog-small" });
}

function account({ username, token }) {
  return el(
    "li",
    {},
    el("code", {}, username),
    el("span", {}, "API token "),
    el("code", {}, token),
  );
}

// --- making a secret

function openForm() {
  const ids = { text: newId("make"), passphrase: newId("make"), owner: newId("make"), ttl: newId("make") };
  const text = el("textarea", { id: ids.text, class: "field", rows: 3, autocomplete: "off", spellcheck: "false" });
  const passphrase = el("input", { id: ids.passphrase, class: "field", type: "text", autocomplete: "off" });
  const owners = [...world.parts.accounts.map(({ username }) => [username, username]), ["nobody (anonymous)", ""]];
  const owner = select(ids.owner, owners);
  const ttl = select(ids.ttl, LIFETIMES);
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
    labelled("Text", text),
    labelled("Passphrase (optional)", passphrase),
    el("div", { class: "side-by-side" }, labelled("Made by", owner), labelled("Lives for", ttl)),
    el("div", { class: "dialog-foot" }, el("button", { type: "submit", class: "button primary" }, "Make it")),
  );
  const close = dialog("Make a secret", body, { kind: "dialog-site" });
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
      el("button", { type: "button", class: "button small", onclick: use(link) }, "Write it into the message field"),
    );
  const body = el(
    "div",
    { class: "dialog-body" },
    one("Secret link", "Opens it, once. For whoever is to read it.", made.secret),
    one("Private link", "Shows what became of it, and burns it. For its maker.", made.private),
  );
  const close = dialog("The secret is made", body, { kind: "dialog-site" });
}
