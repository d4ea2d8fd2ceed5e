// The demo page in a real browser: two tabs of one user, one of another.
import { test, before, after, describe } from 'node:test';
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { randomUUID } from 'node:crypto';
import { chromium } from 'playwright-core';
import { Server, eventually } from './harness.mjs';

const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

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

  // The session of any user, taken up by the page from where it keeps one.
  async function signedIn(context, userId) {
    const token = await server.token(userId, '--permission', 'notification:read', '--permission', 'notification:update');
    const session = { token, userId, email: 'quiet@example.test', name: 'Quiet', expiresAt: Date.now() + 3_000_000 };
    await context.addInitScript((value) => localStorage.setItem('carillon.session', value), JSON.stringify(session));
  }

  const settled = (page) => page.evaluate(() => document.fonts.ready.then(() => Promise.all(
    document.getAnimations().filter((each) => each.effect.getComputedTiming().endTime !== Infinity).map((each) => each.finished.catch(() => 0)))));

  async function assertAccessible(page, state) {
    await settled(page);
    await page.evaluate(`${axe}; 0`);
    const found = await page.evaluate(async () => {
      const { violations } = await window.axe.run(document, { resultTypes: ['violations'] });
      return violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.target.join(' ')} — ${node.failureSummary}`));
    });
    assert.deepEqual(found, [], `axe, ${state}`);
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    assert.equal(overflow, 0, `${state} scrolls sideways by ${overflow} px`);
  }

  const looks = {
    'light, English, desktop': { colorScheme: 'light', locale: 'en-GB', viewport: { width: 1280, height: 800 } },
    'dark, English, desktop': { colorScheme: 'dark', locale: 'en-GB', viewport: { width: 1280, height: 800 } },
    'light, Vietnamese, phone': { colorScheme: 'light', locale: 'vi-VN', viewport: { width: 390, height: 844 } },
    'dark, Vietnamese, small phone': { colorScheme: 'dark', locale: 'vi-VN', viewport: { width: 320, height: 640 } },
  };
  for (const [name, look] of Object.entries(looks)) {
    test(`accessible in every state (${name})`, async () => {
      const context = await browser.newContext({ ...look, reducedMotion: 'reduce' });
      const page = await open(context);
      await assertAccessible(page, 'signed out');
      await id(page, 'auth-email').fill('nobody');
      await id(page, 'auth-submit').click();
      await assertAccessible(page, 'refused by the form');
      await register(page, 'Axel');
      await id(page, 'toast').first().waitFor();
      await assertAccessible(page, 'a toast');
      await id(page, 'send-title').fill('Read me');
      await id(page, 'send-submit').click();
      await badge(page, '2');
      await id(page, 'bell').click();
      await id(page, 'inbox-item').first().waitFor();
      await assertAccessible(page, 'inbox open');
      await id(page, 'inbox-item').first().click();
      await badge(page, '1');
      await assertAccessible(page, 'one read, one not');
      await context.setOffline(true);
      await page.evaluate(() => window.dispatchEvent(new Event('offline')));
      await eventually('it says that it is offline', async () => (await id(page, 'connection').getAttribute('data-state')) !== 'live', 60_000);
      await assertAccessible(page, 'offline, inbox open');
      await context.close();

      const quiet = await browser.newContext({ ...look, reducedMotion: 'reduce' });
      await signedIn(quiet, randomUUID());
      const empty = await open(quiet);
      await empty.locator('[data-testid=connection][data-state=live]').waitFor();
      await id(empty, 'bell').click();
      await empty.locator('.quiet-title').waitFor();
      await assertAccessible(empty, 'empty inbox');
      await quiet.close();
    });
  }

  test('what others wrote is text, never markup', async () => {
    const user = randomUUID();
    const context = await browser.newContext({ locale: 'en-GB' });
    await signedIn(context, user);
    const page = await open(context);
    await page.locator('[data-testid=connection][data-state=live]').waitFor();
    const attack = '<img src=x onerror="window.hit=1"><script>window.hit=1</script>';
    await server.create(user, attack, { body: `${attack}<b>bold</b>`, type: '<i>t</i>', data: { url: '/?<script>' } });
    const toast = id(page, 'toast').first();
    await toast.waitFor();
    assert.equal(await toast.locator('.toast-title').textContent(), attack);
    await id(page, 'bell').click();
    const item = id(page, 'inbox-item').first();
    await item.waitFor();
    assert.equal(await id(page, 'inbox-item-title').first().textContent(), attack);
    assert.equal(await item.locator('.item-body').textContent(), `${attack}<b>bold</b>`);
    assert.equal(await item.locator('.item-type').textContent(), '<i>t</i>');
    assert.equal(await page.locator('.toasts, .inbox, .log').locator('img, script, b, i').count(), 0);
    assert.equal(await page.evaluate(() => window.hit), undefined);
    assert.deepEqual(page.problems, []);
    await context.close();
  });

  test('every stop of the Tab key shows where it is, and the order is that of the screen', async () => {
    const context = await browser.newContext({ locale: 'en-GB' });
    const page = await open(context);
    await register(page, 'Tabitha');
    await badge(page, '1');
    await page.reload();
    await page.locator('[data-testid=connection][data-state=live]').waitFor();
    await badge(page, '1');
    const stops = [];
    for (let n = 0; n < 40; n += 1) {
      await page.keyboard.press('Tab');
      await settled(page);
      const stop = await page.evaluate(() => {
        const element = document.activeElement;
        if (element === document.body) return null;
        const style = getComputedStyle(element);
        const box = element.getBoundingClientRect();
        const ring = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2 && !/, 0\)$/.test(style.outlineColor);
        return {
          name: element.dataset.testid ?? element.getAttribute('href') ?? element.className,
          visible: ring || style.boxShadow !== 'none',
          inView: box.bottom > 0 && box.top < innerHeight && box.width > 0 && box.height > 0,
        };
      });
      if (stop === null) break;
      stops.push(stop);
    }
    for (const stop of stops) assert.ok(stop.visible && stop.inView, `focus is not seen on ${stop.name}`);
    const names = stops.map((stop) => stop.name);
    const expected = ['#main', 'lang-toggle', 'theme-toggle', 'bell', 'sign-out', 'send-title', 'send-body', 'send-type', 'send-url',
      'send-submit', 'open-tab', 'open-other', 'event-log'];
    assert.deepEqual(names.filter((name) => expected.includes(name)), expected, names.join(' '));
    await context.close();
  });

  test('a screen reader hears what arrives, and what the bell is called', async () => {
    const context = await browser.newContext({ locale: 'en-GB' });
    const page = await open(context);
    await register(page, 'Iris');
    await badge(page, '1');
    assert.equal(await id(page, 'bell').getAttribute('aria-label'), 'Notifications, 1 unread');
    const live = page.locator('[aria-live=polite]');
    await eventually('the arrival is in the live region', async () => /Welcome to Carillon/.test(await live.textContent()));
    assert.equal(await id(page, 'connection').getAttribute('role'), 'status');
    await id(page, 'bell').click();
    await page.getByRole('dialog', { name: 'Notifications' }).waitFor();
    assert.equal(await id(page, 'bell').getAttribute('aria-expanded'), 'true');
    assert.match(await id(page, 'inbox-item').first().textContent(), /^Unread\./);
    await id(page, 'lang-toggle').click();
    assert.equal(await page.evaluate(() => document.documentElement.lang), 'vi');
    await context.close();
  });

  test('who asked for less motion gets none', async () => {
    const context = await browser.newContext({ reducedMotion: 'reduce' });
    const page = await open(context);
    const moving = () => page.evaluate(() => document.getAnimations().filter((each) => {
      const { duration, iterations } = each.effect.getComputedTiming();
      return duration > 20 || iterations === Infinity;
    }).length);
    assert.equal(await moving(), 0);
    await register(page, 'Still');
    await id(page, 'toast').first().waitFor();
    assert.equal(await moving(), 0);
    await context.close();
  });
});
