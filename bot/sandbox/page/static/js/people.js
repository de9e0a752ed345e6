/** The choice of the current person. */

import { byId, el, fill } from "./dom.js";
import { switchPerson, here, on, world } from "./store.js";
import { unreadOf } from "./unread.js";
import { language, t } from "./language.js";

export function start() {
  on("everything people me unread", draw);
}

const labels = new Map(); // person's id -> label
let drawn = null; // what the labels were made of

function draw() {
  const made = JSON.stringify([language(), world.people.map(({ id, name, guest }) => [id, name, guest])]);
  if (made !== drawn) {
    drawn = made;
    labels.clear();
    for (const one of world.people) labels.set(one.id, label(one));
    fill(byId("people"), el("legend", {}, t("you_are")), [...labels.values()]);
  }
  for (const one of world.people) mark(labels.get(one.id), one);
}

function label(person) {
  return el(
    "label",
    { class: "person" },
    el("input", { type: "radio", name: "me", value: person.id, "data-focus": `me-${person.id}`, onchange: () => switchPerson(person.id) }),
    el("span", { class: "face" }, avatar(person.id, person.name), el("span", { class: "dot" })),
    el("span", { class: "person-name" }, person.name),
    person.guest && el("span", { class: "tag" }, t("guest")),
    el("span", { class: "unseen" }),
  );
}

/** Marks who is the current person, and how much each has to read. The label stays: somebody may be pressing it. */
function mark(node, person) {
  const unread = person.id === here.me ? 0 : unreadOf(person.id);
  const count = node.querySelector(".unseen");
  node.querySelector("input").checked = person.id === here.me;
  node.querySelector(".dot").hidden = unread === 0;
  count.hidden = unread === 0;
  count.textContent = unread > 0 ? `${unread} ${t("unread", { n: unread })}` : "";
}

const HUES = 6;

/** The first letter of a name in a colour. It is decoration: the name stands beside it. */
export function avatar(user, name) {
  if (user === world.app?.user) return el("img", { class: "avatar", src: "/static/icon.svg", alt: "", width: 36, height: 36 });
  const hue = Math.max(0, world.people.findIndex((one) => one.id === user)) % HUES;
  return el("span", { class: `avatar hue-${hue}`, "aria-hidden": "true" }, name.slice(0, 1));
}
