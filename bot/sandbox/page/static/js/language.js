/** The page's own texts in the language that was chosen. What the app writes is shown as it is. */

import { de } from "./texts_de.js";
import { en } from "./texts_en.js";
import { fr } from "./texts_fr.js";
import { world } from "./store.js";

const TEXTS = { en, de, fr };

export const LANGUAGES = [
  { code: "en", locale: "en-GB", name: "English" },
  { code: "de", locale: "de-DE", name: "Deutsch" },
  { code: "fr", locale: "fr-FR", name: "Français" },
];

export const language = () => world.settings?.language ?? "en";

/** The locale of dates and numbers. */
export const locale = () => LANGUAGES.find((one) => one.code === language()).locale;

/** The text `name` with `{value}` filled in. A text with several forms takes the one for the number `n`. */
export function t(name, values = {}) {
  const found = TEXTS[language()][name];
  const text = typeof found === "string" ? found : (found[new Intl.PluralRules(locale()).select(values.n)] ?? found.other);
  return text.replaceAll(/\{(\w+)\}/g, (_, key) => values[key]);
}

const SLACK_SAYS = Object.entries(en)
  .filter(([name]) => name.startsWith("field_"))
  .map(([name, text]) => [name, new RegExp(`^${text.replace(".", "\\.").replace("{n}", "(?<n>\\d+)")}$`)]);

/** An error at a field: what the emulated Slack says, in the language of the page; what the app says, as it is. */
export function fieldError(text) {
  for (const [name, pattern] of SLACK_SAYS) {
    const found = pattern.exec(text);
    if (found) return t(name, found.groups);
  }
  return text;
}

/** A list in words, for example "ada, ben and cleo". */
export function listed(names) {
  return new Intl.ListFormat(locale()).format(names);
}
