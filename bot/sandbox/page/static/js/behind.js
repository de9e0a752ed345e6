/** The region "behind the scenes": the parts and their controls, the secrets, the calls. */

import { byId, el, fill } from "./dom.js";
import * as calls from "./calls.js";
import * as parts from "./parts.js";
import * as secrets from "./secrets.js";
import { t } from "./language.js";
import { on } from "./store.js";

export function start() {
  fill(
    byId("behind"),
    el("h2", { class: "unseen", id: "behind-title" }),
    el("section", { class: "card parts", id: "parts" }),
    el("section", { class: "card secrets", id: "secrets", "aria-labelledby": "secrets-title" }),
    el("section", { class: "card calls", id: "calls", "aria-labelledby": "calls-title" }),
  );
  parts.start();
  secrets.start();
  calls.start();
  on("everything", () => {
    byId("behind").setAttribute("aria-label", t("pane_behind"));
    byId("behind-title").textContent = t("pane_behind");
    byId("parts").setAttribute("aria-label", t("the_parts"));
  });
}
