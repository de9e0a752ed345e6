/** The connection to the server: the stream of changes, and the requests of the page. */

import { applyChanges, publish, replaceWorld, world } from "./store.js";
import { t } from "./language.js";

const RECONNECT_AFTER = 1000; // milliseconds

/** Opens the stream and keeps it open. After each connection the first event is the whole world. */
export function listen() {
  const feed = new EventSource("/feed");
  feed.addEventListener("everything", (event) => {
    replaceWorld(JSON.parse(event.data));
    setConnected(true);
  });
  feed.addEventListener("changes", (event) => applyChanges(JSON.parse(event.data)));
  feed.addEventListener("error", () => {
    setConnected(false);
    if (feed.readyState === EventSource.CLOSED) setTimeout(listen, RECONNECT_AFTER); // the browser does not reconnect after an answer that is no event stream
  });
}

function setConnected(is) {
  world.isConnected = is;
  publish("connection");
}

/** Sends an action of a person. Resolves to `{}`, `{warning}` (from Slack) or `{cannot}` (not sent to the app). */
export function act(person, what) {
  return post(`/people/${encodeURIComponent(person)}`, what);
}

/** Sends a control, such as an outage. Resolves to its answer, or `{cannot}`. */
export function control(what) {
  return post("/controls", what);
}

async function post(path, body) {
  try {
    const answer = await fetch(path, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
    return answer.ok ? await answer.json() : { cannot: await answer.text() };
  } catch {
    return { cannot: t("no_answer") };
  }
}

/** The masked payloads of one call; null if the server does not have them any more. */
export async function detail(number) {
  const answer = await fetch(`/calls/${number}`).catch(() => null);
  return answer?.ok ? answer.json() : null;
}
