/** Slack's date tokens in the zone of this browser. Source: docs.slack.dev/messaging/formatting-message-text#date-formatting. */

import { el } from "./dom.js";
import { world } from "./store.js";
import { locale, t } from "./language.js";

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
  return (pretty && dayName(moment)) || new Intl.DateTimeFormat(locale(), format).format(moment);
}

/** Milliseconds since 1970, by the clock of the sandbox, which can be ahead of the machine's clock. */
const now = () => Date.now() + (world.parts?.clock_ahead ?? 0) * 1000;

function dayName(moment) {
  const days = Math.round((startOfDay(moment) - startOfDay(new Date(now()))) / DAY);
  return Math.abs(days) <= 1 ? new Intl.RelativeTimeFormat(locale(), { numeric: "auto" }).format(days, "day") : null;
}

function startOfDay(moment) {
  return new Date(moment.getFullYear(), moment.getMonth(), moment.getDate()).getTime();
}

function ago(moment) {
  const seconds = (moment.getTime() - now()) / 1000;
  const words = new Intl.RelativeTimeFormat(locale(), { numeric: "auto" });
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
  return new Intl.DateTimeFormat(locale(), FORMATS.time).format(new Date(seconds * 1000));
}

/** The day of a moment, as the line between two days says it: today, yesterday, or the date. */
export function dayTitle(seconds) {
  const moment = new Date(seconds * 1000);
  return dayName(moment) ?? new Intl.DateTimeFormat(locale(), { weekday: "long", month: "long", day: "numeric" }).format(moment);
}

export const isSameDay = (one, other) => startOfDay(new Date(one * 1000)) === startOfDay(new Date(other * 1000));

/** A duration in words, in its largest unit only. */
export function duration(seconds) {
  for (const [unit, length] of [["day", 86_400], ["hour", 3600], ["minute", 60]]) {
    const count = Math.round(seconds / length);
    if (count >= 1) return new Intl.NumberFormat(locale(), { style: "unit", unit, unitDisplay: "long" }).format(count);
  }
  return t("short_time");
}
