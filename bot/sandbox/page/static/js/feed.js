/** The stream of what happens, and what the page asks the server to do. */

import { changes, everything, tell, world } from "./store.js";

const AGAIN = 1000; // milliseconds

/** Listens for good. Whenever the connection is there again, the first that comes is everything anew. */
export function listen() {
  const feed = new EventSource("/feed");
  feed.addEventListener("everything", (event) => {
    everything(JSON.parse(event.data));
    connected(true);
  });
  feed.addEventListener("changes", (event) => changes(JSON.parse(event.data)));
  feed.addEventListener("error", () => {
    connected(false);
    if (feed.readyState === EventSource.CLOSED) setTimeout(listen, AGAIN); // the browser itself gives up at an answer that is no feed
  });
}

function connected(is) {
  world.isConnected = is;
  tell("connection");
}

/** What one person does. Answers `{}`, `{warning}` (Slack says so) or `{cannot}` (not even sent). */
export function act(person, what) {
  return post(`/people/${encodeURIComponent(person)}`, what);
}

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
    return { cannot: "The sandbox does not answer. Is it still running?" };
  }
}

/** What was sent and answered in one call, masked; null if it is forgotten. */
export async function detail(number) {
  const answer = await fetch(`/calls/${number}`).catch(() => null);
  return answer?.ok ? answer.json() : null;
}
