/** The list of calls between the parts, newest first. The server has masked keys, tokens and secrets. */

import { dialog } from "./dialog.js";
import { byId, el, fill } from "./dom.js";
import { detail } from "./feed.js";
import { on, world } from "./store.js";
import { toast } from "./announce.js";

const NAMES = { slack: "Slack", bot: "bot", onetime: "Onetime" };

export function start() {
  on("everything", draw);
  on("calls", prepend);
}

function draw() {
  const list = el("ol", { class: "call-list", id: "call-list", tabindex: "0", "aria-labelledby": "calls-title" });
  list.append(...world.calls.toReversed().map(row));
  fill(
    byId("calls"),
    el("div", { class: "card-head" }, el("h3", { id: "calls-title" }, "Calls between the parts")),
    el("p", { class: "empty", id: "no-calls", hidden: world.calls.length > 0 }, "None yet. Type a command and watch."),
    list,
  );
}

function prepend(calls) {
  const list = byId("call-list");
  list.prepend(...calls.toReversed().map(row));
  while (list.children.length > world.calls.length) list.lastChild.remove();
  byId("no-calls").hidden = world.calls.length > 0;
}

function row(call) {
  const time = new Date(call.at * 1000).toLocaleTimeString("en-GB");
  return el(
    "li",
    {},
    el(
      "button",
      { type: "button", class: call.ok ? "call" : "call call-bad", "data-focus": `call-${call.number}`, title: time, onclick: () => open(call) },
      el("span", { class: `call-way way-${call.from}-${call.to}` }, NAMES[call.from], " → ", NAMES[call.to]),
      el("span", { class: "call-title" }, call.who && el("span", { class: "call-who" }, `${call.who} `), call.title),
      el("span", { class: "call-outcome" }, call.outcome, call.ms !== undefined && el("span", { class: "call-time" }, ` ${Math.round(call.ms)} ms`)),
    ),
  );
}

async function open(call) {
  const found = await detail(call.number);
  if (!found) return toast("That call is not kept any more.");
  const part = (title, value) => [el("h3", {}, title), el("pre", { class: "payload", tabindex: "0" }, pretty(value))];
  const body = el(
    "div",
    { class: "dialog-body" },
    el("p", { class: "dialog-note" }, "Secrets, keys, tokens and what was typed into windows are masked (•••)."),
    part("Sent", found.sent),
    part("Answered", found.answered),
  );
  dialog(`${NAMES[call.from]} → ${NAMES[call.to]}: ${call.title}`, body, { kind: "dialog-wide" });
}

function pretty(value) {
  if (value === null || value === undefined) return "nothing";
  return typeof value === "string" ? value : JSON.stringify(value, null, 2);
}
