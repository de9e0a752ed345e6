/**
 * A field in which a person finds options by typing, for people, conversations and long lists. Each chosen option is a token
 * before the field. The pattern is that of a combobox with a list: w3.org/WAI/ARIA/apg/patterns/combobox.
 */

import { say } from "./announce.js";
import { el, newId } from "./dom.js";
import { float } from "./floating.js";
import { icon } from "./icons.js";
import { listed, t } from "./language.js";

/**
 * Makes the field. `groups` is a list of `{label, options}`, each option `{value, name, note, mark}`, where `mark()` makes the
 * picture beside the name. `chosen` are values. With `most` of 1 a new choice replaces the old one. `onchange(values)` is
 * called after each change; `props` are for the input.
 */
export function picker({ groups, chosen, most = Infinity, placeholder, props, onchange }) {
  const all = groups.flatMap((group) => group.options);
  const named = (value) => all.find((one) => one.value === value) ?? { value, name: value };
  const ids = { list: newId("options"), chosen: newId("chosen") };
  let values = [...chosen];
  let found = []; // the options in the open list
  let active = -1; // the place of the active one among them

  const input = el("input", {
    type: "text",
    class: "picker-text",
    role: "combobox",
    autocomplete: "off",
    spellcheck: "false",
    "aria-autocomplete": "list",
    "aria-expanded": "false",
    "aria-controls": ids.list,
    ...props,
    "aria-describedby": [ids.chosen, props["aria-describedby"]].filter(Boolean).join(" "),
    oninput: () => open(input.value !== ""),
    onclick: () => open(),
    onkeydown: onKeydown,
    onblur: close,
  });
  const list = el("div", { class: "options", role: "listbox", id: ids.list, popover: "manual", "aria-label": t("options_found", { n: all.length }) });
  const tokens = el("ul", { class: "tokens" });
  const said = el("span", { class: "unseen", id: ids.chosen });
  const box = el("div", { class: "picker", onclick: (event) => event.target === box && input.focus() }, tokens, input, said, list);
  drawTokens();
  return box;

  function drawTokens() {
    tokens.replaceChildren(...values.map(token));
    tokens.hidden = values.length === 0;
    input.placeholder = values.length === 0 ? placeholder : "";
    said.textContent = values.length === 0 ? "" : t("chosen", { names: listed(values.map((value) => named(value).name)) });
  }

  function token(value) {
    const { name, mark } = named(value);
    const remove = el(
      "button",
      { type: "button", class: "token-remove", "aria-label": t("remove", { name }), "data-focus": `${props["data-focus"]}/${value}`, onclick: () => drop(value) },
      icon("close"),
    );
    return el("li", { class: "token" }, mark?.(), el("span", { class: "token-name" }, name), remove);
  }

  // --- the list

  /** Opens the list, or narrows it down. Nothing is active before the person types or presses an arrow. */
  function open(isActive = false) {
    const typed = input.value.trim().replace(/^[@#]/, "").toLowerCase();
    const isFull = most > 1 && values.length >= most;
    const fits = (one) => !values.includes(one.value) && one.name.replace(/^[@#]/, "").toLowerCase().includes(typed);
    found = isFull ? [] : all.filter(fits);
    active = isActive && found.length > 0 ? 0 : -1;
    const rows = groups.flatMap((group) => {
      const inside = group.options.filter((one) => found.includes(one));
      return [group.label && inside.length > 0 && el("div", { class: "options-group", "aria-hidden": "true" }, group.label), ...inside.map(row)];
    });
    const none = el("div", { class: "options-none" }, t(isFull ? "no_more" : "nothing_found"));
    list.replaceChildren(...(found.length > 0 ? rows.filter(Boolean) : [none]));
    if (!list.matches(":popover-open")) list.showPopover(); // in the top layer, where no window cuts it off
    list.style.minWidth = `${box.offsetWidth}px`;
    float(list, box);
    input.setAttribute("aria-expanded", "true");
    for (const kind of ["resize", "scroll"]) window.addEventListener(kind, follow, true);
    show();
    say(found.length > 0 ? t("options_found", { n: found.length }) : none.textContent);
  }

  function close() {
    if (!list.matches(":popover-open")) return;
    list.hidePopover();
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
    for (const kind of ["resize", "scroll"]) window.removeEventListener(kind, follow, true);
  }

  function follow(event) {
    if (event.target !== list) float(list, box);
  }

  function row(one) {
    const choose = (event) => {
      event.preventDefault(); // the input keeps the focus
      add(one.value);
    };
    return el(
      "div",
      { class: "option", role: "option", id: `${ids.list}-${all.indexOf(one)}`, "aria-selected": "false", onpointerdown: choose },
      one.mark?.(),
      el("span", { class: "option-name" }, one.name),
      one.note && el("span", { class: "option-note" }, one.note),
    );
  }

  /** Shows which option is the active one. */
  function show() {
    for (const node of list.querySelectorAll("[role=option]")) node.setAttribute("aria-selected", "false");
    const node = active >= 0 && document.getElementById(`${ids.list}-${all.indexOf(found[active])}`);
    if (!node) return input.removeAttribute("aria-activedescendant");
    node.setAttribute("aria-selected", "true");
    node.scrollIntoView({ block: "nearest" });
    input.setAttribute("aria-activedescendant", node.id);
  }

  // --- choosing

  function add(value) {
    input.value = "";
    close();
    values = most === 1 ? [value] : [...values, value];
    say(t("was_chosen", { name: named(value).name }));
    drawTokens();
    onchange(values);
  }

  function drop(value) {
    close();
    values = values.filter((one) => one !== value);
    say(t("was_removed", { name: named(value).name }));
    drawTokens();
    input.focus();
    onchange(values);
  }

  function onKeydown(event) {
    if (event.isComposing || !handleKey(event.key)) return;
    event.preventDefault();
    event.stopPropagation(); // Escape closes the list, not the window
  }

  /** Returns true if the key was for the field. */
  function handleKey(key) {
    const isOpen = list.matches(":popover-open");
    if (key === "ArrowDown" || key === "ArrowUp") {
      if (!isOpen) open(true);
      else if (found.length > 0) active = (active + (key === "ArrowDown" ? 1 : -1) + found.length) % found.length;
      show();
    } else if (key === "Enter" && isOpen && active >= 0) add(found[active].value);
    else if (key === "Escape" && isOpen) close();
    else if (key === "Backspace" && input.value === "" && values.length > 0) drop(values.at(-1));
    else return false;
    return true;
  }
}
