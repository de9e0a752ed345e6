/** The texts of the page around its parts, in the language of the page. */

import { byId, fill } from "./dom.js";
import { language, t } from "./language.js";
import { redrawSettings, settingsButton } from "./settings.js";
import { on, world } from "./store.js";

export function start() {
  on("everything", draw);
  on("settings", drawTheme);
}

function draw() {
  document.documentElement.lang = language();
  byId("skip").textContent = t("skip");
  byId("brand-note").textContent = t("brand_note");
  byId("panes").setAttribute("aria-label", t("panes"));
  fill(byId("page-settings"), settingsButton());
  redrawSettings();
  drawTheme();
}

function drawTheme() {
  document.documentElement.dataset.theme = world.settings.theme;
}
