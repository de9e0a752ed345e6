/** The text in a conversation without messages. */

import { insert } from "./composer.js";
import { el } from "./dom.js";
import { world } from "./store.js";

export function welcome(place, isDirect) {
  if (isDirect) {
    return el(
      "div",
      { class: "welcome" },
      el("h3", {}, `Your conversation with ${world.app.name}`),
      el("p", {}, "What the app tells you by itself arrives here."),
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
    el("h3", {}, `Welcome to #${place.name}`),
    el("p", {}, `${world.people.length} people and one app, ${world.app.name}. Be any of them, and watch beside this what happens behind the scenes.`),
    commands.length > 0 && el("ul", { class: "welcome-commands" }, commands),
  );
}
