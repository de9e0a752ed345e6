/** Emoji codes as characters. An unknown code stays as its name between colons. */

import { el } from "./dom.js";

const SIGNS = {
  "+1": "👍", "-1": "👎", alarm_clock: "⏰", arrow_right: "➡️", arrows_counterclockwise: "🔄", bell: "🔔",
  black_circle: "⚫", bomb: "💣", books: "📚", bulb: "💡", calendar: "📅", clipboard: "📋", clock1: "🕐",
  closed_lock_with_key: "🔐", dash: "💨", envelope: "✉️", exclamation: "❗", eyes: "👀", fire: "🔥", ghost: "👻",
  globe_with_meridians: "🌐", grey_exclamation: "❕", grey_question: "❔", hammer_and_wrench: "🛠️", heart: "❤️",
  heavy_check_mark: "✔️", hourglass: "⌛", hourglass_flowing_sand: "⏳", house: "🏠", inbox_tray: "📥",
  incoming_envelope: "📨", information_source: "ℹ️", key: "🔑", large_blue_circle: "🔵", large_green_circle: "🟢",
  large_orange_circle: "🟠", large_yellow_circle: "🟡", link: "🔗", lock: "🔒", mag: "🔍", mailbox: "📫",
  mailbox_with_mail: "📬", memo: "📝", mute: "🔇", no_bell: "🔕", no_entry: "⛔", no_entry_sign: "🚫",
  octagonal_sign: "🛑", old_key: "🗝️", outbox_tray: "📤", page_facing_up: "📄", partying_face: "🥳", paperclip: "📎",
  point_right: "👉", pushpin: "📌", question: "❓", raised_hand: "✋", recycle: "♻️", red_circle: "🔴",
  repeat: "🔁", rocket: "🚀", rotating_light: "🚨", see_no_evil: "🙈", shield: "🛡️", shushing_face: "🤫",
  skull: "💀", slightly_smiling_face: "🙂", smile: "😄", sparkles: "✨", speech_balloon: "💬", star: "⭐",
  stopwatch: "⏱️", tada: "🎉", thinking_face: "🤔", thumbsup: "👍", thumbsdown: "👎", unlock: "🔓", warning: "⚠️",
  wastebasket: "🗑️", wave: "👋", white_check_mark: "✅", white_circle: "⚪", wrench: "🔧", x: "❌", zap: "⚡",
};

/** The character of `:name:`, with a name for screen readers. */
export function emoji(name) {
  const sign = SIGNS[name.toLowerCase()];
  if (!sign) return `:${name}:`;
  return el("span", { class: "emoji", role: "img", "aria-label": name.replaceAll("_", " ") }, sign);
}

/** Replaces emoji codes in plain text, for titles, options and buttons. */
export function withSigns(plain) {
  return plain.replace(/:([a-z0-9_+-]+):/gi, (code, name) => SIGNS[name.toLowerCase()] ?? code);
}
