/** What menus and pickers offer: their own options, people, conversations. */

import { withSigns } from "./emoji.js";
import { t } from "./language.js";
import { avatar } from "./people.js";
import { here, isDirect, places, world } from "./store.js";

/** The options of an element in groups: `{label, options}`, each option `{value, label, note}`. */
export function optionGroups(one) {
  const groups = one.option_groups ?? [{ options: one.options ?? [] }];
  return groups.map((group) => ({
    label: group.label?.text,
    options: group.options.map((option) => ({ value: option.value, label: option.text, note: option.description })),
  }));
}

/** The options of a picker in groups, as picker.js takes them. */
export function pickerGroups(one) {
  if (one.type.includes("users_select")) return [{ options: world.people.map(personOption) }];
  if (one.type === "multi_static_select") {
    const option = ({ value, label, note }) => ({ value, name: withSigns(label.text), note: note && withSigns(note.text) });
    return optionGroups(one).map(({ label, options }) => ({ label, options: options.map(option) }));
  }
  return [{ options: places().filter((place) => isOffered(place, one)).map(placeOption) }];
}

const personOption = (person) => ({
  value: person.id,
  name: person.name,
  note: person.id === here.me ? t("you") : person.guest ? t("guest") : null,
  mark: () => avatar(person.id, person.name),
});

const placeOption = (place) => ({
  value: place.id,
  name: isDirect(place) ? world.app.name : `#${place.name}`,
  note: isDirect(place) ? t("app") : null,
  mark: isDirect(place) ? () => avatar(world.app.user, world.app.name) : null,
});

/** Whether a menu of conversations or channels offers this one. The server refuses what is not offered, too. */
function isOffered(place, one) {
  if (one.type.includes("channels_select")) return place.kind === "public";
  const filter = one.filter ?? {};
  if (filter.include && !filter.include.includes(place.kind)) return false;
  if (filter.exclude_bot_users && isDirect(place)) return false;
  return !(filter.exclude_external_shared_channels && place.is_shared);
}
