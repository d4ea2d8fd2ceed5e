// Compares what was acknowledged with the database, and the database with what every client was told.

/** The faults found, each a sentence. `load` and the watchers are at rest; `clients` are watchers, or their reports. */
export async function judge({ load, clients, postgres }) {
  const faults = [...load.faults];
  const rows = await table(postgres, 'SELECT id, user_id, read_at IS NOT NULL, version FROM notification.notifications');
  const byId = new Map(rows.map(([id, user, read, version]) => [id, { user, read: read === 't', version: BigInt(version) }]));
  const inbox = new Map(load.users.map(({ id }) => [id, new Map()]));
  for (const [id, row] of byId) inbox.get(row.user)?.set(id, row);

  for (const [id, user] of load.created) {
    if (byId.get(id)?.user !== user) faults.push(`${id} was acknowledged and is not in the database`);
  }
  for (const id of load.read) if (byId.get(id)?.read === false) faults.push(`${id} was acknowledged as read and is unread`);

  const states = new Map((await table(postgres, 'SELECT user_id, unread, version FROM notification.user_state'))
    .map(([user, unread, version]) => [user, { unread: Number(unread), version: BigInt(version) }]));
  for (const [user, items] of inbox) {
    const unread = [...items.values()].filter(({ read }) => !read).length;
    const counted = states.get(user)?.unread ?? 0;
    if (counted !== unread) faults.push(`${user} has ${unread} unread rows and the counter ${counted}`);
  }

  for (const watcher of clients) {
    const who = `${watcher.name} of ${watcher.user.id}`;
    faults.push(...watcher.faults.map((fault) => `${who} ${fault}`));
    const items = inbox.get(watcher.user.id);
    for (const [id, row] of items) {
      const seen = watcher.items.get(id);
      if (!seen) faults.push(`${who} does not have ${id}`);
      else if (seen.read !== row.read) faults.push(`${who} has ${id} as ${seen.read ? 'read' : 'unread'}`);
    }
    for (const id of watcher.items.keys()) if (!items.has(id)) faults.push(`${who} has ${id}, which is not in the database`);
    const state = states.get(watcher.user.id) ?? { unread: 0, version: 0n };
    if (watcher.count !== state.unread) faults.push(`${who} counts ${watcher.count} instead of ${state.unread}`);
    if (watcher.repeats.onOneConnection > 0) faults.push(`${who} heard ${watcher.repeats.onOneConnection} twice on one connection`);
  }
  const waiting = await outbox(postgres);
  if (waiting !== 0) faults.push(`${waiting} events wait in the outbox`);
  return faults;
}

export async function outbox(postgres) {
  return Number(await postgres.sql('SELECT (SELECT count(*) FROM notification.outbox) + (SELECT count(*) FROM auth.outbox)'));
}

async function table(postgres, query) {
  const text = await postgres.sql(query);
  return text === '' ? [] : text.split('\n').map((line) => line.split('|'));
}
