/** The messages of a conversation. A message that changes is redrawn in its place. */

import { report, say } from "./announce.js";
import { blocks, plainMessage } from "./blocks.js";
import { byId, el, focusIn, restore } from "./dom.js";
import { act } from "./feed.js";
import { icon } from "./icons.js";
import { menuButton } from "./menu.js";
import { unescape } from "./mrkdwn.js";
import { avatar } from "./people.js";
import { here, isDirect, messagesHere, nameOf, on, isVisibleTo, world } from "./store.js";
import { makeScene } from "./scene.js";
import { dayTitle, isSameDay, timeOfDay } from "./dates.js";
import { t } from "./language.js";
import { unknown } from "./unknown.js";
import { welcome } from "./welcome.js";

const NEAR_END = 120; // pixels; a list that is scrolled up further does not follow new messages
const TOGETHER = 300; // seconds between two messages of one sender that are shown under one name

const idOf = (key) => `message-${key.replaceAll(/[^\w]/g, "-")}`;

export function start() {
  on("messages", (changed) => {
    const list = byId("messages");
    const isAtEnd = list && list.scrollHeight - list.scrollTop - list.clientHeight < NEAR_END;
    changed.forEach(apply);
    arrange();
    if (isAtEnd) list.scrollTop = list.scrollHeight;
  });
  on("parts", tellTimeAgain);
}

let clockAhead = 0; // by which the messages were drawn

/** The clock was moved on, and today is another day: in the lines of days, and in the messages themselves. */
function tellTimeAgain() {
  if (clockAhead !== world.parts.clock_ahead) {
    byId("messages")?.querySelectorAll(".message").forEach((node) => exchange(node, article(world.messages.get(node.dataset.key))));
  }
  clockAhead = world.parts.clock_ahead;
  arrange();
}

/** The list of the messages in a conversation. */
export function messageList(place) {
  const shown = messagesHere();
  const list = el(
    "div",
    { class: "messages", id: "messages", role: "log", "aria-live": "off", "aria-label": t("messages"), tabindex: "0" },
    el("div", { class: "messages-space" }),
    shown.length === 0 && welcome(place, isDirect(place)),
    shown.map(article),
  );
  arrange(list);
  return list;
}

/** Puts a line between two days, and shows messages that one sender wrote in a row under one name. */
function arrange(list = byId("messages")) {
  if (!list) return;
  list.querySelectorAll(".day").forEach((line) => line.remove());
  let before = null;
  for (const node of list.querySelectorAll(".message")) {
    const message = world.messages.get(node.dataset.key);
    const isNewDay = !before || !isSameDay(before.ts, message.ts);
    if (isNewDay) node.before(dayLine(message.ts));
    node.classList.toggle("message-more", !isNewDay && isMore(before, message));
    before = message;
  }
}

function dayLine(seconds) {
  return el("div", { class: "day" }, el("h3", {}, dayTitle(seconds)));
}

function isMore(before, message) {
  const isOf = (name) => before[name] === message[name];
  return isOf("user") && isOf("by_bot") && isOf("to") && message.ts - before.ts < TOGETHER;
}

function apply({ key, message, before }) {
  const isHere = (message ?? before)?.channel === here.place && here.tab === "messages";
  const old = byId(idOf(key));
  if (!message) return old?.remove();
  if (!isVisibleTo(here.me, message)) return;
  if (!before) announce(message, isHere);
  const list = byId("messages");
  if (!isHere || !list) return;
  if (old) replace(old, article(message));
  else list.append(article(message));
  list.querySelector(".welcome")?.remove();
}

function replace(old, now) {
  now.classList.add("message-changed");
  exchange(old, now);
}

function exchange(old, now) {
  const kept = focusIn(old);
  old.replaceWith(now);
  if (kept && !restore(now, kept)) now.focus({ preventScroll: true });
}

function announce(message, isHere) {
  if (message.user === here.me) return;
  const reader = message.to ? t("reads_only_to_you", { name: nameOf(message.user) }) : nameOf(message.user);
  say(`${isHere ? reader : t("reads_elsewhere", { name: reader })}: ${unescape(message.reads)}`);
}

function article(message) {
  const name = nameOf(message.user);
  const title = `${idOf(message.key)}-name`;
  return el(
    "article",
    { class: message.to ? "message message-private" : "message", id: idOf(message.key), tabindex: "-1", "aria-labelledby": title, data: { key: message.key } },
    el("span", { class: "message-side" }, avatar(message.user, name), el("time", { class: "message-moment", "aria-hidden": "true" }, timeOfDay(message.ts))),
    el(
      "div",
      { class: "message-body" },
      message.to && el("p", { class: "message-only" }, icon("eye"), t("only_you")),
      el(
        "div",
        { class: "message-head" },
        el("span", { class: "message-name", id: title }, name),
        message.by_bot && el("span", { class: "tag" }, t("app")),
        el("time", { class: "message-time", datetime: new Date(message.ts * 1000).toISOString() }, timeOfDay(message.ts)),
      ),
      content(message),
      message.edited && el("p", { class: "message-edited" }, `(${t("edited")})`),
    ),
    shortcuts(message),
  );
}

function content(message) {
  const scene = makeScene({ message: message.key }, { redraw: () => redraw(message.key) });
  return el(
    "div",
    { class: "blocks" },
    message.blocks.length > 0 ? blocks(message.blocks, scene) : message.text && plainMessage(message.text),
    message.attachments.map((list) => attachment(list, scene)),
  );
}

/** An attachment, with a bar beside it as Slack draws it. One in the old style has no blocks. */
function attachment(list, scene) {
  if (list.length === 0) return unknown({ type: "attachments" });
  return el("div", { class: "attachment" }, blocks(list, scene));
}

function redraw(key) {
  const old = byId(idOf(key));
  const message = world.messages.get(key);
  if (!old || !message) return;
  old.replaceWith(article(message));
  arrange();
}

/** The menu of the app's message shortcuts; null if its manifest has none. */
function shortcuts(message) {
  const offered = world.app.shortcuts.filter((one) => one.kind === "message");
  if (offered.length === 0) return null;
  const pick = (one) => async () => report(await act(here.me, { do: "shortcut", callback_id: one.callback_id, message: message.key }));
  const items = () => offered.map((one) => ({ label: one.name, note: one.description, pick: pick(one) }));
  const button = menuButton(
    { class: "quiet", "aria-label": t("message_actions"), "data-focus": `more-${message.key}` },
    icon("more", "icon icon-dots"),
    items,
  );
  return el("div", { class: "message-actions" }, button);
}
