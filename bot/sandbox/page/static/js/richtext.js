/** The rich_text block. Source: docs.slack.dev/reference/block-kit/blocks/rich-text-block. */

import { date } from "./dates.js";
import { el } from "./dom.js";
import { emoji } from "./emoji.js";
import { link } from "./links.js";
import { mention, user } from "./mrkdwn.js";
import { channel } from "./store.js";
import { unknown } from "./unknown.js";

const PARTS = {
  rich_text_section: (part) => el("p", {}, spans(part)),
  rich_text_quote: (part) => el("blockquote", {}, spans(part)),
  rich_text_preformatted: (part) => el("pre", { class: "mono-block", tabindex: "0" }, spans(part)),
  rich_text_list: (part) =>
    el(
      part.style === "ordered" ? "ol" : "ul",
      { class: `indent-${Math.min(part.indent ?? 0, 8)}` },
      part.elements.map((item) => el("li", {}, spans(item))),
    ),
};

const SPANS = {
  text: (span) => span.text,
  link: (span) => link(span.url, span.text || span.url),
  user: (span) => user(span.user_id),
  channel: (span) => mention(`#${channel(span.channel_id)?.name ?? span.channel_id}`),
  broadcast: (span) => mention(`@${span.range}`),
  usergroup: (span) => mention(`@${span.usergroup_id}`),
  team: (span) => mention(`@${span.team_id}`),
  emoji: (span) => emoji(span.name),
  date: (span) => date(span.timestamp, span.format, span.fallback ?? String(span.timestamp)),
  color: (span) => el("code", {}, span.value),
};
const STYLES = { bold: "strong", italic: "em", strike: "s", code: "code", underline: "u" };

export function richText(block) {
  return el("div", { class: "rich-text" }, block.elements.map((part) => (PARTS[part.type] ?? unknown)(part)));
}

function spans(part) {
  return (part.elements ?? []).map((span) => styled((SPANS[span.type] ?? unknown)(span), span.style));
}

function styled(drawn, style) {
  const wraps = Object.entries(STYLES).filter(([name]) => style?.[name]);
  return wraps.reduce((inner, [, tag]) => el(tag, {}, inner), drawn);
}
