// Random cases, the same for the same seed.

export class Random {
  constructor(seed) {
    this.state = seed >>> 0;
  }

  /** mulberry32: a number in [0, 1). */
  next() {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let t = this.state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  below(bound) {
    return Math.floor(this.next() * bound);
  }

  chance(probability) {
    return this.next() < probability;
  }

  pick(from) {
    return from[this.below(from.length)];
  }

  /** Picks a key by its weight. */
  weighted(weights) {
    let left = this.next() * Object.values(weights).reduce((a, b) => a + b, 0);
    for (const [key, weight] of Object.entries(weights)) {
      left -= weight;
      if (left < 0) return key;
    }
    return Object.keys(weights)[0];
  }
}

const joinable = ['', '/custom,', '/,'];
const strange = ['/custom', '/nope,', '/nope', '/custom?a=1,', '//,', '/__proto__,', '/ünï,', 'custom,', '/a b,', ',', '/cus\ttom,', `/${'n'.repeat(300)},`];
const ackIds = ['', '', '', '0', '7', '12', '2147483648', '9007199254740991'];
const strangeIds = ['007', '9007199254740992', '99999999999999999999', '-1', '1.5', '1e3', ' ', '\n', '7 '];
// `Q0` stands for the id of the first question that the server asked in that namespace, and so on.
const questions = ['Q0', 'Q0', 'Q1', '77777777', ''];
const names = ['message', 'message-with-ack', 'message-with-ack', 'nobody-listens', 'ask', 'ask', '\\u006dessage', '__proto__', 'toString', ''];
const reserved = ['connect', 'connect_error', 'disconnect', 'disconnecting', 'newListener', 'removeListener', 'error'];
const strangeJson = [
  '', '{}', '[]', '[', ']', 'null', 'true', '"message"', '7', '[null]', '[true,1]', '[{}]', '[["message"]]', '["message"', '["message"]]',
  '["message"] x', '["message",]', '[,"message"]', '["message" 1]', '["message",01]', '["message",+1]', '["message",1.]', '["message",NaN]',
  '["message",\'a\']', '["message",{a:1}]', '["message",{"a"}]', '["message",undefined]', '["\u0001"]', '["message","\t"]', '["\\x"]', '["\\u12"]',
  '[42,1]', '[-1.5]', ' ["message-with-ack",1]', '\t["message",1]', '["message",1] ', '[ "message" , 1 ]', '["message",1e400]', '["message",-0]',
  '["message","\\ud800"]', '["message","\\ud83d\\ude00","😀"]', '["message",{"__proto__":1,"a":2,"a":3}]', '["message",{"2":1,"1":2}]',
  '["message",12345678901234567890,1e2,1.0]', `["message",${'['.repeat(62)}${']'.repeat(62)}]`, `["message",${'['.repeat(70)}${']'.repeat(70)}]`,
  `["message"${',0'.repeat(1_100)}]`, '{"token":"jwt"}', '{"a":{"please":1}}', '"please"',
];
const placeholder = (num) => `{"_placeholder":true,"num":${num}}`;

/** A JSON value as text. */
function value(random, depth = 0) {
  switch (random.below(depth > 3 ? 6 : 8)) {
    case 0: return String(random.below(1_000) - 500);
    case 1: return random.pick(['true', 'false', 'null', '0.5', '1e3', '-2.5E-3']);
    case 2: return JSON.stringify(random.pick(['', 'text', 'quote " and \\', 'ünïcödé €', '😀', 'line\nbreak', '\u2028', 'a'.repeat(200)]));
    case 3: return random.pick(['"\\u00e9"', '"\\/"', '"\\ud83d\\ude00"', '"\\b\\f\\n\\r\\t"']);
    case 4: return '{}';
    case 5: return '[]';
    case 6: return `[${Array.from({ length: random.below(3) + 1 }, () => value(random, depth + 1)).join(',')}]`;
    default: return `{${Array.from({ length: random.below(3) + 1 }, (_, i) => `"${random.pick(['a', 'b', 'key', ''])}${i}":${value(random, depth + 1)}`).join(',')}}`;
  }
}

/** Changes some characters. */
function mutated(random, text) {
  let out = text;
  for (let i = random.below(3) + 1; i > 0; i -= 1) {
    const at = random.below(out.length + 1);
    const tail = out.slice(at);
    const character = random.pick([...'0123456789[]{}",:/-\\ abn', 'é', '\u0000', '\u007f']);
    out = out.slice(0, at) + random.pick([character, character + tail.slice(0, 1), tail.slice(0, 2), '']) + tail.slice(1);
  }
  return out;
}

const eventOf = (random, nsp, id, args) => `${nsp}${id}[${[JSON.stringify(random.pick(names)).replace('\\\\', '\\'), ...args].join(',')}]`;

/** A header and its attachments; now and then one too few, too many, or out of place. */
function binary(random, nsp, id) {
  const count = random.weighted({ 1: 6, 2: 4, 3: 2, 10: 1, 11: 1, 0: 1 });
  const form = random.weighted({ good: 12, zeros: 1, none: 1, sign: 1, float: 1 });
  const digits = { good: String(count), zeros: `0${count}`, none: '', sign: `+${count}`, float: `${count}.0` }[form];
  const num = () => random.weighted({ good: 14, past: 1, negative: 1, text: 1, float: 1, fraction: 1 });
  const args = Array.from({ length: Number(count) }, (_, i) => placeholder(
    { good: random.chance(0.1) ? 0 : i, past: count, negative: -1, text: `"${i}"`, float: `${i}.0`, fraction: 0.5 }[num()]));
  const [type, array] = random.chance(0.85)
    ? ['5', eventOf(random, '', '', [value(random), ...args])]
    : ['6', `[${args.join(',')}]`];
  const header = `4${type}${digits}-${nsp}${type === '6' ? random.pick(questions) : id}${array}`;
  const sent = Math.max(0, Number(count) + Number(random.weighted({ 0: 14, 1: 1, [-1]: 1 })));
  const attachments = Array.from({ length: sent }, (_, i) => Buffer.from([i, random.below(256), 0xff].slice(0, random.below(4))));
  return [header, ...attachments];
}

function messages(random) {
  const nsp = random.chance(0.85) ? random.pick(joinable) : random.pick(strange);
  const id = random.chance(0.9) ? random.pick(ackIds) : random.pick(strangeIds);
  switch (random.weighted({ event: 10, binary: 4, connect: 3, shy: 1, disconnect: 1.5, ack: 1.5, leave: 0.5, kick: 0.3, reserved: 1, error: 0.4, strange: 5, type: 0.5, mutated: 3 })) {
    case 'event': return [`42${eventOf(random, nsp, id, Array.from({ length: random.below(4) }, () => value(random)))}`];
    case 'binary': return binary(random, nsp, id);
    case 'connect': return [`40${nsp}${random.pick(['', '', '{}', '{"token":"jwt"}'])}`];
    case 'shy': return [`40/shy,${random.pick(['', '{"word":"please"}'])}`];
    case 'disconnect': return [`41${nsp}`];
    case 'ack': return [`43${nsp}${random.pick(questions)}[${value(random)}]`];
    case 'leave': return [`42${nsp}["leave"]`];
    case 'kick': return [`42${nsp}["kick"]`];
    case 'reserved': return [`42${nsp}["${random.pick(reserved)}"]`];
    case 'error': return [`44${nsp}{"message":"x"}`];
    case 'strange': {
      const type = random.pick(['0', '1', '2', '2', '2', '3']);
      return [`4${type}${nsp}${type === '3' ? random.pick(questions) : id}${random.pick(strangeJson)}`];
    }
    case 'type': return [`4${random.pick(['', '7', '9', 'x', ' 2["message"]', '51["message"]', '5-["message"]', '6["x"]'])}`];
    default: return [mutated(random, `42${eventOf(random, nsp, id, [value(random)])}`)];
  }
}

/** Engine.IO packets that are no messages, and what is none at all. */
function enginePacket(random) {
  return random.pick(['0', '2', '2probe', '3', '3probe', '5', '6', '', '7', 'x', ' ', 'b', 'bAQID', 'bAQ==', 'bAQ', 'bA*Q=', 'b_-8=', '1', '40x']);
}

/** What is sent in one go. */
function step(random) {
  const packets = [];
  for (let i = random.chance(0.75) ? 1 : random.below(3) + 1; i > 0; i -= 1) {
    if (random.chance(0.06)) packets.push(enginePacket(random));
    else packets.push(...messages(random));
  }
  return packets;
}

export function makeCase(seed) {
  const random = new Random(seed);
  const transport = random.pick(['polling', 'websocket']);
  const steps = random.chance(0.9) ? [['40']] : [];
  for (let i = random.below(4) + 1; i > 0; i -= 1) steps.push(step(random));
  return { seed, transport, steps };
}

/** A request that may or may not open a session. `SID` and `WSID` stand for the ids of a polling and a WebSocket session. */
export function makeRequest(seed) {
  const random = new Random(seed);
  const upgrade = random.chance(0.35);
  const query = [];
  const maybe = (probability, name, values) => {
    if (random.chance(probability)) query.push(`${name}=${random.pick(values)}`);
  };
  maybe(0.9, 'EIO', ['4', '4', '4', '4', '4', '3', '5', 'abc', '', '%34']);
  maybe(0.95, 'transport', upgrade ? ['websocket', 'websocket', 'websocket', 'polling'] : ['polling', 'polling', 'polling', 'websocket', 'webtransport', 'x', '', 'poll%69ng', 'Polling', '__proto__']);
  maybe(0.3, 'sid', ['SID', 'SID', 'WSID', 'abc', '', '__proto__']);
  maybe(0.1, 'transport', ['polling', 'websocket']);
  maybe(0.3, 't', ['abc', '%']);
  maybe(0.2, 'b64', ['1']);
  if (random.chance(0.3)) query.reverse();
  const path = random.chance(0.95) ? '/socket.io/' : random.pick(['/socket.io/x', '/socket.io/../socket.io/']);
  const method = upgrade ? 'GET' : random.pick(['GET', 'GET', 'GET', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'HEAD', 'PATCH']);
  const headers = {};
  if (random.chance(0.3)) headers.origin = random.pick(['http://app.test', 'https://other.test']);
  if (method === 'OPTIONS' && random.chance(0.7)) {
    Object.assign(headers, { origin: 'http://app.test', 'access-control-request-method': 'POST', 'access-control-request-headers': 'authorization' });
  }
  if (upgrade) {
    Object.assign(headers, {
      connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-version': '13', 'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
    });
  }
  return { seed, upgrade, method, path: `${path}?${query.join('&')}`, headers };
}
