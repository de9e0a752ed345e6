/** Slack's date tokens in the zone of this browser. Source: docs.slack.dev/messaging/formatting-message-text#date-formatting. */

import { el } from "./dom.js";
import { world } from "./store.js";

const DAY = 86_400_000; // milliseconds

const FORMATS = {
  date_num: { year: "numeric", month: "2-digit", day: "2-digit" },
  date: { year: "numeric", month: "long", day: "numeric" },
  date_short: { year: "numeric", month: "short", day: "numeric" },
  date_long: { weekday: "long", year: "numeric", month: "long", day: "numeric" },
  time: { hour: "2-digit", minute: "2-digit" },
  time_secs: { hour: "2-digit", minute: "2-digit", second: "2-digit" },
};

/** One `{token}` of a format as text; null for an unknown token. */
function formatToken(token, moment) {
  if (token === "ago") return ago(moment);
  const pretty = token.endsWith("_pretty");
  const format = FORMATS[pretty ? token.slice(0, -"_pretty".length) : token];
  if (!format) return null;
  return (pretty && dayName(moment)) || new Intl.DateTimeFormat("en-GB", format).format(moment);
}

/** Milliseconds since 1970, by the clock of the sandbox, which can be ahead of the machine's clock. */
const now = () => Date.now() + (world.parts?.clock_ahead ?? 0) * 1000;

function dayName(moment) {
  const days = Math.round((startOfDay(moment) - startOfDay(new Date(now()))) / DAY);
  return { "-1": "yesterday", 0: "today", 1: "tomorrow" }[days] ?? null;
}

function startOfDay(moment) {
  return new Date(moment.getFullYear(), moment.getMonth(), moment.getDate()).getTime();
}

function ago(moment) {
  const seconds = (moment.getTime() - now()) / 1000;
  const words = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
  for (const [unit, length] of [["day", 86_400], ["hour", 3600], ["minute", 60]]) {
    if (Math.abs(seconds) >= length) return words.format(Math.round(seconds / length), unit);
  }
  return words.format(Math.round(seconds), "second");
}

/** A time in a format of Slack; the fallback if the time or the format is invalid. */
export function date(timestamp, format, fallback) {
  const moment = new Date(Number(timestamp) * 1000);
  if (Number.isNaN(moment.getTime())) return fallback;
  let isKnown = true;
  const shown = format.replace(/\{(\w+)\}/g, (whole, token) => {
    const said = formatToken(token, moment);
    isKnown &&= said !== null;
    return said ?? whole;
  });
  return el("time", { datetime: moment.toISOString(), title: fallback }, isKnown ? shown : fallback);
}

/** The time of day. */
export function timeOfDay(seconds) {
  return new Intl.DateTimeFormat("en-GB", FORMATS.time).format(new Date(seconds * 1000));
}

/** A duration in words, in its largest unit only. */
export function duration(seconds) {
  for (const [unit, length] of [["day", 86_400], ["hour", 3600], ["minute", 60]]) {
    const count = Math.round(seconds / length);
    if (count >= 1) return `${count} ${unit}${count === 1 ? "" : "s"}`;
  }
  return "less than a minute";
}
