/**
 * Small dialogs over the whole page. The browser keeps the focus inside an open dialog and gives the focus back. If the
 * element was redrawn meanwhile, `keepFocus` gives the focus to the new one.
 */

import { el, keepFocus, newId } from "./dom.js";
import { icon } from "./icons.js";
import { t } from "./language.js";

/** Opens a dialog with a title and a close button. Returns a function that closes it. `onclose` is called however it ends. */
export function dialog(title, body, { kind = "", onclose = () => {} } = {}) {
  const id = newId("dialog");
  const giveBack = keepFocus();
  const box = el(
    "dialog",
    { class: `dialog ${kind}`, "aria-labelledby": id },
    el(
      "div",
      { class: "dialog-head" },
      el("h2", { id, tabindex: "-1" }, title),
      el("button", { type: "button", class: "quiet", "aria-label": t("close"), onclick: () => box.close() }, icon("close")),
    ),
    body,
  );
  box.addEventListener("close", () => {
    box.remove();
    if (document.activeElement === document.body) giveBack();
    onclose();
  });
  document.body.append(box);
  box.showModal();
  return () => box.close();
}
