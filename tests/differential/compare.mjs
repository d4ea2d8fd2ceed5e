// Runs one case against both servers and tells where they part.
import { PollingSession, WebSocketSession, request } from './connection.mjs';
import { ignored, sameReason } from './differences.mjs';
import { makeCase, makeRequest } from './random.mjs';

/** What a client received, with ids of the server's own making named, and JSON as it reads. */
class Transcript {
  constructor() {
    this.sockets = [];
    this.questions = {};
  }

  /** A packet to send, with `Q0` replaced. */
  outgoing(packet) {
    if (typeof packet !== 'string') return packet;
    return packet.replace(/^(4(?:3|6\d+-)(\/custom,|\/,|))Q(\d)/, (_, head, nsp, n) => {
      const asked = this.questions[nsp === '/,' ? '' : nsp] ?? [];
      return head + (asked[Number(n)] ?? 99_999_999);
    });
  }

  incoming(packet) {
    if (typeof packet !== 'string') return `<${packet.toString('hex')}>`;
    const connect = /^40((?:\/[^,]*,)?)(\{"sid":"([^"]+)"\})$/.exec(packet);
    if (connect) {
      this.sockets.push(connect[3]);
      return `40${connect[1]}{"sid":…}`;
    }
    const found = /^(4[2356](?:\d+-)?)((?:\/[^,]*,)?)(\d*)(.*)$/s.exec(packet);
    if (!found) return packet;
    const [, head, nsp, id, json] = found;
    let payload = json;
    try {
      payload = JSON.stringify(JSON.parse(json));
    } catch {
      payload = `not JSON: ${json}`;
    }
    if (!payload.startsWith('["question"')) return head + nsp + id + payload;
    (this.questions[nsp] ??= []).push(id);
    return `${head}${nsp}Q${this.questions[nsp].length - 1}${payload}`;
  }
}

/** Puts attachments where their placeholders are: an attachment that is named twice may travel once or twice. */
function withAttachments(packets) {
  const left = [...packets];
  const whole = [];
  while (left.length > 0) {
    const packet = left.shift();
    const found = /^4([56])(\d+)-(.*)$/s.exec(packet);
    if (!found) {
      whole.push(packet);
      continue;
    }
    const attachments = left.splice(0, Number(found[2]));
    if (attachments.length < Number(found[2]) || !attachments.every((one) => one.startsWith('<'))) throw new Error(`attachments are missing behind ${packet}`);
    whole.push(`4${found[1]}…-${found[3].replace(/\{"_placeholder":true,"num":(\d+)\}/g, (_, num) => attachments[num] ?? 'none')}`);
  }
  return whole;
}

async function open(server, { transport }) {
  const session = transport === 'polling' ? new PollingSession(server.port) : new WebSocketSession(server.port);
  await session.open();
  return session;
}

const eventually = async (what, ready) => {
  for (const end = Date.now() + 10_000; Date.now() < end; await new Promise((resolve) => setTimeout(resolve, 2))) {
    const value = ready();
    if (value !== undefined) return value;
  }
  throw new Error(`never: ${what}`);
};

async function run(server, given, until = given.steps.length) {
  const transcript = new Transcript();
  const session = await open(server, given);
  const outcomes = [];
  for (const step of given.steps.slice(0, until)) {
    const outcome = await session.exchange(step.map((packet) => transcript.outgoing(packet)));
    outcome.answers = withAttachments(outcome.answers.map((packet) => transcript.incoming(packet)));
    outcomes.push(ignored.reduce((kept, rule) => rule.apply(kept), outcome));
    if (outcome.end !== 'open') break;
  }
  await session.close();
  const reasons = [];
  for (const id of transcript.sockets) {
    const reason = await eventually(`${server.name} tells why ${id} went`, () => server.reasonOf(id));
    reasons.push(sameReason.reduce((kept, rule) => rule.apply(kept), reason));
  }
  return { outcomes, reasons };
}

const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);

/** Each packet, a header with its attachments, as a step of its own. */
function oneByOne(given) {
  const steps = [];
  for (const packet of given.steps.flat()) {
    const last = steps.at(-1);
    const wanted = Number(/^4[56](\d+)-/.exec(last?.[0])?.[1] ?? 0);
    if (typeof packet === 'string' || !last || last.length > wanted) steps.push([packet]);
    else last.push(packet);
  }
  return { ...given, steps };
}

/**
 * Undefined when both do the same; else `{ step, before, sent, reference, ours }` of the first difference. When several
 * packets were sent together, the difference is that of the same packets sent one by one, and `together` if there is none.
 */
export async function difference(reference, ours, seed) {
  const given = makeCase(seed);
  const found = await firstDifference(reference, ours, given);
  const single = oneByOne(given);
  if (!found || single.steps.length === given.steps.length) return found;
  return (await firstDifference(reference, ours, single)) ?? { ...found, together: true };
}

async function firstDifference(reference, ours, given) {
  const seed = given.seed;
  const [theirs, mine] = await Promise.all([run(reference, given), run(ours, given)]);
  for (let i = 0; i < given.steps.length; i += 1) {
    if (same(theirs.outcomes[i], mine.outcomes[i])) continue;
    return {
      seed, transport: given.transport, step: i, before: given.steps.slice(0, i), sent: given.steps[i],
      reference: theirs.outcomes[i], ours: mine.outcomes[i],
    };
  }
  if (same(theirs.reasons, mine.reasons)) return undefined;
  return {
    seed, transport: given.transport, step: 'reasons', before: [], sent: given.steps.flat(),
    reference: { reasons: theirs.reasons }, ours: { reasons: mine.reasons },
  };
}

// --- Single requests -------------------------------------------------------------------------------------------------

const comparedHeaders = [
  'content-type', 'cache-control', 'access-control-allow-origin', 'access-control-allow-methods', 'access-control-allow-headers',
];

async function answerOf(server, given) {
  const polling = await open(server, { transport: 'polling' });
  const webSocket = await open(server, { transport: 'websocket' });
  const socketSid = webSocket.sid;
  // A GET of the polling session would be held: something is there for it.
  await polling.post('40');
  const path = given.path.replaceAll('WSID', socketSid).replaceAll('SID', polling.sid);
  const body = given.method === 'POST' ? '42["nobody-listens"]' : undefined;
  const answer = await request({ port: server.port, method: given.method, path, headers: given.headers, body, patienceMs: 1_000 });
  await polling.close();
  await webSocket.close();
  const text = answer.body.replace(/"sid":"[^"]+"/g, '"sid":…');
  const headers = Object.fromEntries(comparedHeaders.map((name) => [name, answer.headers[name]]).filter(([, text]) => text));
  return { status: answer.status, body: text, headers };
}

/** The same for one request. */
export async function requestDifference(reference, ours, seed) {
  const given = makeRequest(seed);
  const [theirs, mine] = await Promise.all([answerOf(reference, given), answerOf(ours, given)]);
  if (same(theirs, mine)) return undefined;
  return { seed, sent: [`${given.method} ${given.path}${given.upgrade ? ' (upgrade)' : ''}`], given, reference: theirs, ours: mine };
}
