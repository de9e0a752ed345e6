/** The settings of the page: its language, the language of each person, and its colours. */

import { report } from "./announce.js";
import { dialog } from "./dialog.js";
import { el, newId } from "./dom.js";
import { control } from "./feed.js";
import { icon } from "./icons.js";
import { LANGUAGES, language, t } from "./language.js";
import { startRound } from "./round.js";
import { world } from "./store.js";

const THEMES = [["neutral", "theme_neutral"], ["paper", "theme_paper"]];

let shown = null; // the open dialog: {close, language}

export function settingsButton() {
  return el(
    "button",
    { type: "button", class: "quiet", "aria-label": t("settings"), title: t("settings"), "data-focus": "settings", onclick: open },
    icon("gear"),
  );
}

/** Shows the open settings in another language, if the page has one now. */
export function redrawSettings() {
  if (shown === null || shown.language === language()) return;
  shown.close();
  open();
}

function open() {
  const set = (what) => async (event) => report(await control({ ...what, [what.do]: event.target.value })); // the value has the name of its control
  const body = el(
    "div",
    { class: "dialog-body" },
    select(t("language"), LANGUAGES.map(({ code, name }) => [code, name]), language(), set({ do: "language" })),
    el("p", { class: "dialog-note" }, t("language_note")),
    el("div", { class: "side-by-side" }, world.people.map((one) => select(t("reads", { name: one.name }), LANGUAGES.map(({ locale, name }) => [locale, name]), one.locale, set({ do: "locale", person: one.id })))),
    select(t("theme"), THEMES.map(([value, name]) => [value, t(name)]), world.settings.theme, set({ do: "theme" })),
    world.settings.round.length > 0 && el("div", { class: "dialog-foot" }, el("button", { type: "button", class: "button", onclick: again }, t("round_again"))),
  );
  const opened = { language: language() };
  opened.close = dialog(t("settings"), body, { kind: "dialog-small", onclose: () => (shown = shown === opened ? null : shown) });
  shown = opened;
  function again() {
    opened.close();
    startRound();
  }
}

function select(label, options, now, onchange) {
  const id = newId("setting");
  const option = ([value, text]) => el("option", { value, selected: value === now }, text);
  return el("div", { class: "block-input" }, el("label", { for: id }, label), el("select", { id, class: "field select", onchange }, options.map(option)));
}
