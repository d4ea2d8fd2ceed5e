// docs/benchmarks.md from the results: everything in it is computed from them, but the words.
import { format, formatSpread, ratios, spread } from './figures.mjs';

const figuresOf = (side, key) => side.rounds.map(({ figures }) => figures[key]);

/** The rounds' ratio, or the figure itself, beside what it is to be. */
export function judge(found, target) {
  const own = found.sides[target.side];
  if (!own) return null;
  const measured = target.against
    ? found.sides[target.against] && ratios(figuresOf(own, target.figure), figuresOf(found.sides[target.against], target.figure))
    : spread(figuresOf(own, target.figure));
  if (!measured) return null;
  const met = target.atLeast === undefined ? measured.median <= target.atMost : measured.median >= target.atLeast;
  return { measured, met };
}

function bound(target) {
  const unit = target.against ? ' ×' : target.unit ? ` ${target.unit}` : '';
  return target.atLeast === undefined ? `≤ ${target.atMost}${unit}` : `≥ ${target.atLeast.toLocaleString('en-US')}${unit}`;
}

function summary(results, rows) {
  const lines = ['| | measured | target | |', '|---|---|---|---|'];
  for (const row of rows) {
    const found = results.rows[row.name];
    for (const target of row.targets ?? []) {
      const verdict = found && judge(found, target);
      const what = `[${row.title}](#${anchor(row)}): ${nameOf(row, target)}`;
      if (!verdict) lines.push(`| ${what} | not measured yet | ${bound(target)} | |`);
      else lines.push(`| ${what} | ${formatSpread(verdict.measured)} | ${bound(target)} | ${verdict.met ? 'met' : '**missed**'} |`);
    }
  }
  return lines.join('\n');
}

/** What a target is about: whose figure, against whom. */
function nameOf(row, target) {
  if (target.label) return target.label;
  const own = target.side === (row.ours ?? 'carillon') ? '' : ` of ${row.sides[target.side].label}`;
  return row.figures[target.figure].label + own + (target.against ? ` against ${row.sides[target.against].label}` : '');
}

const anchor = (row) => row.title.toLowerCase().replace(/[^a-z0-9 -]/g, '').replaceAll(' ', '-');

/** Figures in which somebody else's median is better than that of the row's own side. */
export function betterRivals(found, row) {
  const ours = row.ours ?? 'carillon';
  if (!found?.sides[ours]) return [];
  const better = [];
  for (const [key, { label, better: direction }] of Object.entries(row.figures)) {
    const mine = spread(figuresOf(found.sides[ours], key));
    for (const [name, side] of Object.entries(found.sides)) {
      const theirs = spread(figuresOf(side, key));
      if (!row.sides[name]?.rival || !mine || !theirs) continue;
      const wins = direction === 'lower' ? theirs.median < mine.median : theirs.median > mine.median;
      if (wins) better.push(`- [${row.title}](#${anchor(row)}): ${label}, ${side.label} ${format(theirs.median)}, Carillon ${format(mine.median)}.`);
    }
  }
  return better;
}

function cpuText(side) {
  const names = [...new Set(side.rounds.flatMap(({ cpu }) => Object.keys(cpu ?? {})))];
  return names.map((name) => `${name} ${format(spread(side.rounds.map(({ cpu }) => cpu[name]))?.median)}`).join(' · ');
}

function section(row, found) {
  const figures = Object.entries(row.figures);
  const lines = [`## ${row.title}`, '', row.text, ''];
  lines.push(`| | ${figures.map(([, { label }]) => label).join(' | ')} | CPU, % of a core |`, `|---|${'---|'.repeat(figures.length + 1)}`);
  for (const side of Object.values(found.sides)) {
    lines.push(`| ${side.label} | ${figures.map(([key]) => formatSpread(spread(figuresOf(side, key)))).join(' | ')} | ${cpuText(side)} |`);
  }
  const judged = (row.targets ?? []).map((target) => [target, judge(found, target)]).filter(([, verdict]) => verdict);
  if (judged.length > 0) lines.push('');
  for (const [target, { measured, met }] of judged) {
    lines.push(`- ${nameOf(row, target)}: ${formatSpread(measured)}${target.against ? ' ×' : ''}; target ${bound(target)}, ` +
      `${met ? 'met' : '**missed**'}.`);
  }
  if (row.reason && judged.some(([, { met }]) => !met)) lines.push('', row.reason);
  if (row.note) lines.push('', row.note);
  const rounds = Object.values(found.sides)[0].rounds.length;
  lines.push('', `<sub>${found.measuredAt.slice(0, 16).replace('T', ' ')} UTC, ${rounds} ${rounds === 1 ? 'round' : 'rounds'}${found.quick ? ', short ones' : ''}; ` +
    `the machine was taken away for ${format(100 * Math.max(...Object.values(found.sides).flatMap((side) => side.rounds.map(({ stolen }) => stolen))))} % of the time at most.</sub>`);
  return lines.join('\n');
}

export function document(results, rows) {
  const { machine, versions } = results;
  const measured = rows.filter(({ name }) => results.rows[name]);
  const missing = rows.filter(({ name }) => !results.rows[name]);
  const better = measured.flatMap((row) => betterRivals(results.rows[row.name], row));
  return `# Benchmarks

Written by \`./dev bench\`, which measures all of it again on your machine (Debian 12; it installs what it needs). Every single
result is in [benchmarks.json](benchmarks.json).

- Machine: ${machine.cpu}, ${machine.cores} cores, ${machine.memoryGb} GB; ${machine.system}, Linux ${machine.kernel}.
- Versions: Carillon ${versions.carillon} (${versions.compiler}), NATS ${versions.nats}, PostgreSQL ${versions.postgres}, Node ${versions.node}, NestJS ${versions.nestjs}, socket.io ${versions.socketio}.

## How to read it

- **One tool measures all**: \`carillon loadtest\`, which checks every single delivery ([load-test.md](load-test.md)); a run that lost
  one does not count. Servers, NATS, PostgreSQL and the generator share the machine's cores, all on loopback, without TLS.
- **Ratios count.** Both sides of a pair take turns (A B, B A, …), and a ratio is taken round by round; the speed of a shared machine
  drifts, and both drift with it. A CPU-second is one of the server named, from \`/proc\`. Medians, with the lowest and the highest
  round in brackets.
- **NestJS** is [bench/peers/nestjs](../bench/peers/nestjs): a gateway and a service as a team would write them, on a NATS and a
  PostgreSQL of its own with the same settings (fsync on). **bare socket.io** is [a server](../bench/peers/socketio/server.mjs) that
  does nothing but pass events on. Both run in one Node process per service, Carillon with as many shards as there are cores.
  Limits that protect a server from its users are raised on all sides.
- Carillon sends \`unreadCount:updated\` with each delivery, in the same write; the others do not.

## In short

${summary(results, rows)}

## Where a rival is better

${better.length > 0 ? better.join('\n') : 'In no figure of this run.'}

${measured.map((row) => section(row, results.rows[row.name])).join('\n\n')}
${missing.length > 0 ? `\n## Not measured yet\n\n${missing.map(({ title }) => `- ${title}`).join('\n')}\n` : ''}`;
}
