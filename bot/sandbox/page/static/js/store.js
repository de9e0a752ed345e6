/** What the page knows: the world as the feed tells it, and who looks at what. Whoever shows something subscribes. */

export const world = {
  run: null, // which sandbox it is; another one knows nothing of what was before
  app: null,
  people: [],
  channels: [],
  messages: new Map(), // key -> message, in the order of their coming
  stacks: {}, // user -> open windows, the one on top last
  homes: {}, // user -> Home tab
  calls: [],
  secrets: [],
  parts: null,
  isConnected: false,
};

export const here = { me: null, place: null, tab: "messages" };

const MOST_CALLS = 300;
const listeners = new Map(); // topic -> functions

/** Calls `then(about)` whenever something of that topic changed. */
export function on(topics, then) {
  for (const topic of topics.split(" ")) {
    if (!listeners.has(topic)) listeners.set(topic, []);
    listeners.get(topic).push(then);
  }
}

export function tell(topic, about) {
  for (const then of listeners.get(topic) ?? []) then(about);
}

/** The first event of a connection: the whole world anew. What came while there was none counts as just come. */
export function everything(told) {
  const { run, messages: known } = world;
  Object.assign(world, told, { messages: new Map(told.messages.map((one) => [one.key, one])) });
  if (!world.people.some((one) => one.id === here.me)) here.me = world.people[0]?.id ?? null;
  if (!places().some((one) => one.id === here.place)) here.place = places()[0]?.id ?? null;
  if (run === told.run) tell("messages", [...world.messages].filter(([key]) => !known.has(key)).map(([key, message]) => ({ key, message })));
  else if (run !== null) tell("restarted");
  tell("everything");
}

/** Later events: what changed, by topic. */
export function changes(told) {
  for (const [topic, about] of Object.entries(told)) apply[topic]?.(about);
}

const apply = {
  people: (about) => replaced("people", about),
  channels: (about) => replaced("channels", about),
  secrets: (about) => replaced("secrets", about),
  parts: (about) => replaced("parts", about),
  stacks: (about) => merged("stacks", about),
  homes: (about) => merged("homes", about),
  messages: (about) => {
    const changed = [];
    for (const [key, message] of Object.entries(about)) {
      changed.push({ key, message, before: world.messages.get(key) });
      if (message) world.messages.set(key, message);
      else world.messages.delete(key);
    }
    tell("messages", changed.sort((one, other) => (one.message?.order ?? 0) - (other.message?.order ?? 0)));
  },
  calls: (about) => {
    world.calls = [...world.calls, ...about].slice(-MOST_CALLS);
    tell("calls", about);
  },
};

function replaced(topic, about) {
  world[topic] = about;
  tell(topic, about);
}

function merged(topic, about) {
  Object.assign(world[topic], about);
  tell(topic, about);
}

// --- questions

export const person = (id) => world.people.find((one) => one.id === id);
export const channel = (id) => world.channels.find((one) => one.id === id);

/** A name for whoever wrote something. */
export function nameOf(user) {
  return user === world.app?.user ? world.app.name : person(user)?.name ?? user;
}

/** The conversations of the person who looks. */
export function places(user = here.me) {
  return world.channels.filter((one) => one.members.includes(user));
}

export const isDirect = (place) => place?.user !== null && place?.user !== undefined;

/** Whether somebody has the message in front of them. */
export function sees(user, message) {
  if (message.to !== null) return message.to === user;
  return channel(message.channel)?.members.includes(user) ?? false;
}

export function messagesHere() {
  return [...world.messages.values()].filter((one) => one.channel === here.place && sees(here.me, one));
}

export const windowOnTop = () => (world.stacks[here.me] ?? []).at(-1) ?? null;

// --- where the person goes

export function become(user) {
  here.me = user;
  if (!places().some((one) => one.id === here.place)) here.place = places().find(isDirect)?.id ?? places()[0]?.id;
  tell("me");
}

export function go(place, tab = "messages") {
  here.place = place;
  here.tab = tab;
  tell("place");
}
