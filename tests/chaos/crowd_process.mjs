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

const answers = {
  // The answer is that it has begun: `unsettled` says how far it has come.
  open: (values) => {
    open(values);
  },
  unsettled: () => expected - watchers.filter(({ settled }) => settled).length,
  reports: () => watchers.map((watcher) => watcher.report()),
  read: () => watchers[Math.floor(Math.random() * watchers.length)].readOne(),
};

process.on('message', async ({ number, what, values }) => {
  try {
    process.send({ number, answer: await answers[what](values) });
  } catch (error) {
    process.send?.({ number, error: error.stack });
  }
});
process.on('disconnect', () => process.exit(0));
