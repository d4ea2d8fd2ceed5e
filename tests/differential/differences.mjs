// Every difference from the reference that is on purpose, with its reason. What differs otherwise fails the test, and so
// does, in the long run, an entry that no case needs.

/** What is left out of the comparison. Each changes the outcome of either server. */
export const ignored = [
  {
    name: 'noop',
    reason: 'The reference puts a NOOP before the close packet of a polling answer; a NOOP carries nothing.',
    apply: (outcome) => ({ ...outcome, answers: outcome.answers.filter((packet) => packet !== '6') }),
  },
];

/** Reasons that the server's own application hears; no client sees them. */
export const sameReason = [
  {
    name: 'forced',
    reason: 'The reference says "forced close" or "forced server close" depending on whether its transport closes at once.',
    apply: (reason) => (reason === 'forced server close' ? 'forced close' : reason),
  },
];

const texts = (difference) => difference.sent.filter((packet) => typeof packet === 'string');
const some = (difference, pattern) => texts(difference).some((packet) => pattern.test(packet));
const closed = (outcome) => outcome.end !== undefined && outcome.end !== 'open';

/** The parts of a Socket.IO packet, as far as it has them. */
function parts(packet) {
  const found = /^4([0-6])(?:(\d+)-)?(\/[^,]*)?,?(\d*)(.*)$/s.exec(packet);
  return found ? { type: found[1], nsp: found[3] ?? '/', id: found[4], payload: found[5] } : undefined;
}

