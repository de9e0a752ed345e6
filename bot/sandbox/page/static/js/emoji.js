/** Emoji codes as drawings or, in texts that take no drawing, as characters. An unknown code stays as its name between colons. */

import { el } from "./dom.js";
import { SHAPES } from "./emoji_shapes.js";

const SVG = "http://www.w3.org/2000/svg";

const SIGNS = {
  "+1": "👍", "-1": "👎", alarm_clock: "⏰", arrow_down: "⬇️", arrow_forward: "▶️", arrow_heading_down: "⤵️",
  arrow_heading_up: "⤴️", arrow_left: "⬅️", arrow_right: "➡️", arrow_right_hook: "↪️", arrow_up: "⬆️",
  arrows_counterclockwise: "🔄", ballot_box_with_check: "☑️", bangbang: "‼️", battery: "🔋", bell: "🔔",
  black_circle: "⚫", bomb: "💣", books: "📚", bricks: "🧱", bulb: "💡", bust_in_silhouette: "👤", busts_in_silhouette: "👥",
  calendar: "📅", chart_with_upwards_trend: "📈", clipboard: "📋", clock1: "🕐", closed_lock_with_key: "🔐", confused: "😕",
  construction: "🚧", credit_card: "💳", dash: "💨", door: "🚪", double_vertical_bar: "⏸️", electric_plug: "🔌",
  email: "✉️", envelope: "✉️", envelope_with_arrow: "📩", exclamation: "❗", eyes: "👀", fast_forward: "⏩",
  file_folder: "📁", fire: "🔥", gear: "⚙️", ghost: "👻", gift: "🎁", globe_with_meridians: "🌐", grey_exclamation: "❕",
  grey_question: "❔", grinning: "😀", hammer: "🔨", hammer_and_wrench: "🛠️", handshake: "🤝", heart: "❤️",
  heavy_check_mark: "✔️", heavy_exclamation_mark: "❗", heavy_minus_sign: "➖", heavy_multiplication_x: "✖️",
  heavy_plus_sign: "➕", hourglass: "⌛", hourglass_flowing_sand: "⏳", house: "🏠", id: "🆔", inbox_tray: "📥",
  incoming_envelope: "📨", information_source: "ℹ️", key: "🔑", keyboard: "⌨️", label: "🏷️", large_blue_circle: "🔵",
  large_blue_diamond: "🔷", large_brown_circle: "🟤", large_green_circle: "🟢", large_green_square: "🟩",
  large_orange_circle: "🟠", large_purple_circle: "🟣", large_red_square: "🟥", large_yellow_circle: "🟡",
  large_yellow_square: "🟨", leftwards_arrow_with_hook: "↩️", link: "🔗", lock: "🔒", loudspeaker: "📢", lying_face: "🤥",
  mag: "🔍", mag_right: "🔎", mailbox: "📫", mailbox_with_mail: "📬", mega: "📣", memo: "📝", mute: "🔇",
  negative_squared_cross_mark: "❎", neutral_face: "😐", newspaper: "📰", no_bell: "🔕", no_entry: "⛔",
  no_entry_sign: "🚫", no_mouth: "😶", octagonal_sign: "🛑", ok: "🆗", old_key: "🗝️", outbox_tray: "📤",
  page_facing_up: "📄", paperclip: "📎", partying_face: "🥳", pause_button: "⏸️", pencil2: "✏️", pizza: "🍕",
  point_right: "👉", pushpin: "📌", question: "❓", raised_hand: "✋", recycle: "♻️", red_circle: "🔴", repeat: "🔁",
  rewind: "⏪", rocket: "🚀", rolling_eyes: "🙄", rotating_light: "🚨", scroll: "📜", see_no_evil: "🙈", seedling: "🌱",
  shield: "🛡️", shushing_face: "🤫", skull: "💀", slightly_smiling_face: "🙂", small_blue_diamond: "🔹",
  small_orange_diamond: "🔸", smile: "😄", sparkles: "✨", speech_balloon: "💬", star: "⭐", stop_button: "⏹️",
  stopwatch: "⏱️", tada: "🎉", test_tube: "🧪", thinking_face: "🤔", thumbsdown: "👎", thumbsup: "👍",
  triangular_flag_on_post: "🚩", unlock: "🔓", up: "🆙", warning: "⚠️", wastebasket: "🗑️", wave: "👋", wavy_dash: "〰️",
  white_check_mark: "✅", white_circle: "⚪", wrench: "🔧", x: "❌", zap: "⚡", zzz: "💤",
};

/** The drawing of `:name:`, with a name for screen readers. The character in it is what a copied text has. */
export function emoji(name) {
  const sign = SIGNS[name.toLowerCase()];
  if (!sign) return `:${name}:`;
  return el(
    "span",
    { class: "emoji", role: "img", "aria-label": name.replaceAll("_", " ") },
    drawing(sign),
    el("span", { class: "emoji-sign" }, sign),
  );
}

function drawing(sign) {
  const image = document.createElementNS(SVG, "svg");
  image.setAttribute("viewBox", "0 0 32 32");
  image.setAttribute("aria-hidden", "true");
  for (const [fill, d, hasHoles] of SHAPES[sign]) {
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("fill", fill);
    path.setAttribute("d", d);
    if (hasHoles) path.setAttribute("fill-rule", "evenodd");
    image.append(path);
  }
  return image;
}

const CODE = /:([a-z0-9_+-]+):/gi;

/** Plain text with its emoji drawn: text and elements, for labels and titles. */
export function withEmoji(plain) {
  return plain.split(CODE).map((part, place) => (place % 2 === 1 ? emoji(part) : part));
}

/** Plain text with its emoji as characters, for placeholders and the options of a native menu. */
export function withSigns(plain) {
  return plain.replace(CODE, (code, name) => SIGNS[name.toLowerCase()] ?? code);
}
