/** Makes elements. Text is never parsed as markup: strings become text nodes. */

const PROPERTIES = new Set(["value", "checked", "selected", "disabled", "hidden", "indeterminate", "tabIndex"]);

/**
 * Makes one element. In `props`, names with `on` are listeners, `class` is the class, `data` the dataset; the others are
 * properties or attributes. Null, undefined and false are left out; lists of children are flattened.
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

/** Replaces the children of `node`. The focus moves to the new element with the same `data-focus`, if there is one. */
export function fill(node, ...children) {
  const kept = focusIn(node);
  node.replaceChildren(...present(children));
  restore(node, kept);
}

/** The `data-focus` of the element inside `node` that has the focus, and the position of the caret. */
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

/** Gives the focus back after a redraw. Returns false if the element does not exist any more. */
export function restore(node, kept) {
  if (!kept) return true;
  const again = kept.name && [...node.querySelectorAll("[data-focus]")].find((one) => one.dataset.focus === kept.name);
  if (!again || again.disabled) return false;
  again.focus({ preventScroll: true });
  if (kept.caret && typeof again.setSelectionRange === "function") again.setSelectionRange(...kept.caret);
  return true;
}

/**
 * Remembers the element that has the focus. Returns a function that gives the focus back to that element or, if the element
 * was redrawn, to the one with the same `data-focus`. The function returns false if there is no such element.
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
