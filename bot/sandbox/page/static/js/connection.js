/** Shows when the sandbox does not answer, and when it was restarted. */

import { toast } from "./announce.js";
import { byId } from "./dom.js";
import { on, world } from "./store.js";

export function start() {
  on("connection", draw);
  on("restarted", () => toast("The sandbox was started anew. What was here before is forgotten."));
}

function draw() {
  byId("lost").textContent = world.isConnected ? "" : "The sandbox does not answer. This page connects again as soon as it does.";
}
