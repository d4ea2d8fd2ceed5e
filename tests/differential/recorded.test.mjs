// What was recorded from the reference server over HTTP (http_answers.txt), asked of our real process.
import { test, describe, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { PollingSession, request } from './connection.mjs';
import { startOurs } from './server_process.mjs';

/** The blocks of the file, each a list of requests with their answers. */
function readBlocks() {
  const text = readFileSync(new URL('http_answers.txt', import.meta.url), 'utf8');
  return text.split('\n\n').map((block) => {
    const exchanges = [];
    for (const line of block.split('\n').filter((one) => one && !one.startsWith('#') && !one.startsWith('reference:'))) {
      const last = exchanges.at(-1);
      const asked = /^> ([A-Z]+) (\S+)$/.exec(line);
      const header = /^> ([a-z-]+): (.*)$/.exec(line);
      const answer = /^< (\d+) ?(.*)$/.exec(line);
      if (asked) exchanges.push({ method: asked[1], path: asked[2], headers: {} });
      else if (header) last.headers[header[1]] = header[2];
      else if (line.startsWith('>| ')) last.body = line.slice(3).replaceAll('^', '\x1e').replace('BIG', `4${'x'.repeat(5_000)}`);
      else if (answer) Object.assign(last, { status: Number(answer[1]), type: answer[2] });
      else if (line.startsWith('| ')) last.text = line.slice(2).replaceAll('^', '\x1e');
      else throw new Error(`http_answers.txt: ${line}`);
    }
    return exchanges;
  }).filter((exchanges) => exchanges.length > 0);
}

describe('as recorded', () => {
  let server;
  before(async () => (server = await startOurs({ maxPayload: 2_000 })));
  after(() => server.stop());

  for (const exchanges of readBlocks()) {
    test(exchanges.map(({ method, path, body }) => `${method} ${path}${body ? ` ${body.slice(0, 30)}` : ''}`)[0], async () => {
      const session = new PollingSession(server.port);
      await session.open();
      for (const { method, path, headers, body, status, type, text } of exchanges) {
        const got = await request({ port: server.port, method, path: path.replace('SID', session.sid), headers, body: body ?? (method === 'POST' ? '' : undefined) });
        assert.equal(got.status, status);
        if (type) assert.equal(got.headers['content-type'], type);
        if (text !== undefined) assert.equal(got.body.replace(/"sid":"[\w-]{20,37}"/g, '"sid":"*"'), text);
      }
    });
  }
});
