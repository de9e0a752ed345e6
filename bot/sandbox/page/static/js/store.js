/** The state of the page: the world as the feed reports it, and what the current person looks at. */

export const world = {
  run: null, // the id of the sandbox; a restarted sandbox has another one
  app: null,
  people: [],
  channels: [],
  messages: new Map(), // key -> message, in the order of their arrival
  stacks: {}, // user -> open windows, the one on top last
  homes: {}, // user -> Home tab
  calls: [],
  secrets: [],
  parts: null,
  settings: null, // {language, theme} of the page, and the steps of the first round
  isConnected: false,
};

export const here = { me: null, place: null, tab: "messages" };

const MAX_CALLS = 300;
const listeners = new Map(); // topic -> functions

/** Calls `then(about)` after every change of one of the topics, which are separated by spaces. */
export function on(topics, then) {
  for (const topic of topics.split(" ")) {
    if (!listeners.has(topic)) listeners.set(topic, []);
    listeners.get(topic).push(then);
  }
}

export function publish(topic, about) {
  for (const then of listeners.get(topic) ?? []) then(about);
}

/** Handles the first event of a connection: the whole world. Messages from the time without a connection count as new. */
export function replaceWorld(event) {
  const { run, messages: known } = world;
  Object.assign(world, event, { messages: new Map(event.messages.map((one) => [one.key, one])) });
  if (!world.people.some((one) => one.id === here.me)) here.me = world.people[0]?.id ?? null;
  if (!places().some((one) => one.id === here.place)) here.place = places()[0]?.id ?? null;
  if (run === event.run) publish("messages", [...world.messages].filter(([key]) => !known.has(key)).map(([key, message]) => ({ key, message })));
  else if (run !== null) publish("restarted");
  publish("everything");
}

/** Handles a later event: the changes, topic -> new value. */
export function applyChanges(event) {
  for (const [topic, about] of Object.entries(event)) apply[topic]?.(about);
}

const apply = {
  people: (about) => replace("people", about),
  channels: (about) => replace("channels", about),
  secrets: (about) => replace("secrets", about),
  parts: (about) => replace("parts", about),
  settings: (about) => {
    const hasNewLanguage = about.language !== world.settings?.language;
    replace("settings", about);
    if (hasNewLanguage) publish("everything");
  },
  stacks: (about) => merge("stacks", about),
  homes: (about) => merge("homes", about),
  messages: (about) => {
    const changed = [];
    for (const [key, message] of Object.entries(about)) {
      changed.push({ key, message, before: world.messages.get(key) });
      if (message) world.messages.set(key, message);
      else world.messages.delete(key);
    }
    publish("messages", changed.sort((one, other) => (one.message?.order ?? 0) - (other.message?.order ?? 0)));
  },
  calls: (about) => {
    world.calls = [...world.calls, ...about].slice(-MAX_CALLS);
    publish("calls", about);
  },
};

function replace(topic, about) {
  world[topic] = about;
  publish(topic, about);
}

function merge(topic, about) {
  Object.assign(world[topic], about);
  publish(topic, about);
}

// --- questions

export const person = (id) => world.people.find((one) => one.id === id);
export const channel = (id) => world.channels.find((one) => one.id === id);

/** The name of a person or of the app. */
export function nameOf(user) {
  return user === world.app?.user ? world.app.name : person(user)?.name ?? user;
}

/** The conversations of a person. */
export function places(user = here.me) {
  return world.channels.filter((one) => one.members.includes(user));
}

export const isDirect = (place) => place?.user !== null && place?.user !== undefined;

/** Whether a person may see the message. */
export function isVisibleTo(user, message) {
  if (message.to !== null) return message.to === user;
  return channel(message.channel)?.members.includes(user) ?? false;
}

export function messagesHere() {
  return [...world.messages.values()].filter((one) => one.channel === here.place && isVisibleTo(here.me, one));
}

export const windowOnTop = () => (world.stacks[here.me] ?? []).at(-1) ?? null;

// --- the current person and conversation

export function switchPerson(user) {
  here.me = user;
  if (!places().some((one) => one.id === here.place)) here.place = places().find(isDirect)?.id ?? places()[0]?.id;
  publish("me");
}

export function switchPlace(place, tab = "messages") {
  here.place = place;
  here.tab = tab;
  publish("place");
}
