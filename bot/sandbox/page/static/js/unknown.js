/** A note in the place of a block or element that this page does not know, because a missing block would go unnoticed. */

import { el } from "./dom.js";
import { icon } from "./icons.js";
import { t } from "./language.js";

export function unknown(thing) {
  const kind = String(thing?.type ?? "something without a type");
  return el(
    "div",
    { class: "unknown", role: "note" },
    icon("alert"),
    el("span", {}, t("unknown", { kind })),
  );
}
