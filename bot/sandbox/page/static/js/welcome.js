/** The text in a conversation without messages. */

import { insert } from "./composer.js";
import { el } from "./dom.js";
import { world } from "./store.js";
import { t } from "./language.js";

export function welcome(place, isDirect) {
  if (isDirect) {
    return el(
      "div",
      { class: "welcome" },
      el("h3", {}, t("welcome_direct", { app: world.app.name })),
      el("p", {}, t("welcome_direct_note")),
    );
  }
  const commands = world.app.commands.map((one) =>
    el(
      "li",
      {},
      el("button", { type: "button", class: "button", onclick: () => insert(`${one.command} `) }, one.command),
      el("span", {}, one.description),
    ),
  );
  return el(
    "div",
    { class: "welcome" },
    el("h3", {}, t("welcome", { name: place.name })),
    el("p", {}, t("welcome_note", { n: world.people.length, app: world.app.name })),
    commands.length > 0 && el("ul", { class: "welcome-commands" }, commands),
  );
}
