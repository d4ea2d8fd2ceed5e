// The demo page in a real browser: two tabs of one user, one of another.
import { test, before, after, describe } from 'node:test';
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';
import { Server, eventually } from './harness.mjs';

const executablePath = ['/usr/bin/chromium', '/usr/bin/google-chrome'].find((path) => existsSync(path));

describe('demo page', () => {
  let server;
  let browser;
  before(async () => {
    assert.ok(executablePath, 'no Chromium: ./dev setup installs it');
    server = await Server.start();
    browser = await chromium.launch({
      executablePath,
      args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
        '--disable-component-update', '--disable-sync'],
    });
  });
  after(async () => {
    await browser?.close();
    assert.equal(await server?.stop(), 0);
  });

  const id = (page, name) => page.getByTestId(name);

  async function open(context, path = '/') {
    const page = await context.newPage();
    page.problems = [];
    page.on('pageerror', (error) => page.problems.push(String(error)));
    page.on('console', (message) => message.type() === 'error' && page.problems.push(message.text()));
    page.requested = [];
    page.on('request', (request) => page.requested.push(`${request.method()} ${new URL(request.url()).pathname}`));
    await page.goto(server.url + path);
    return page;
  }

  async function register(page, name) {
    await id(page, 'auth-name').fill(name);
    await id(page, 'auth-email').fill(`${name.toLowerCase()}-${Date.now()}@example.test`);
    await id(page, 'auth-password').fill('correct horse battery');
    await id(page, 'auth-submit').click();
    await page.locator('[data-testid=connection][data-state=live]').waitFor();
  }

  const badge = (page, text) => eventually(`the badge says "${text}"`, async () => (await id(page, 'bell-badge').textContent()).trim() === text);

  test('register, the welcome rings, read in one tab and it is read in the other', async () => {
    const context = await browser.newContext({ locale: 'en-GB' });
    const strangers = await browser.newContext({ locale: 'vi-VN' });
    const a = await open(context);
    await register(a, 'Ada');
    await badge(a, '1');
    assert.match(await a.title(), /^\(1\)/);

    const [b] = await Promise.all([context.waitForEvent('page'), id(a, 'open-tab').click()]);
    await b.locator('[data-testid=connection][data-state=live]').waitFor();
    await badge(b, '1');

    const stranger = await open(strangers);
    await register(stranger, 'Eve');
    await badge(stranger, '1');

    const requests = b.requested?.length ?? 0;
    await id(a, 'send-title').fill('<b>Dinner</b> at 8?');
    await id(a, 'send-body').fill('Bring <i>nothing</i>');
    await id(a, 'send-submit').click();
    await badge(a, '2');
    await badge(b, '2');
    await id(b, 'toast').first().waitFor();
    assert.match(await b.title(), /^\(2\)/);
    assert.equal(b.requested?.length ?? 0, requests);

    await id(b, 'bell').click();
    const item = id(b, 'inbox-item').first();
    await item.waitFor();
    assert.equal(await id(b, 'inbox-item-title').first().textContent(), '<b>Dinner</b> at 8?');
    assert.equal(await item.getAttribute('data-read'), 'false');
    await item.click();
    await eventually('it is read', async () => (await item.getAttribute('data-read')) === 'true');
    await badge(a, '1');
    await id(a, 'bell').click();
    await eventually('and in the other tab', async () => (await id(a, 'inbox-item').first().getAttribute('data-read')) === 'true');

    await id(a, 'read-all').click();
    for (const page of [a, b]) {
      await eventually('no badge is left', async () => !(await id(page, 'bell-badge').isVisible()));
      assert.ok(!/^\(/.test(await page.title()));
    }
    await badge(stranger, '1');
    for (const page of [a, stranger]) assert.deepEqual(page.problems, []);
    await context.close();
    await strangers.close();
  });

  test('the tab notices a restart of the server and is current afterwards', async () => {
    const context = await browser.newContext();
    const page = await open(context);
    await register(page, 'Grace');
    await badge(page, '1');
    await server.kill();
    await eventually('it says so', async () => (await id(page, 'connection').getAttribute('data-state')) !== 'live');
    await server.launch();
    await page.locator('[data-testid=connection][data-state=live]').waitFor();
    await id(page, 'send-title').fill('After the restart');
    await id(page, 'send-submit').click();
    await badge(page, '2');
    await context.close();
  });

  test('keyboard alone is enough', async () => {
    const context = await browser.newContext();
    const page = await open(context);
    await register(page, 'Kay');
    await badge(page, '1');
    await id(page, 'bell').focus();
    await page.keyboard.press('Enter');
    await id(page, 'inbox-item').first().waitFor();
    await eventually('an item can be reached by Tab and the arrows', async () => {
      await page.keyboard.press('Tab');
      await page.keyboard.press('ArrowDown');
      return page.evaluate(() => document.activeElement?.closest('[data-testid=inbox-item]') !== null);
    });
    await page.keyboard.press('Enter');
    await eventually('it is read', async () => (await id(page, 'inbox-item').first().getAttribute('data-read')) === 'true');
    await page.keyboard.press('Escape');
    await eventually('the inbox closes and the bell has the focus', async () =>
      !(await id(page, 'inbox').isVisible()) &&
      page.evaluate(() => document.activeElement?.getAttribute('data-testid') === 'bell'));
    await context.close();
  });
});
