/** Links. Only those to the emulated Onetime Secret can be opened, in the browser of a stranger. */

import { el } from "./dom.js";
import { openInBrowser } from "./outsider.js";
import { world } from "./store.js";
import { t } from "./language.js";

/** A link; `label` is text or an element. */
export function link(url, label) {
  if (isOurs(url)) {
    return el("button", { type: "button", class: "link", title: url, onclick: () => openInBrowser(url) }, label);
  }
  return el("span", { class: "link link-dead", title: t("leads_nowhere", { url }) }, label);
}

/** Whether the link leads to the emulated Onetime Secret. */
export function isOurs(url) {
  return Boolean(world.parts?.onetime.url) && url.startsWith(`${world.parts.onetime.url}/`);
}
