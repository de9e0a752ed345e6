/** What stands in the place of something that this page does not know. It is never left out. */

import { el } from "./dom.js";
import { icon } from "./icons.js";

export function unknown(thing) {
  const kind = String(thing?.type ?? "something without a type");
  return el(
    "div",
    { class: "unknown", role: "note" },
    icon("alert"),
    el("span", {}, el("strong", {}, "This page cannot show "), el("code", {}, kind), "."),
  );
}
