/**
 * The list of calls between the parts, in groups by what caused them, newest first. The server has masked keys, tokens and
 * secrets.
 */

import { toast } from "./announce.js";
import { groupCalls } from "./call_groups.js";
import { dialog } from "./dialog.js";
import { byId, el, fill } from "./dom.js";
import { detail } from "./feed.js";
import { icon } from "./icons.js";
import { locale, t } from "./language.js";
import { on, world } from "./store.js";

const NAMES = { slack: "Slack", bot: "bot", onetime: "Onetime" };

const unfolded = new Set(); // keys of rows whose calls are shown one by one

export function start() {
  on("everything", draw);
  on("calls", drawList);
}

function draw() {
  fill(
    byId("calls"),
    el("div", { class: "card-head" }, el("h3", { id: "calls-title" }, t("calls"))),
    el("p", { class: "empty", id: "no-calls" }, t("no_calls")),
    el("ol", { class: "call-list", id: "call-list", tabindex: "0", "aria-labelledby": "calls-title" }),
  );
  drawList();
}

function drawList() {
  byId("no-calls").hidden = world.calls.length > 0;
  fill(byId("call-list"), groupCalls(world.calls).map(group));
}

function group({ cause, rows }) {
  const head = cause ? line(cause, cause.title, { class: "call call-cause" }) : el("p", { class: "call-itself" }, t("by_itself"));
  return el("li", { class: "call-group" }, head, rows.length > 0 && el("ol", { class: "call-rows" }, rows.map(row)));
}

function row({ key, call, calls }) {
  if (calls.length === 1) return el("li", {}, line(call));
  const isOpen = unfolded.has(key);
  const toggle = () => {
    if (!unfolded.delete(key)) unfolded.add(key);
    drawList();
  };
  const many = t("repeated", { n: calls.length });
  const button = line(call, [el("span", { class: "call-name" }, call.title), " ", el("strong", { class: "call-many" }, many)], {
    onclick: toggle,
    "aria-expanded": String(isOpen),
    "aria-label": t("show_each", { title: call.title, n: calls.length }),
    "data-focus": `calls-${key}`,
  });
  return el("li", {}, button, isOpen && el("ol", { class: "call-rows" }, calls.toReversed().map((one) => el("li", {}, line(one, timeOf(one))))));
}

const timeOf = (call) => new Date(call.at * 1000).toLocaleTimeString(locale());

/** One call, or several equal ones, as a button. */
function line(call, title = call.title, props = {}) {
  return el(
    "button",
    { type: "button", class: "call", "data-focus": `call-${call.number}`, title: `${call.title} · ${timeOf(call)}`, onclick: () => open(call), ...props, ...(call.ok ? {} : { class: `${props.class ?? "call"} call-bad` }) },
    "aria-expanded" in props && icon("chevron", "icon call-fold"),
    el("span", { class: `call-way way-${call.from}-${call.to}` }, NAMES[call.from], " → ", NAMES[call.to]),
    el("span", { class: "call-title" }, call.who && el("span", { class: "call-who" }, `${call.who} `), title),
    el("span", { class: "call-outcome" }, call.outcome, call.ms !== undefined && el("span", { class: "call-time" }, ` ${Math.round(call.ms)} ms`)),
  );
}

async function open(call) {
  const found = await detail(call.number);
  if (!found) return toast(t("not_kept"));
  const part = (title, value) => [el("h3", {}, title), el("pre", { class: "payload", tabindex: "0" }, pretty(value))];
  const body = el(
    "div",
    { class: "dialog-body" },
    el("p", { class: "dialog-note" }, t("masked")),
    part(t("call_sent"), found.sent),
    part(t("call_answered"), found.answered),
  );
  dialog(`${NAMES[call.from]} → ${NAMES[call.to]}: ${call.title}`, body, { kind: "dialog-wide" });
}

function pretty(value) {
  if (value === null || value === undefined) return t("nothing");
  return typeof value === "string" ? value : JSON.stringify(value, null, 2);
}
