/**
 * The calls in groups by what caused them: what a person did, or the bot by itself.
 *
 * No call says what caused it, so time has to tell. A call belongs to the last thing that a person did before it, as long as
 * that is under way: until nothing more has happened for a while. A question that is asked again and again, the watcher's,
 * says little about that: only one that comes at once belongs to a person.
 */

const PAUSE = 6; // seconds; a slow host takes four to answer
const AT_ONCE = 1; // seconds

const isDelivery = (call) => call.from === "slack";
const isQuestion = (call) => call.to === "onetime" && call.title.startsWith("GET ");

/**
 * Groups calls: `{key, cause, rows}`, the newest group first. `cause` is what Slack delivered, null for the bot by itself.
 * Each row is `{key, call, calls}`: equal calls of a group are one row, with the last of them as `call`.
 */
export function groupCalls(calls) {
  const causes = calls.filter(isDelivery).toSorted((one, other) => one.began - other.began);
  const ends = new Map(causes.map((cause) => [cause.number, cause.at])); // when something last happened because of it
  const groups = new Map();
  for (const call of calls) {
    const cause = isDelivery(call) ? call : causeOf(call, causes, ends);
    const after = causes.filter((one) => one.began <= call.at).length; // the bot's own calls between two of a person's
    const key = cause ? `act-${cause.number}` : `itself-${after}`;
    if (!groups.has(key)) groups.set(key, { key, cause, began: cause?.began ?? call.at, rows: [] });
    if (call !== cause) addRow(groups.get(key), call);
  }
  return [...groups.values()].toSorted((one, other) => other.began - one.began);
}

function causeOf(call, causes, ends) {
  const cause = causes.findLast((one) => one.began <= call.at);
  if (!cause || call.at - ends.get(cause.number) > (isQuestion(call) ? AT_ONCE : PAUSE)) return null;
  if (!isQuestion(call)) ends.set(cause.number, Math.max(ends.get(cause.number), call.at));
  return cause;
}

function addRow(group, call) {
  const alike = group.rows.find(({ call: one }) => one.from === call.from && one.to === call.to && one.title === call.title && one.outcome === call.outcome);
  if (!alike) return group.rows.push({ key: `${group.key}-${call.number}`, call, calls: [call] });
  alike.calls.push(call);
  alike.call = call;
}
