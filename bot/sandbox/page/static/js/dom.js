/** Elements, made without ever reading text as markup: strings become text nodes. */

const PROPERTIES = new Set(["value", "checked", "selected", "disabled", "hidden", "indeterminate", "tabIndex"]);

/**
 * One element. `on…` in `props` listens, `class` and `data` are what they say, the rest are attributes.
 * Props and children that are null, undefined or false are left out; lists of children are flattened.
 */
export function el(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value !== null && value !== undefined && value !== false) set(node, name, value);
  }
  node.append(...present(children));
  return node;
}

function set(node, name, value) {
  if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
  else if (name === "class") node.className = value;
  else if (name === "data") Object.assign(node.dataset, value);
  else if (PROPERTIES.has(name)) node[name] = value;
  else node.setAttribute(name, value === true ? "" : String(value));
}

function present(children) {
  return children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false);
}

export function text(value) {
  return document.createTextNode(value);
}

/** Puts other children into `node`. The focus stays on the element with the same `data-focus`, if it is still there. */
export function fill(node, ...children) {
  const kept = focusIn(node);
  node.replaceChildren(...present(children));
  restore(node, kept);
}

/** What has the focus inside `node`, by its name, and where the caret is. */
export function focusIn(node) {
  const active = document.activeElement;
  if (!active || !node.contains(active)) return null;
  const named = active.closest("[data-focus]");
  const hasCaret = typeof active.selectionStart === "number";
  return {
    name: named?.dataset.focus ?? null,
    caret: hasCaret ? [active.selectionStart, active.selectionEnd] : null,
  };
}

/** Gives the focus back. False if what had it is gone. */
export function restore(node, kept) {
  if (!kept) return true;
  const again = kept.name && [...node.querySelectorAll("[data-focus]")].find((one) => one.dataset.focus === kept.name);
  if (!again || again.disabled) return false;
  again.focus({ preventScroll: true });
  if (kept.caret && typeof again.setSelectionRange === "function") again.setSelectionRange(...kept.caret);
  return true;
}

/**
 * Remembers what has the focus. The answer gives the focus back, also to what was drawn in its place meanwhile;
 * false if there is nothing to give it to.
 */
export function keepFocus() {
  const before = document.activeElement;
  const name = before?.closest("[data-focus]")?.dataset.focus;
  return () => {
    if (!before?.isConnected) return restore(document, { name });
    before.focus({ preventScroll: true });
    return before !== document.body;
  };
}

export const byId = (id) => document.getElementById(id);

let count = 0;

/** An id that no other element of the page has. */
export function newId(prefix) {
  count += 1;
  return `${prefix}-${count}`;
}
