/** Suggestions for the message field, from the commands in the app's manifest and the names in the workspace. */

import { places, isDirect, world } from "./store.js";
import { t } from "./language.js";

const MAX_SUGGESTIONS = 12;

/** The alternatives of a usage hint, which | separates. `written` is the part before the first <, [, @ or #. */
export function parseHint(hint) {
  return hint
    .split("|")
    .map((way) => way.trim())
    .filter(Boolean)
    .map((way) => ({ way, written: way.split(/[<[@#]/)[0].trim() }));
}

/** Suggestions for the text before the caret: `{label, hint, note, text}`, where `text` replaces the text before the caret. */
export function suggestionsFor(before) {
  const found = before.startsWith("/") ? commands(before) : [];
  return (found.length > 0 ? found : names(before)).slice(0, MAX_SUGGESTIONS);
}

function commands(before) {
  const [name, ...rest] = before.split(" ");
  if (rest.length === 0) {
    return world.app.commands
      .filter((one) => one.command.startsWith(name) && one.command !== before)
      .map((one) => ({ label: one.command, hint: one.hint, note: one.description, text: `${one.command} ` }));
  }
  const command = world.app.commands.find((one) => one.command === name);
  if (!command || rest.length > 1) return [];
  return parseHint(command.hint)
    .filter(({ written }) => written.startsWith(rest[0]) && written !== rest[0])
    .map(({ way, written }) => ({ label: `${name} ${written}`, hint: way.slice(written.length).trim(), text: `${name} ${written}${way === written ? "" : " "}` }));
}

function names(before) {
  const word = before.match(/(?:^|\s)([@#])([\w.-]*)$/);
  if (!word) return [];
  const [, sign, begun] = word;
  const known = sign === "@" ? world.people : places().filter((one) => !isDirect(one));
  const start = before.slice(0, before.length - begun.length);
  return known
    .filter((one) => one.name.startsWith(begun.toLowerCase()) && one.name !== begun)
    .map((one) => ({ label: `${sign}${one.name}`, note: one.guest ? t("guest") : "", text: `${start}${one.name} ` }));
}
