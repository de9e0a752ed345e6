/** Shows when the sandbox does not answer, and when it was restarted. */

import { toast } from "./announce.js";
import { byId } from "./dom.js";
import { on, world } from "./store.js";
import { t } from "./language.js";

export function start() {
  on("connection everything", draw);
  on("restarted", () => toast(t("restarted")));
}

function draw() {
  byId("lost").textContent = world.isConnected ? "" : t("lost");
}
