/** What came while somebody looked elsewhere, for each person and conversation. */

import { here, on, sees, tell, world } from "./store.js";

const counts = new Map(); // "person conversation" -> how many

const keyOf = (user, place) => `${user} ${place}`;

export function start() {
  on("messages", (changed) => {
    for (const { message, before } of changed) if (message && !before) count(message);
    tell("unread");
  });
  on("me place everything", read);
  document.addEventListener("visibilitychange", read);
}

function count(message) {
  for (const { id } of world.people) {
    const isLooking = id === here.me && message.channel === here.place && here.tab === "messages" && !document.hidden;
    if (id === message.user || isLooking || !sees(id, message)) continue;
    const key = keyOf(id, message.channel);
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
}

function read() {
  if (document.hidden || here.tab !== "messages") return;
  if (counts.delete(keyOf(here.me, here.place))) tell("unread");
}

export function unreadIn(place, user = here.me) {
  return counts.get(keyOf(user, place)) ?? 0;
}

export function unreadOf(user) {
  return [...counts].filter(([key]) => key.startsWith(`${user} `)).reduce((sum, [, many]) => sum + many, 0);
}
