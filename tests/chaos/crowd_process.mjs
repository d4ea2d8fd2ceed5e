// A process of crowd.mjs: it holds clients, and ends when its parent lets go of it.
import { Watcher } from './watcher.mjs';

const watchers = [];
let expected = 0;
/** Handshakes at once when it begins: a crowd that arrives, not one that attacks. */
const arriving = 50;

async function open({ url, users, tabs }) {
  expected = users.length * tabs;
  for (const user of users) {
    for (let i = 1; i <= tabs; i += 1) watchers.push(new Watcher(url, user, `tab ${i}`));
    while (watchers.filter(({ settled }) => !settled).length >= arriving) await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

const any = () => watchers[Math.floor(Math.random() * watchers.length)];

function progress({ ids }) {
  const found = { heard: 0, duplicated: 0, reconnects: 0, missing: [], pending: [] };
  const byUser = new Map();
  for (const watcher of watchers) {
    found.heard += watcher.rings.size;
    found.duplicated += watcher.duplicated;
    found.reconnects += Math.max(0, watcher.connection - 1);
    if (!byUser.has(watcher.user.id)) byUser.set(watcher.user.id, []);
    byUser.get(watcher.user.id).push(watcher);
  }
  for (const one of ids) {
    const lacking = (byUser.get(one.userId) ?? []).filter((watcher) => !watcher.items.has(one.id));
    if (lacking.some(({ settled, stalled }) => settled && !stalled)) found.missing.push(one);
    else if (lacking.length > 0) found.pending.push(one);
  }
  return found;
}

const answers = {
  // The answer is that it has begun: `unsettled` says how far it has come.
  open: (values) => {
    open(values);
  },
  unsettled: () => expected - watchers.filter(({ settled }) => settled).length,
  reports: () => watchers.map((watcher) => watcher.report()),
  read: () => any().readOne(),
  interrupt: () => any().interrupt(),
  stall: ({ ms }) => watchers[0].stall(ms),
  lose: () => {
    watchers.at(-1).losing = true;
  },
  progress,
};

process.on('message', async ({ number, what, values }) => {
  try {
    process.send({ number, answer: await answers[what](values) });
  } catch (error) {
    process.send?.({ number, error: error.stack });
  }
});
process.on('disconnect', () => process.exit(0));
