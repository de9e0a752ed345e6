/**
 * What looks wrong in a part of the page: texts that are cut or wider than their place, labels that wrap, codes of emoji that
 * are not drawn, blocks that the page cannot show, and text that is hard to read on its ground.
 *
 * Called with an element, returns a list of sentences. `isWide` says whether the screen is wide.
 */
(root, isWide) => {
  const flaws = [];
  const SLACK = 1.5; // pixels, for rounding
  const frame = root.getBoundingClientRect();
  const hidden = ".unseen, .emoji-sign, .message-more .message-head, [popover]";
  const shown = (node) => node.checkVisibility() && !node.closest(hidden);
  const said = (text) => JSON.stringify(text.trim().slice(0, 60));
  const measure = document.createElement("canvas").getContext("2d");

  /** The edges of the nearest part whose lines the text is in. */
  const blockOf = (node) => {
    while (/^(inline|contents)/.test(getComputedStyle(node).display)) node = node.parentElement;
    return node.getBoundingClientRect();
  };

  const width = (text, style) => {
    measure.font = `${style.fontWeight} ${style.fontSize} ${style.fontFamily}`;
    return measure.measureText(text).width;
  };

  // --- colours

  const parse = (colour) => {
    const rgb = colour.match(/^rgba?\((.*)\)$/)?.[1].split(/[,/ ]+/).filter(Boolean).map(Number);
    if (rgb) return rgb;
    const srgb = colour.match(/^color\(srgb (.*)\)$/)?.[1].split(/[/ ]+/).filter(Boolean).map(Number);
    return srgb ? [...srgb.slice(0, 3).map((one) => one * 255), srgb[3] ?? 1] : [0, 0, 0, 0];
  };
  const over = ([r, g, b, a = 1], [R, G, B]) => [r * a + R * (1 - a), g * a + G * (1 - a), b * a + B * (1 - a)];
  const ground = (node) => {
    const colour = parse(getComputedStyle(node).backgroundColor);
    if ((colour[3] ?? 1) === 1) return colour.slice(0, 3);
    return over(colour, node.parentElement ? ground(node.parentElement) : [255, 255, 255]);
  };
  const light = (rgb) => {
    const [r, g, b] = rgb.map((one) => (one / 255 <= 0.04045 ? one / 255 / 12.92 : ((one / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (one, other) => {
    const [low, high] = [light(one), light(other)].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  };

  // --- texts

  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const text = walker.currentNode;
    const parent = text.parentElement;
    if (!text.data.trim() || !shown(parent) || parent.closest("option")) continue;
    const range = document.createRange();
    range.selectNodeContents(text);
    const rects = [...range.getClientRects()];
    const place = blockOf(parent);
    const right = Math.min(place.right, frame.right) + SLACK;
    if (rects.some((one) => one.right > right || one.left < frame.left - SLACK)) flaws.push(`wider than its place: ${said(text.data)}`);
    for (let box = parent; box && box !== root.parentElement; box = box.parentElement) {
      const { overflowX, overflowY } = getComputedStyle(box);
      const at = box.getBoundingClientRect();
      if (overflowX !== "visible" && rects.some((one) => one.right > at.right + SLACK)) flaws.push(`cut at its side: ${said(text.data)}`);
      if (["auto", "scroll"].includes(overflowY)) break; // what is below comes into sight by scrolling
      if (["hidden", "clip"].includes(overflowY) && rects.some((one) => one.bottom > at.bottom + 4)) flaws.push(`cut below: ${said(text.data)}`);
    }
    if (!parent.closest("pre, code") && /(?<![\w:/]):[a-z][a-z0-9_+-]+:(?![\w:/])/.test(text.data)) flaws.push(`an emoji is not drawn: ${said(text.data)}`);
    const style = getComputedStyle(parent);
    const ratio = contrast(over(parse(style.color), ground(parent)), ground(parent));
    if (ratio < (parseFloat(style.fontSize) >= 18 ? 3 : 4.5)) flaws.push(`hard to read (${ratio.toFixed(1)}): ${said(text.data)}`);
  }

  // --- controls

  for (const one of root.querySelectorAll("button, input, select, textarea, .token, .picker")) {
    const at = one.getBoundingClientRect();
    if (shown(one) && (at.right > frame.right + SLACK || at.left < frame.left - SLACK)) flaws.push(`wider than its place: ${one.tagName} ${said(one.textContent || one.placeholder || "")}`);
  }
  for (const button of root.querySelectorAll("button.button, .tab, .token")) {
    if (!shown(button) || !button.textContent.trim()) continue;
    const range = document.createRange();
    range.selectNodeContents(button);
    const { lineHeight, fontSize } = getComputedStyle(button);
    const lines = Math.round(range.getBoundingClientRect().height / (parseFloat(lineHeight) || 1.3 * parseFloat(fontSize)));
    if (lines > (isWide ? 1 : 2)) flaws.push(`a label of ${lines} lines: ${said(button.textContent)}`);
  }
  for (const field of root.querySelectorAll("input, select, textarea[rows='1']")) {
    if (!shown(field)) continue;
    if (!isWide && field.matches(".blocks select")) continue; // on a phone Slack cuts the chosen option; the open menu shows it
    const style = getComputedStyle(field);
    const text = field.matches("select") ? (field.selectedOptions[0]?.textContent ?? "") : field.placeholder;
    const arrow = field.matches("select") ? 18 : 0; // what the browser draws at the end
    const room = field.clientWidth - parseFloat(style.paddingLeft) - Math.max(parseFloat(style.paddingRight), arrow);
    if (text && width(text, style) > room + SLACK) flaws.push(`cut in its field: ${said(text)}`);
  }
  for (const one of root.querySelectorAll(".unknown")) flaws.push(`not shown: ${said(one.textContent)}`);
  if (document.documentElement.scrollWidth > window.innerWidth) flaws.push("the page is wider than the screen");
  return [...new Set(flaws)];
}
