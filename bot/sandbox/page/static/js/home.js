/** The Home tab of the app. */

import { blocks } from "./blocks.js";
import { byId, el, fill } from "./dom.js";
import { here, on, world } from "./store.js";
import { makeScene } from "./scene.js";
import { t } from "./language.js";

export function start() {
  on("homes", () => {
    const node = byId("home");
    if (node) fill(node, content());
  });
}

export function home() {
  return el("div", { class: "home", id: "home", tabindex: "0", role: "region", "aria-label": t("home") }, content());
}

function content() {
  const view = world.homes[here.me];
  if (!view) return el("p", { class: "home-empty" }, t("home_empty", { app: world.app.name }));
  const scene = makeScene({ view: view.id }, { values: view.values, redraw: () => redraw() });
  return el("div", { class: "blocks", data: { hash: view.hash } }, blocks(view.blocks, scene));
}

function redraw() {
  const node = byId("home");
  if (node) fill(node, content());
}
