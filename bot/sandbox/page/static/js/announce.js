/** Announcements: texts for screen readers, and notes on the screen that disappear after a while. */

import { byId, el } from "./dom.js";
import { icon } from "./icons.js";
import { t } from "./language.js";

const TOAST_DURATION = 9000; // milliseconds
const MIN_GAP = 150; // milliseconds between two announcements, so that a screen reader reads both

let waiting = [];
let timer = null;

/** Lets screen readers read a sentence. */
export function say(sentence) {
  waiting.push(sentence);
  timer ??= setTimeout(flush, MIN_GAP);
}

function flush() {
  timer = null;
  byId("polite").textContent = waiting.join("\n");
  waiting = [];
}

/** Shows a note at the edge of the screen, which screen readers read at once. */
export function toast(sentence) {
  const note = el(
    "div",
    { class: "toast" },
    icon("alert"),
    el("span", {}, sentence),
    el("button", { class: "quiet", type: "button", "aria-label": t("dismiss"), onclick: () => note.remove() }, icon("close")),
  );
  byId("toasts").append(note);
  setTimeout(() => note.remove(), TOAST_DURATION);
}

/** Shows the `warning` or `cannot` of an outcome. Returns true if it has neither. */
export function report(outcome) {
  const said = outcome.warning ?? outcome.cannot;
  if (said) toast(outcome.warning ? t("slack_says", { said }) : said);
  return !said;
}
