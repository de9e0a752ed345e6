/** Slack's mrkdwn as elements. Source: docs.slack.dev/messaging/formatting-message-text. */

import { date } from "./dates.js";
import { el } from "./dom.js";
import { emoji, withEmoji } from "./emoji.js";
import { link } from "./links.js";
import { channel, here, nameOf } from "./store.js";

// A mark must not touch a word outside, and must touch text inside. A zero-width space makes it a plain character.
const TOUCHED = String.raw`(?:[^\s\u200b]|[^\s\u200b][^\n]*?[^\s\u200b])`;
const marked = (mark, name) => `(?<![\\w${mark}])[${mark}](?<${name}>${TOUCHED})[${mark}](?![\\w${mark}])`;
const INLINE = new RegExp(
  [
    String.raw`<(?<token>[^<>\n]+)>`,
    "(?<![\\w`])`(?<code>[^`\\n]+)`(?![\\w`])",
    marked("*", "bold"),
    String.raw`(?<![\w])_(?<italic>${TOUCHED})_(?![\w])`,
    marked("~", "strike"),
    String.raw`:(?<emoji>[a-z0-9_+'-]+):`,
    String.raw`(?<url>https?://[^\s<>|]+)`,
  ].join("|"),
  "gi",
);
const FENCE = /```\n?([\s\S]+?)\n?```/g;
const QUOTE = /^(?:>|&gt;) ?/;

/** Decodes entities, `&amp;` last, so that `&amp;lt;` becomes `&lt;`. */
export function unescape(text) {
  return text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
}

/** A text object: mrkdwn with its marks, plain_text without any. */
export function textObject(object) {
  if (!object) return [];
  if (object.type === "mrkdwn") return mrkdwn(object.text);
  return object.emoji === false ? [object.text] : withEmoji(object.text);
}

/** Paragraphs, quotes and preformatted text of a message or section. */
export function mrkdwn(source) {
  const nodes = [];
  let end = 0;
  for (const fence of source.matchAll(FENCE)) {
    nodes.push(...lines(source.slice(end, fence.index)));
    nodes.push(el("pre", { class: "mono-block", tabindex: "0" }, unescape(fence[1])));
    end = fence.index + fence[0].length;
  }
  return [...nodes, ...lines(source.slice(end))];
}

function lines(source) {
  const nodes = [];
  let quote = null;
  for (const [place, line] of source.split("\n").entries()) {
    if (QUOTE.test(line)) {
      if (!quote) nodes.push((quote = el("blockquote")));
      else quote.append(el("br"));
      quote.append(...inline(line.replace(QUOTE, "")));
    } else {
      if (place > 0 && !quote) nodes.push(el("br"));
      quote = null;
      nodes.push(...inline(line));
    }
  }
  return nodes;
}

/** One line with its marks. */
export function inline(source) {
  const nodes = [];
  let end = 0;
  for (const found of source.matchAll(INLINE)) {
    if (found.index > end) nodes.push(unescape(source.slice(end, found.index)));
    nodes.push(drawMatch(found.groups));
    end = found.index + found[0].length;
  }
  if (end < source.length) nodes.push(unescape(source.slice(end)));
  return nodes;
}

function drawMatch(groups) {
  if (groups.token !== undefined) return token(groups.token);
  if (groups.code !== undefined) return el("code", {}, unescape(groups.code));
  if (groups.bold !== undefined) return el("strong", {}, inline(groups.bold));
  if (groups.italic !== undefined) return el("em", {}, inline(groups.italic));
  if (groups.strike !== undefined) return el("s", {}, inline(groups.strike));
  if (groups.emoji !== undefined) return emoji(groups.emoji);
  return link(unescape(groups.url), unescape(groups.url));
}

/** The content between < and >: a mention, a date, a link. */
function token(inside) {
  const [target, ...rest] = inside.split("|");
  const label = unescape(rest.join("|"));
  if (target.startsWith("!date^")) return dateToken(target, label);
  if (target.startsWith("!")) return mention(`@${label || target.slice(1).split("^")[0]}`);
  if (target.startsWith("@")) return user(target.slice(1));
  if (target.startsWith("#")) return mention(`#${channel(target.slice(1))?.name ?? (label || target.slice(1))}`);
  return link(unescape(target), label || unescape(target));
}

function dateToken(target, fallback) {
  const [, timestamp, format, url] = target.split("^");
  const shown = date(timestamp, format ?? "", fallback);
  return url ? link(url, shown) : shown;
}

export function user(id) {
  return mention(`@${nameOf(id)}`, id === here.me);
}

export function mention(label, isMe = false) {
  return el("span", { class: isMe ? "mention mention-me" : "mention" }, label);
}
