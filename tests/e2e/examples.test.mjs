// The two example apps, as their README starts them, in a real browser.
import { test, describe, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { spawn, execFile } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { randomUUID } from 'node:crypto';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Server, eventually } from './harness.mjs';
import { secret } from './site.mjs';
import { BellTab, launch } from './sdk_browser.mjs';
import { freePort } from '../cluster/servers.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

describe('the examples', () => {
  let server;
  let browser;
  let port;
  before(async () => {
    port = await freePort();
    server = await Server.start({ flags: ['--jwt-secret', secret, '--cors-origin', `http://localhost:${port}`] });
    browser = await launch();
  });
  after(async () => {
    await browser?.close();
    assert.equal(await server?.stop(), 0);
  });

  const environment = () => ({ ...process.env, CARILLON_URL: server.url, CARILLON_JWT_SECRET: secret, EXAMPLE_USER: randomUUID(), PORT: String(port) });

  async function withApp(command, args, env, body) {
    const app = spawn(command, args, { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] });
    const closed = once(app, 'close');
    try {
      await eventually('the app answers', async () => (await fetch(`http://localhost:${port}/`)).ok, 30_000);
      const context = await browser.newContext({ locale: 'en-GB' });
      const tab = new BellTab(await context.newPage());
      await tab.page.addInitScript(() => {
        window.violations = [];
        document.addEventListener('securitypolicyviolation', (event) => window.violations.push(`${event.violatedDirective}: ${event.blockedURI}`));
      });
      await tab.page.goto(`http://localhost:${port}/`);
      await tab.live();
      await body(tab);
      await context.close();
    } finally {
      app.kill('SIGTERM');
      await closed;
    }
  }

  test('html: rings in the bell and in the inbox beside it, under its policy', () => withApp(process.execPath, ['examples/html/server.mjs'], environment(), async (tab) => {
    await tab.page.locator('#ring').click();
    await eventually('the bell', async () => (await tab.at('.badge').textContent()) === '1');
    await eventually('the page', async () => (await tab.page.title()) === '(1) Nordlys Studio');
    assert.equal(await tab.page.locator('#heard').textContent(), 'Heard: Linh mentioned you');
    await tab.page.locator('main carillon-inbox .item').click();
    await eventually('it is read', async () => (await tab.at('.badge').count()) === 0);
    await eventually('its link was followed', () => new URL(tab.page.url()).hash === '#notes');
    assert.equal(await server.metric('carillon_connections_active'), 1);
    assert.deepEqual(await tab.page.evaluate(() => window.violations), []);
    await tab.checkAxe('example html');
  }));

  test('react-vite: built, previewed, and live', { timeout: 120_000 }, async () => {
    const env = environment();
    const vite = join(root, 'node_modules/vite/bin/vite.js');
    // ./dev test has built them.
    for (const name of ['contracts', 'js', 'elements', 'react'].filter((each) => !existsSync(join(root, `clients/${each}/dist/index.d.ts`)))) {
      await promisify(execFile)('npm', ['run', '--silent', 'build', '--workspace', `clients/${name}`], { cwd: root });
    }
    await promisify(execFile)(process.execPath, [vite, 'build', 'examples/react-vite', '--logLevel', 'warn'], { cwd: root, env });
    await withApp(process.execPath, [vite, 'preview', 'examples/react-vite', '--port', String(port), '--strictPort', '--host', 'localhost'], env, async (tab) => {
      assert.equal(await tab.page.locator('.connection').textContent(), 'live');
      await tab.page.locator('.ring').click();
      await eventually('the bell', async () => (await tab.at('.badge').textContent()) === '1');
      assert.equal(await tab.page.locator('.latest .fresh').count(), 1);
      await tab.page.locator('.latest .fresh button').click();
      await eventually('it is read', async () => (await tab.at('.badge').count()) === 0);
      assert.deepEqual(tab.problems.filter((problem) => !/404/.test(problem)), []);
      await tab.checkAxe('example react-vite');
    });
  });
});
