/** The switch between the two panes of a narrow screen: the workspace, and behind the scenes. */

import { byId, el, fill } from "./dom.js";
import { icon } from "./icons.js";

const PANES = [
  ["chat", "Workspace", "chat"],
  ["behind", "Behind the scenes", "gauge"],
];

export function showPane(name) {
  document.body.dataset.pane = name;
  fill(byId("panes"), PANES.map((pane) => entry(pane, name)));
}

function entry([pane, label, sign], shown) {
  const props = { type: "button", class: "pane", "aria-current": pane === shown ? "page" : null, "data-focus": `pane-${pane}` };
  return el("button", { ...props, onclick: () => showPane(pane) }, icon(sign), label);
}
