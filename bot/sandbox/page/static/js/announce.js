/** What is said: to screen readers politely, and to everybody in a note that goes away. */

import { byId, el } from "./dom.js";
import { icon } from "./icons.js";

const STAYS = 9000; // milliseconds
const LEAST_GAP = 150; // milliseconds, so that two sentences are two announcements

let waiting = [];
let timer = null;

export function say(sentence) {
  waiting.push(sentence);
  timer ??= setTimeout(speak, LEAST_GAP);
}

function speak() {
  timer = null;
  byId("polite").textContent = waiting.join("\n");
  waiting = [];
}

/** A note at the edge of the screen, read out at once. */
export function toast(sentence) {
  const note = el(
    "div",
    { class: "toast" },
    icon("alert"),
    el("span", {}, sentence),
    el("button", { class: "quiet", type: "button", "aria-label": "Dismiss", onclick: () => note.remove() }, icon("close")),
  );
  byId("toasts").append(note);
  setTimeout(() => note.remove(), STAYS);
}

/** Shows what came of an act, if there is anything to tell. True if it went well. */
export function report(outcome) {
  const said = outcome.warning ?? outcome.cannot;
  if (said) toast(outcome.warning ? `Slack says: ${said}` : said);
  return !said;
}
