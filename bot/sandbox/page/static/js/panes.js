/** The switch between the two panes of a narrow screen: the workspace, and behind the scenes. */

import { byId, el, fill } from "./dom.js";
import { icon } from "./icons.js";
import { t } from "./language.js";
import { on } from "./store.js";

const PANES = [
  ["chat", "pane_chat", "chat"],
  ["behind", "pane_behind", "gauge"],
];

export function start() {
  on("everything", () => showPane(document.body.dataset.pane));
}

export function showPane(name) {
  document.body.dataset.pane = name;
  fill(byId("panes"), PANES.map((pane) => entry(pane, name)));
}

function entry([pane, label, sign], shown) {
  const props = { type: "button", class: "pane", "aria-current": pane === shown ? "page" : null, "data-focus": `pane-${pane}` };
  return el("button", { ...props, onclick: () => showPane(pane) }, icon(sign), t(label));
}
