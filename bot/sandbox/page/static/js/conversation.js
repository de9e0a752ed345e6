/** The open conversation: its head and tabs, the messages or the Home tab, the composer. */

import { byId, el, fill } from "./dom.js";
import { composer, focusComposer } from "./composer.js";
import { act } from "./feed.js";
import { home } from "./home.js";
import { icon } from "./icons.js";
import { messageList } from "./messages.js";
import { placeName } from "./places.js";
import { channel, switchPlace, here, isDirect, nameOf, on, world } from "./store.js";
import { report } from "./announce.js";
import { listed, t } from "./language.js";

let homeShownTo = null;

export function start() {
  on("restarted", () => (homeShownTo = null)); // the restarted app does not know that the Home tab is open
  on("everything me place channels people", draw);
  on("place", () => focusComposer());
}

function draw() {
  const place = channel(here.place);
  if (!place) return;
  const main = byId("conversation");
  main.setAttribute("aria-label", isDirect(place) ? placeName(place) : t("channel", { name: place.name }));
  const isHome = here.tab === "home" && isDirect(place) && world.app.has_home;
  reportHome(isHome);
  fill(main, head(place, isHome), isHome ? home() : [messageList(place), footer(place)]);
  const list = main.querySelector(".messages");
  if (list) list.scrollTop = list.scrollHeight;
}

/** Reports to the server when a person opens or leaves the Home tab. */
async function reportHome(isHome) {
  const now = isHome ? here.me : null;
  const before = homeShownTo;
  if (now === before) return;
  homeShownTo = now;
  if (before) await act(before, { do: "home", is_open: false });
  if (now) report(await act(now, { do: "home" }));
}

function head(place, isHome) {
  const title = el("h2", { class: "conversation-title" }, isDirect(place) ? null : icon("hash"), placeName(place));
  if (isDirect(place)) return el("div", { class: "conversation-head" }, title, el("span", { class: "tag" }, t("app")), tabs(place, isHome));
  const members = listed(place.members.map(nameOf));
  return el("div", { class: "conversation-head" }, title, el("p", { class: "conversation-about" }, members));
}

function tabs(place, isHome) {
  if (!world.app.has_home) return null;
  const tab = (name, label, isOn) =>
    el(
      "button",
      { type: "button", class: "tab", "aria-current": isOn ? "page" : null, "data-focus": `tab-${name}`, onclick: () => switchPlace(place.id, name) },
      icon(name === "home" ? "home" : "chat"),
      label,
    );
  return el("div", { class: "tabs" }, tab("home", t("home"), isHome), tab("messages", t("messages"), !isHome));
}

/** The composer, or the reason why there is none. */
function footer(place) {
  if (isDirect(place) && world.app.is_read_only) {
    return el("p", { class: "composer-off" }, t("read_only", { app: world.app.name }));
  }
  return composer(place);
}
