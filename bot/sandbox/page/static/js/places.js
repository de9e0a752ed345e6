/** The list of conversations of the current person. */

import { byId, el, fill } from "./dom.js";
import { icon } from "./icons.js";
import { avatar } from "./people.js";
import { switchPlace, here, isDirect, nameOf, on, places, world } from "./store.js";
import { unreadIn } from "./unread.js";
import { t } from "./language.js";

export function start() {
  on("everything channels me place unread", draw);
}

function draw() {
  const mine = places();
  byId("places").setAttribute("aria-label", t("conversations"));
  fill(
    byId("places"),
    group(t("channels"), mine.filter((one) => !isDirect(one))),
    group(t("apps"), mine.filter(isDirect)),
    el("p", { class: "places-note" }, t("made_up")),
  );
}

function group(title, list) {
  return el("div", { class: "places-group" }, el("h2", {}, title), el("ul", {}, list.map((one) => el("li", {}, entry(one)))));
}

export function placeName(place) {
  return isDirect(place) ? nameOf(world.app.user) : place.name;
}

function entry(place) {
  const unread = unreadIn(place.id);
  const isHere = place.id === here.place;
  return el(
    "button",
    {
      type: "button",
      class: unread > 0 ? "place place-unread" : "place",
      "aria-current": isHere ? "page" : null,
      "data-focus": `place-${place.id}`,
      onclick: () => switchPlace(place.id),
    },
    isDirect(place) ? avatar(world.app.user, world.app.name) : icon("hash"),
    el("span", { class: "place-name" }, placeName(place)),
    unread > 0 && el("span", { class: "badge" }, String(unread), el("span", { class: "unseen" }, ` ${t("unread", { n: unread })}`)),
  );
}
