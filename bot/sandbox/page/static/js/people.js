/** The choice of the current person. */

import { byId, el, fill } from "./dom.js";
import { switchPerson, here, on, world } from "./store.js";
import { unreadOf } from "./unread.js";
import { t } from "./language.js";

export function start() {
  on("everything people me unread", draw);
}

function draw() {
  fill(byId("people"), el("legend", {}, t("you_are")), world.people.map(radio));
}

function radio(person) {
  const unread = person.id === here.me ? 0 : unreadOf(person.id);
  return el(
    "label",
    { class: "person" },
    el("input", {
      type: "radio",
      name: "me",
      value: person.id,
      checked: person.id === here.me,
      "data-focus": `me-${person.id}`,
      onchange: () => switchPerson(person.id),
    }),
    el("span", { class: "face" }, avatar(person.id, person.name), unread > 0 && el("span", { class: "dot" })),
    el("span", { class: "person-name" }, person.name),
    person.guest && el("span", { class: "tag" }, t("guest")),
    unread > 0 && el("span", { class: "unseen" }, `${unread} ${t("unread", { n: unread })}`),
  );
}

const HUES = 6;

/** The first letter of a name in a colour. It is decoration: the name stands beside it. */
export function avatar(user, name) {
  if (user === world.app?.user) return el("img", { class: "avatar", src: "/static/icon.svg", alt: "", width: 36, height: 36 });
  const hue = Math.max(0, world.people.findIndex((one) => one.id === user)) % HUES;
  return el("span", { class: `avatar hue-${hue}`, "aria-hidden": "true" }, name.slice(0, 1));
}
