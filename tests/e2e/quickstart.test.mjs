// The README's "Five minutes to a bell in your own app", followed to the letter in an empty folder: its commands, its page,
// a real browser. Only the ports are others: they come from the environment, and the page's two URLs are put in.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { dirname, extname, join, normalize } from 'node:path';
import { promisify } from 'node:util';
import { chromium } from 'playwright-core';
import { binary, eventually, temporaryDirectory } from './harness.mjs';

const readme = await readFile(new URL('../../README.md', import.meta.url), 'utf8');
const section = readme.slice(readme.indexOf('## Five minutes'), readme.indexOf('## What clients see'));
const blocks = (language) => [...section.matchAll(new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\``, 'gm'))].map((match) => match[1].trim());
const executablePath = ['/usr/bin/chromium', '/usr/bin/google-chrome'].find((path) => existsSync(path));

// Whatever serves a folder: python3 -m http.server in the README.
async function serveFolder(folder) {
  const types = { '.html': 'text/html', '.js': 'text/javascript' };
  const server = createServer(async (request, response) => {
    const path = normalize(new URL(request.url, 'http://x').pathname).replace(/\/$/, '/index.html');
    try {
      const content = await readFile(join(folder, path));
      response.setHeader('content-type', types[extname(path)] ?? 'application/octet-stream').end(content);
    } catch {
      response.writeHead(404).end();
    }
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

test('the README\'s five minutes', { timeout: 120_000 }, async () => {
  const [serve, install, makeToken, send] = blocks('sh');
  const [page] = blocks('html');
  assert.match(serve, /^carillon serve /);
  assert.match(install, /^npm install /);
  assert.match(makeToken, /^carillon token /);
  assert.match(send, /^carillon send /);

  const folder = await temporaryDirectory();
  const pages = await serveFolder(folder);
  const origin = `http://localhost:${pages.address().port}`;
  const env = {
    ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(CARILLON_|npm_)/i.test(name))),
    PATH: `${dirname(binary)}:${process.env.PATH}`,
    CARILLON_PORT: '0', CARILLON_AUTH_PORT: '0', CARILLON_NOTIFICATIONS_PORT: '0',
    npm_config_prefer_offline: 'true', npm_config_audit: 'false', npm_config_fund: 'false', npm_config_update_notifier: 'false',
  };
  const shell = async (command, more = {}) => (await promisify(execFile)('bash', ['-c', command], { cwd: folder, env: { ...env, ...more }, timeout: 60_000 })).stdout.trim();

  const server = spawn('bash', ['-c', `exec ${serve.replace('http://localhost:8080', origin)}`], { cwd: folder, env, stdio: ['ignore', 'pipe', 'ignore'] });
  const ended = once(server, 'close');
  let said = '';
  server.stdout.on('data', (chunk) => (said += chunk));
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] });
  try {
    const url = await eventually('the server says where it is', () => said.match(/ready: (http:\/\/localhost:\d+)/)?.[1], 20_000);
    await shell(install);
    assert.ok(page.includes("'http://localhost:3000'"));
    await writeFile(join(folder, 'index.html'), page.replace('http://localhost:3000', url));
    const token = await shell(makeToken);

    const context = await browser.newContext();
    const problems = [];
    const tabs = [];
    for (let n = 0; n < 2; n += 1) {
      const tab = await context.newPage();
      tab.on('pageerror', (error) => problems.push(String(error)));
      await tab.goto(`${origin}/#${token}`);
      tabs.push(tab);
    }
    const everywhere = (what, probe) => Promise.all(tabs.map((tab) => eventually(what, () => tab.evaluate(probe))));
    await everywhere('it is connected', () => socket.connected && document.querySelector('#count').textContent === '0');

    const sent = await shell(send, { CARILLON_URL: url });
    assert.match(sent, /^[0-9a-f-]{36}$/);
    await everywhere('it rings', () => document.querySelector('#count').textContent === '1');
    const first = tabs[0].locator('#inbox li.unread');
    assert.equal(await first.textContent(), 'Ada replied to you');
    assert.equal(await first.getAttribute('id'), sent);
    await first.click();
    await everywhere('it is read in both', () => document.querySelector('#count').textContent === '0' && document.querySelector('#inbox li').className === 'read');

    await shell(send, { CARILLON_URL: url });
    await shell(send, { CARILLON_URL: url });
    await everywhere('two more', () => document.querySelector('#count').textContent === '2');
    await tabs[1].locator('#bell').click();
    await everywhere('all are read', () => document.querySelector('#count').textContent === '0' && document.querySelectorAll('li.unread').length === 0);

    // A page that comes later finds what there is.
    await tabs[0].reload();
    await eventually('three lines, all read', () => tabs[0].evaluate(() => document.querySelectorAll('#inbox li.read').length === 3));
    assert.deepEqual(problems, []);
  } finally {
    await browser.close();
    server.kill('SIGTERM');
    pages.close();
  }
  assert.equal((await ended)[0], 0);
  await rm(folder, { recursive: true });
});
