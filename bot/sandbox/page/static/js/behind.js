/** The region "behind the scenes": the parts and their controls, the secrets, the calls. */

import { byId, el, fill } from "./dom.js";
import * as calls from "./calls.js";
import * as parts from "./parts.js";
import * as secrets from "./secrets.js";
import { showPane } from "./panes.js";

export function start() {
  fill(
    byId("behind"),
    el("h2", { class: "unseen" }, "Behind the scenes"),
    el("section", { class: "card parts", id: "parts", "aria-label": "The parts" }),
    el("section", { class: "card secrets", id: "secrets", "aria-labelledby": "secrets-title" }),
    el("section", { class: "card calls", id: "calls", "aria-labelledby": "calls-title" }),
  );
  parts.start();
  secrets.start();
  calls.start();
  showPane("chat");
}
