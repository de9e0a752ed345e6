/** A menu that opens under its button: arrows move, Escape and a click elsewhere close it. */

import { el } from "./dom.js";
import { float } from "./floating.js";

let close = () => {};

/**
 * A button with a menu. `items()` is called when the menu opens and returns `{label, note, pick}` objects; `props` are for
 * the button. In the page the menu follows its button, so that screen readers read it there.
 */
export function menuButton(props, content, items) {
  const button = el(
    "button",
    { type: "button", ...props, "aria-haspopup": "menu", "aria-expanded": "false", onclick: () => toggle(button, items) },
    content,
  );
  return el("span", { class: "menu-anchor" }, button);
}

function toggle(button, items) {
  const wasOpen = button.getAttribute("aria-expanded") === "true";
  close();
  if (!wasOpen) open(button, items());
}

function open(button, items) {
  const menu = el(
    "div",
    { class: "menu", role: "menu", popover: "manual", "aria-label": button.getAttribute("aria-label") ?? button.textContent },
    items.map((item) => entry(item)),
  );
  menu.addEventListener("keydown", (event) => move(event, menu));
  button.setAttribute("aria-expanded", "true");
  button.parentElement.append(menu);
  menu.showPopover(); // in the top layer, where no scrolling list cuts it off
  float(menu, button);
  const elsewhere = (event) => !button.parentElement.contains(event.target) && close();
  const listened = ["pointerdown", "scroll", "resize"];
  listened.forEach((kind) => window.addEventListener(kind, elsewhere, true));
  close = () => {
    listened.forEach((kind) => window.removeEventListener(kind, elsewhere, true));
    button.setAttribute("aria-expanded", "false");
    menu.remove();
    close = () => {};
  };
  menu.addEventListener("close-menu", () => {
    close();
    button.focus();
  });
  menu.querySelector("[role=menuitem]")?.focus();
}

function entry({ label, note, pick }) {
  const item = el(
    "button",
    { type: "button", role: "menuitem", tabindex: "-1" },
    el("span", { class: "menu-label" }, label),
    note && el("span", { class: "menu-note" }, note),
  );
  item.addEventListener("click", () => {
    item.dispatchEvent(new Event("close-menu", { bubbles: true }));
    pick();
  });
  return item;
}

function move(event, menu) {
  const items = [...menu.querySelectorAll("[role=menuitem]")];
  const at = items.indexOf(document.activeElement);
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: items.length - 1 }[event.key];
  if (to !== undefined) items[(to + items.length) % items.length].focus();
  else if (event.key === "Escape") menu.dispatchEvent(new Event("close-menu"));
  else if (event.key === "Tab") close();
  else return;
  if (event.key !== "Tab") event.preventDefault();
  event.stopPropagation();
}
