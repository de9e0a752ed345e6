/** The unread messages of each person and conversation. */

import { here, on, isVisibleTo, publish, world } from "./store.js";

const unread = new Map(); // "person conversation" -> keys of messages

const keyOf = (user, place) => `${user} ${place}`;

export function start() {
  on("messages", (changed) => {
    for (const { message, before } of changed) if (message && !before) markUnread(message);
    publish("unread");
  });
  on("restarted", () => unread.clear());
  on("me place everything", markRead);
  document.addEventListener("visibilitychange", markRead);
}

function markUnread(message) {
  for (const { id } of world.people) {
    const isLooking = id === here.me && message.channel === here.place && here.tab === "messages" && !document.hidden;
    if (id === message.user || isLooking || !isVisibleTo(id, message)) continue;
    const key = keyOf(id, message.channel);
    if (!unread.has(key)) unread.set(key, new Set());
    unread.get(key).add(message.key);
  }
}

function markRead() {
  if (document.hidden || here.tab !== "messages") return;
  if (unread.delete(keyOf(here.me, here.place))) publish("unread");
}

export function unreadIn(place, user = here.me) {
  return [...(unread.get(keyOf(user, place)) ?? [])].filter((key) => world.messages.has(key)).length;
}

export function unreadOf(user) {
  return world.channels.reduce((sum, place) => sum + unreadIn(place.id, user), 0);
}
