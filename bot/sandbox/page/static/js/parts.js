/** The states and controls of Slack, the bot and Onetime Secret. The wires between them light up at each call. */

import { byId, el, fill } from "./dom.js";
import { control } from "./feed.js";
import { on, world } from "./store.js";
import { report } from "./announce.js";
import { duration } from "./dates.js";
import { t } from "./language.js";

const MODES = ["fine", "slow", "failing", "limited", "down"];
const HOURS = 3600; // seconds
const JUMPS = [HOURS, 24 * HOURS, 192 * HOURS];

export function start() {
  on("everything parts", draw);
  on("calls", pulse);
}

function draw() {
  const parts = world.parts;
  if (!parts) return;
  fill(
    byId("parts"),
    el(
      "div",
      { class: "wiring" },
      part("Slack", parts.slack.mode === "fine", faults("Slack", "slack", parts.slack.mode)),
      wire("slack-bot"),
      part(t("bot"), parts.bot.state === "running", bot(parts.bot.state)),
      wire("bot-onetime"),
      part("Onetime Secret", parts.onetime.mode === "fine", faults("Onetime Secret", "onetime", parts.onetime.mode)),
    ),
    clock(parts),
  );
}

function part(name, isFine, controls) {
  return el("div", { class: isFine ? "part" : "part part-off" }, el("h3", { class: "part-name" }, name), controls);
}

function wire(name) {
  return el("div", { class: "wire", "data-wire": name, "aria-hidden": "true" });
}

function faults(name, which, mode) {
  const option = (value) => el("option", { value, selected: value === mode }, t(`mode_${value}`));
  return el(
    "select",
    {
      class: "field select small",
      "aria-label": name,
      "data-focus": `mode-${which}`,
      onchange: async (event) => report(await control({ do: which, mode: event.target.value })),
    },
    MODES.map(option),
  );
}

function bot(state) {
  const wish = async (what) => report(await control({ do: "bot", wish: what }));
  const button = (label, what) => el("button", { type: "button", class: "button small", "data-focus": "bot-wish", onclick: () => wish(what) }, label);
  if (state === "starting") return el("span", { class: "part-state" }, t("starting"));
  return state === "running" ? button(t("kill"), "kill") : button(t("start"), "start");
}

function clock(parts) {
  const jump = (seconds) =>
    el(
      "button",
      {
        type: "button",
        class: "button small",
        "aria-label": t("clock_move", { duration: duration(seconds) }),
        "data-focus": `clock-${seconds}`,
        onclick: async () => report(await control({ do: "move_clock", seconds })),
      },
      `+ ${duration(seconds)}`,
    );
  return el(
    "div",
    { class: "clock" },
    el("span", {}, t("clock"), parts.clock_ahead > 0 && el("strong", {}, ` +${duration(parts.clock_ahead)}`)),
    el("span", { class: "clock-jumps" }, JUMPS.map(jump)),
  );
}

/** Lights up the wires of new calls for a moment. */
function pulse(calls) {
  for (const call of calls) {
    const ends = [call.from, call.to];
    const name = ends.includes("onetime") ? "bot-onetime" : "slack-bot";
    const node = document.querySelector(`[data-wire="${name}"]`);
    if (!node) continue;
    node.classList.remove("pulse", "pulse-bad", "pulse-back");
    void node.offsetWidth; // forces a layout, which restarts the animation
    node.classList.add(call.ok ? "pulse" : "pulse-bad");
    if (call.from === "bot" && call.to === "slack") node.classList.add("pulse-back");
  }
}
