/**
 * The modals of the current person. The one on top is shown over the workspace.
 *
 * The "behind the scenes" region stays in reach of the mouse while a modal is open: a person can watch the calls there,
 * or make something fail. The keyboard stays in the modal until the person presses F6.
 */

import { report, say } from "./announce.js";
import { blocks } from "./blocks.js";
import { byId, el, fill, keepFocus } from "./dom.js";
import { act } from "./feed.js";
import { icon } from "./icons.js";
import { fieldError, language, t } from "./language.js";
import { fieldsOf, forget, makeScene } from "./scene.js";
import { here, on, windowOnTop, world } from "./store.js";

const TABBABLE = "button, input, select, textarea, [tabindex='0']";

let shown = null; // {now, id} of the view as it was drawn last; null while no window is open
let giveBack = () => false; // gives the focus to the element that had it before the window opened

export function start() {
  on("everything stacks me", draw);
  document.addEventListener("keydown", onKeydown);
}

function draw() {
  const view = windowOnTop();
  const stage = byId("stage");
  if (view && !shown) giveBack = keepFocus(); // before the workspace becomes inert, which takes the focus away
  byId("workspace").inert = view !== null;
  stage.hidden = view === null;
  document.body.classList.toggle("has-window", view !== null);
  if (!view) return hide(stage);
  const now = JSON.stringify([here.me, language(), view]);
  if (now === shown?.now) return;
  const isNew = shown?.id !== view.id;
  forgetClosed();
  shown = { now, id: view.id };
  show(stage, view, isNew);
}

function hide(stage) {
  if (!shown) return;
  forgetClosed();
  shown = null;
  stage.replaceChildren();
  if (!giveBack()) byId("composer-text")?.focus({ preventScroll: true });
}

/** Forgets what was typed into the window, once the window is closed. */
function forgetClosed() {
  const open = Object.values(world.stacks).flat();
  if (shown && !open.some((one) => one.id === shown.id)) forget(shown.id);
}

function show(stage, view, isNew) {
  const box = windowBox(view);
  const body = stage.querySelector(".window-body");
  const scrolled = isNew ? 0 : (body?.scrollTop ?? 0);
  const hadField = !isNew && stage.querySelector("[data-first]") !== null;
  fill(stage, box);
  stage.querySelector(".window-body").scrollTop = scrolled;
  const error = box.querySelector(".field-error");
  const wrong = error?.closest(".block-input");
  // A window can start without fields ("One moment…"). When its fields come, the first one takes the focus.
  const first = hadField ? box : (box.querySelector("[data-first]") ?? box);
  if (wrong && !isNew) showError(wrong);
  else if (isNew || !stage.contains(document.activeElement)) first.focus({ preventScroll: true });
  if (!isNew) say(wrong ? Object.values(view.errors).map(fieldError).join(". ") : box.querySelector(".window-body").innerText);
}

/** Scrolls a field with its error into sight, and gives it the focus. */
function showError(field) {
  field.querySelector("[aria-invalid=true], input, select, textarea")?.focus({ preventScroll: true });
  field.scrollIntoView({ block: "center" });
}

function windowBox(view) {
  const stack = world.stacks[here.me];
  const scene = makeScene({ view: view.id }, { values: view.values, errors: view.errors, redraw });
  const body = el("div", { class: "window-body blocks" }, blocks(view.blocks, scene));
  body.querySelector("input:not([type=radio], [type=checkbox]), textarea, select")?.setAttribute("data-first", "");
  return el(
    "div",
    { class: "window", role: "dialog", "aria-modal": "true", "aria-labelledby": "window-title", tabindex: "-1", id: "window", data: { view: view.id } },
    el(
      "div",
      { class: "window-head" },
      el("img", { src: "/static/icon.svg", alt: "", width: 24, height: 24 }),
      el("h2", { id: "window-title" }, view.title),
      el("p", { class: "unseen" }, t("window_keys")),
      stack.length > 1 && el("span", { class: "window-depth" }, t("window_depth", { n: stack.length })),
      el("button", { type: "button", class: "quiet", "aria-label": t("close"), "data-focus": "window-x", onclick: () => close(view, true) }, icon("close")),
    ),
    el("form", { class: "window-form", novalidate: true, onsubmit: (event) => submit(event, view) }, body, footer(view)),
  );
}

function footer(view) {
  return el(
    "div",
    { class: "window-foot" },
    el("button", { type: "button", class: "button", "data-focus": "window-close", onclick: () => close(view, false) }, view.close || t("cancel")),
    view.submit && el("button", { type: "submit", class: "button primary", "data-focus": "window-submit" }, view.submit),
  );
}

function redraw() {
  shown = { ...shown, now: null };
  draw();
}

async function submit(event, view) {
  event.preventDefault();
  const button = event.target.querySelector("[type=submit]");
  if (!button || button.getAttribute("aria-busy")) return;
  button.setAttribute("aria-busy", "true");
  report(await act(here.me, { do: "submit", view: view.id, fields: fieldsOf(view.id) }));
  button.removeAttribute("aria-busy");
}

async function close(view, all) {
  report(await act(here.me, { do: "close", view: view.id, fields: fieldsOf(view.id), all }));
}

// --- keys

function onKeydown(event) {
  const box = byId("window");
  if (!box || document.querySelector("dialog[open]")) return;
  if (event.key === "F6") return switchRegion(event, box);
  if (!box.contains(document.activeElement)) return;
  if (event.key === "Escape") {
    event.preventDefault();
    close(windowOnTop(), false);
  } else if (event.key === "Tab") {
    trapTab(event, box);
  }
}

function switchRegion(event, box) {
  event.preventDefault();
  const isInside = box.contains(document.activeElement);
  (isInside ? byId("behind").querySelector(TABBABLE) : (box.querySelector("[data-first]") ?? box)).focus();
}

function trapTab(event, box) {
  const all = [...box.querySelectorAll(TABBABLE)].filter((one) => !one.disabled && one.tabIndex >= 0 && one.offsetParent);
  const [first, last] = [all[0], all.at(-1)];
  const at = document.activeElement;
  if (event.shiftKey && (at === first || at === box)) {
    event.preventDefault();
    last.focus();
  } else if (!event.shiftKey && at === last) {
    event.preventDefault();
    first.focus();
  }
}
