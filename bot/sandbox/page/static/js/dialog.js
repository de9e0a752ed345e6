/** Small dialogs over everything. The browser keeps the focus in them and gives it back, unless what had it was drawn anew. */

import { el, keepFocus, newId } from "./dom.js";
import { icon } from "./icons.js";
import { textObject } from "./mrkdwn.js";

/** Opens a dialog with a title and a way out; the answer closes it. `onclose` is called however it ends. */
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
      el("button", { type: "button", class: "quiet", "aria-label": "Close", onclick: () => box.close() }, icon("close")),
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

/** An app's own question before a button acts. Resolves to whether the person goes on. */
export function confirmed(question) {
  if (!question) return Promise.resolve(true);
  return new Promise((resolve) => {
    let answer = false;
    const decide = (is) => () => {
      answer = is;
      close();
    };
    const yes = question.style === "danger" ? "button danger" : "button primary";
    const body = el(
      "div",
      { class: "dialog-body" },
      el("div", { class: "dialog-text" }, textObject(question.text)),
      el(
        "div",
        { class: "dialog-foot" },
        el("button", { type: "button", class: "button", onclick: decide(false) }, textObject(question.deny ?? { text: "Cancel" })),
        el("button", { type: "button", class: yes, onclick: decide(true) }, textObject(question.confirm ?? { text: "Yes" })),
      ),
    );
    const title = question.title ? textObject(question.title) : "Are you sure?";
    const close = dialog(title, body, { kind: "dialog-small", onclose: () => resolve(answer) });
  });
}
