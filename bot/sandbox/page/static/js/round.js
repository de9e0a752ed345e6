/**
 * A first round through the app, step by step. The steps come from the server: the page knows nothing of the app.
 *
 * The round starts by itself for a newcomer, whose browser has not ended one before. A step is over once what it asks for is
 * there. A page that was loaded again goes on where the person was; in a sandbox that was started anew it begins again.
 */

import { insert } from "./composer.js";
import { byId, el, fill } from "./dom.js";
import { icon } from "./icons.js";
import { language, t } from "./language.js";
import { showPane } from "./panes.js";
import { say } from "./announce.js";
import { channel, here, isDirect, on, places, switchPerson, switchPlace, world } from "./store.js";

const LASTING = ["message", "opened"]; // what stays there: a later step that waits for it ends those before it
const SEEN = "first-round"; // in the storage of the browser, once the round was dismissed

let step = null; // the current step; null while no round is shown
let known = new Set(); // the keys of the messages that were there before the round
let drawn = null;

export function start() {
  on("restarted", () => step !== null && startRound());
  on("everything", begin);
  on("everything messages stacks secrets me place", advance);
}

/** Starts the round by itself, once, for a newcomer. */
function begin() {
  if (step === null && drawn === null && world.settings.round.length > 0 && !wasSeen()) step = 0;
}

/** Starts the round on demand. What is there already does not count. */
export function startRound() {
  known = new Set(world.messages.keys());
  step = 0;
  advance();
}

function end() {
  step = null;
  markSeen();
  draw();
  byId("composer-text")?.focus({ preventScroll: true });
}

function advance() {
  if (step === null) return;
  const last = world.settings.round.findLastIndex(({ until }, place) => (place === step || LASTING.includes(until.event)) && isOver(until));
  step = Math.max(step, last + 1);
  draw();
}

/** Whether what a step waits for is there. */
function isOver(until) {
  const who = world.people.find((one) => one.name === until.person);
  if (until.event === "window") return (world.stacks[who?.id] ?? []).some((one) => one.callback_id === until.window);
  if (until.event === "message") return came(who) < Infinity;
  if (until.event === "opened") return world.secrets.some((one) => one.opened !== null && one.opened > came(who));
  if (until.event === "reading") return here.me === who?.id && isDirect(channel(here.place)) && here.tab === "messages" && (world.stacks[who?.id] ?? []).length === 0;
  return false;
}

/** When the app's first message of this round to a person came, in seconds; Infinity if none did. */
function came(who) {
  const theirs = [...world.messages.values()].filter((one) => !known.has(one.key) && one.by_bot && channel(one.channel)?.user === who?.id);
  return Math.min(...theirs.map((one) => one.ts));
}

function draw() {
  const node = byId("round");
  const now = JSON.stringify([step, language()]);
  if (now === drawn) return;
  drawn = now;
  node.hidden = step === null;
  if (step === null) return node.replaceChildren();
  const steps = world.settings.round;
  const one = steps[step];
  const text = one.texts[language()];
  node.setAttribute("aria-label", t("first_round"));
  fill(
    node,
    el("span", { class: "round-step" }, el("strong", {}, t("first_round")), ` ${t("round_step", { n: step + 1, all: steps.length })}`),
    el("p", { class: "round-text" }, text),
    one.offers.map(offer),
    el("button", { type: "button", class: "quiet", "aria-label": t("dismiss"), "data-focus": "round-x", onclick: end }, icon("close")),
  );
  say(text);
}

/** A button that does what a step asks for. */
function offer({ labels, person, write, place }) {
  const go = () => {
    showPane("chat");
    const who = world.people.find((one) => one.name === person);
    if (who && who.id !== here.me) switchPerson(who.id);
    const mine = places();
    const to = place === "app" ? mine.find(isDirect) : mine.find((one) => one.name === place);
    if (to) switchPlace(to.id);
    if (write) insert(write);
  };
  return el("button", { type: "button", class: "button small", "data-focus": `round-${labels.en}`, onclick: go }, labels[language()]);
}

// --- what the browser remembers; a browser may refuse to

function wasSeen() {
  try {
    return localStorage.getItem(SEEN) !== null;
  } catch {
    return false;
  }
}

function markSeen() {
  try {
    localStorage.setItem(SEEN, "seen");
  } catch {
    // the round comes again with the next sandbox
  }
}
