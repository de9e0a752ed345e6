/** Places what floats over the page, such as a menu. */

const GAP = 4; // pixels

/** Places `box` under `anchor`, or above it if there is no room below, and inside the screen. */
export function float(box, anchor) {
  const at = anchor.getBoundingClientRect();
  const { width, height } = box.getBoundingClientRect();
  const isBelow = at.bottom + GAP + height <= window.innerHeight || at.top < height + GAP;
  box.style.top = `${Math.max(GAP, isBelow ? Math.min(at.bottom + GAP, window.innerHeight - height - GAP) : at.top - GAP - height)}px`;
  const left = at.left + width <= window.innerWidth ? at.left : at.right - width;
  box.style.left = `${Math.max(GAP, left)}px`;
}
