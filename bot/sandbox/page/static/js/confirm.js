/** The question of an app before one of its buttons acts. Source: docs.slack.dev/reference/block-kit/composition-objects/confirmation-dialog-object. */

import { dialog } from "./dialog.js";
import { el } from "./dom.js";
import { textObject } from "./mrkdwn.js";
import { t } from "./language.js";

/** Shows the confirm object of an element, if it has one. Resolves to true when the person goes on. */
export function confirm(question) {
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
        el("button", { type: "button", class: "button", onclick: decide(false) }, textObject(question.deny ?? { text: t("cancel") })),
        el("button", { type: "button", class: yes, onclick: decide(true) }, textObject(question.confirm ?? { text: t("yes") })),
      ),
    );
    const title = question.title ? textObject(question.title) : t("sure");
    const close = dialog(title, body, { kind: "dialog-small", onclose: () => resolve(answer) });
  });
}