/** The namespaces that have been left so far, by either side. */
function left(difference) {
  const names = new Set();
  for (const packet of [...difference.before.flat(), ...difference.sent]) {
    const found = typeof packet === 'string' ? parts(packet) : undefined;
    if (found?.type === '1' || /\["leave"/.test(found?.payload ?? '')) names.add(found.nsp);
  }
  return names;
}

const depth = (text) => {
  let deepest = 0;
  let now = 0;
  for (const character of text) {
    if (character === '[' || character === '{') deepest = Math.max(deepest, (now += 1));
    if (character === ']' || character === '}') now -= 1;
  }
  return deepest;
};

/** Of a packet, and of what comes after it. Each `applies` to the first step that differs. */
export const differences = [
  {
    name: 'close-packet',
    reason: 'A client that says goodbye over WebSocket (`1`) is let go at once; the reference waits for its connection to end.',
    applies: (d) => d.transport === 'websocket' && some(d, /^1/) && closed(d.ours),
  },
  {
    name: 'close-packet-reason',
    reason: 'Because of that, such a session has ended with "transport close", whatever came behind the packet.',
    applies: (d) => d.step === 'reasons' && d.transport === 'websocket' && some(d, /^1/),
  },
  {
    name: 'bad-payload-status',
    reason: 'A POST with what is no Engine.IO packet is answered 400; the reference answers `ok` and forgets the session.',
    applies: (d) => d.reference.post === 200 && d.ours.post === 400 && closed(d.reference) && closed(d.ours) &&
      some(d, /^(?![0-6b])/),
  },
  {
    name: 'base64',
    reason: 'Base64 is read as RFC 4648 section 4 says, and anything else is a parse error; the reference takes what it can.',
    applies: (d) => texts(d).some((packet) => /^b/.test(packet) && !isBase64(packet.slice(1))) &&
      (d.step === 'reasons' || closed(d.ours)),
  },
  {
    name: 'payload-missing',
    reason: 'An event has a name and an ack has arguments, if none: without payload they are refused. The reference lets them pass.',
    applies: (d) => some(d, /^4(?:[23]|[56]\d+-)(?:\/[^,]*(?:,|$))?Q?\d*$/) && closed(d.ours) && !closed(d.reference),
  },
  {
    name: 'ack-id-too-large',
    reason: 'An ack id above 2^53 - 1 cannot be echoed by the reference without changing it; it is refused.',
    applies: (d) => closed(d.ours) && texts(d).some((packet) => BigInt(parts(packet)?.id || 0) > 2n ** 53n - 1n),
  },
  {
    name: 'ack-id-verbatim',
    reason: 'An ack id comes back digit for digit; the reference drops leading zeros.',
    applies: (d) => !closed(d.ours) && !closed(d.reference) && some(d, /^4[25](?:\d+-)?(?:\/[^,]*,)?0\d/) &&
      d.ours.answers.join() !== d.reference.answers.join() && d.ours.answers.map(withoutZeros).join() === d.reference.answers.join(),
  },
  {
    name: 'blank-is-no-ack-id',
    reason: 'White space in front of the JSON is white space; the reference reads it as the ack id 0, or as a part of one.',
    applies: (d) => some(d, /^4[0-6](?:\d+-)?(?:\/[^,]*,)?\d*\s/),
  },
  {
    name: 'attachment-count',
    reason: 'The number of attachments is written in plain digits; the reference takes any text that Number() takes.',
    applies: (d) => closed(d.ours) && some(d, /^4[56](?:[+]|0\d|\d+\.0|\s|\d+\s)/),
  },
  {
    name: 'placeholder-number',
    reason: 'The `num` of a placeholder is a plain integer; the reference takes any number in range, 0.5 too.',
    applies: (d) => closed(d.ours) && some(d, /"num":-?\d+(?:\.\d|[eE])/),
  },
  {
    name: 'namespace-name',
    reason: 'A namespace name without control characters, at most 256 bytes: it is echoed, and a control character breaks the framing.',
    // eslint-disable-next-line no-control-regex
    applies: (d) => closed(d.ours) && texts(d).some((packet) => /[\u0000-\u001f\u007f]/.test(parts(packet)?.nsp ?? '') || Buffer.byteLength(parts(packet)?.nsp ?? '') > 256),
  },
  {
    name: 'depth',
    reason: 'JSON nests at most 64 deep.',
    applies: (d) => closed(d.ours) && !closed(d.reference) && texts(d).some((packet) => depth(packet) > 64),
  },
  {
    name: 'arguments',
    reason: 'An event has at most 1,024 elements.',
    applies: (d) => closed(d.ours) && !closed(d.reference) && texts(d).some((packet) => packet.split(',').length > 1_024),
  },
  {
    name: 'left-a-moment-ago',
    reason: 'A packet for a namespace that was left within 30 seconds is dropped: it may have crossed the goodbye. The reference closes everything.',
    applies: (d) => (closed(d.reference) || d.step === 'reasons') && texts(d).some((packet) => left(d).has(parts(packet)?.nsp)),
  },
];

/** Of several packets sent together, when the same packets sent one by one have the same answers from both. */
export const together = {
  name: 'in-order',
  reason: 'Each packet is dealt with before the next is looked at. The reference puts events off by a turn, and closes at once ' +
    'for an event right behind its CONNECT, or drops the answers to what came before a violation.',
};

const isBase64 = (text) => Buffer.from(text, 'base64').toString('base64').replace(/=+$/, '') === text.replace(/=+$/, '') &&
  (!text.includes('=') || text.length % 4 === 0);
const withoutZeros = (packet) => packet.replace(/^(43(?:\/[^,]*,)?|46[^-]*-(?:\/[^,]*,)?)0+(?=\d)/, '$1');

/** Of a single HTTP request: `given` is the request, `reference` and `ours` the answers. */
export const requestDifferences = [
  {
    name: 'options',
    reason: 'An OPTIONS request that is no preflight (it names no method) is refused; the reference answers 204 to any.',
    applies: (d) => d.given.method === 'OPTIONS' && !d.given.headers['access-control-request-method'],
  },
  {
    name: 'cors-on-101',
    reason: 'An accepted WebSocket carries no CORS headers, which no browser reads there.',
    applies: (d) => d.reference.status === 101 && d.ours.status === 101 &&
      Object.keys(d.ours.headers).length === 0,
  },
  {
    name: 'websocket-of-another-protocol',
    reason: 'A WebSocket request with another EIO is refused before 101; the reference accepts it and then writes an HTTP answer into it.',
    applies: (d) => d.given.upgrade && d.reference.status === 101 && d.ours.body === 'Unsupported protocol version',
  },
  {
    name: 'refused-upgrade',
    reason: 'A WebSocket request that names the transport polling, or would take over a session that has a WebSocket, is ' +
      'refused; the reference answers 101.',
    applies: (d) => d.given.upgrade && d.reference.status === 101 && d.ours.status === 400 &&
      (lastTransport(d) === 'polling' || /sid=WSID/.test(d.given.path)),
  },
  {
    name: 'method',
    reason: 'A method that polling does not have is answered 405 with Allow; the reference answers 500.',
    applies: (d) => d.reference.status === 500 && d.ours.status === 405 && !['GET', 'POST'].includes(d.given.method),
  },
  {
    name: 'request-to-a-websocket-session',
    reason: 'A request that is no WebSocket, to a session that has one, is refused; the reference never answers.',
    applies: (d) => d.reference.status === 'none' && d.ours.status === 400 && /sid=WSID/.test(d.given.path) && lastTransport(d) === 'websocket',
  },
];

const lastTransport = (d) => new URLSearchParams(d.given.path.replace(/^.*\?/, '')).getAll('transport').at(-1);
